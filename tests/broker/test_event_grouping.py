"""broker/event_grouping.py: the number of groups is limited."""

import pytest

from logonscope.broker import event_grouping
from logonscope.cim.schema import schema
from logonscope.errors import QuotaViolationError
from logonscope.wql.events import Grouping


def nothing() -> None:
    """Check no deadline."""


def test_too_many_groups_are_an_error() -> None:
    groups = event_grouping.EventGroups(Grouping(60, ("A",), None), schema().get("__AggregateEvent"), nothing)
    for number in range(event_grouping.MAX_GROUPS):
        groups.add((number,), number)
    groups.add((0,), "a second one of the first group")
    with pytest.raises(QuotaViolationError, match="more than 10,000 groups"):
        groups.add((-1,), -1)
    assert list(groups.complete()) == []


def test_texts_are_grouped_without_regard_to_case() -> None:
    groups = event_grouping.EventGroups(Grouping(0, ("A",), None), schema().get("__AggregateEvent"), nothing)
    groups.add(("sshd", None), 1)
    groups.add(("SSHD", None), 2)
    assert list(groups.complete()) == [(1, 2)]
    assert groups.due is None
