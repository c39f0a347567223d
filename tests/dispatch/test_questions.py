"""Tests of dispatch/questions.py: parts of trees and leftovers are those of the broker's answers, in order."""

from typing import Any

from logonscope import LogonFilter
from logonscope.broker.session_processes import leftovers
from logonscope.broker.sessions import sessions, tree
from logonscope.dispatch import questions
from logonscope.dispatch.enumerations import AnswerRows, Rows
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT

REQUEST = Memory(SNAPSHOT).request(ROOT)


def rows(found: Rows) -> list[Any]:
    """Return the answers."""
    return [row for result in found.results if isinstance(result, AnswerRows) for row in result.rows]


def test_a_logon_session_is_followed_by_its_processes() -> None:
    expected = list[dict[str, Any]]()
    for part in tree(REQUEST):
        expected += [{"session": part.session}, *({"process": process} for process in part.processes)]
    assert rows(questions.list_tree(REQUEST)) == expected


def test_leftovers_end_with_the_numbers_of_logon_sessions() -> None:
    expected = leftovers(REQUEST)
    *processes, numbers = rows(questions.list_leftovers(REQUEST))
    assert tuple(row["process"] for row in processes) == expected.processes
    assert numbers == {"logon_sessions": {"known": expected.known, "unknown": expected.unknown}}


def test_a_filter_leads_to_the_filtered_operation() -> None:
    where = LogonFilter(types=frozenset({10}))
    assert rows(questions.list_sessions(REQUEST, where=where)) == [row for row in sessions(REQUEST) if where.fits(row)]
    assert rows(questions.list_sessions(REQUEST, where=LogonFilter())) == sessions(REQUEST)
