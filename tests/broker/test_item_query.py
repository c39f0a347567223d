"""broker/item_query.py: a query for items reads everything unless it says otherwise."""

from logonscope.broker.item_query import ItemQuery
from logonscope.machine import EVERYTHING


def test_a_query_narrows_nothing_by_itself() -> None:
    query = ItemQuery(frozenset({"pid"}))
    assert query.selection == EVERYTHING
    assert (query.include_hidden, query.process_filter, dict(query.limits)) == (False, None, {})
