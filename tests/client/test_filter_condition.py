"""Tests of client/filter_condition.py: a filter becomes WQL, as far as the class has the properties."""

from datetime import UTC, datetime

import pytest

from logonscope.answers.logon_filter import LogonFilter
from logonscope.client.filter_condition import filtered_select
from logonscope.wql.write import write_statement

EVERY = frozenset({"User", "Uid", "LogonType", "State", "RemoteHost", "StartTime", "KeyFingerprint"})
MOMENT = datetime(2026, 1, 1, 10, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("where", "condition"),
    [
        (None, ""),
        (LogonFilter(users=frozenset({"bob", "alice"})), " WHERE User = 'alice' OR User = 'bob'"),
        (LogonFilter(users=frozenset({"1000"})), " WHERE User = '1000' OR Uid = 1000"),
        (LogonFilter(users=frozenset({"1" * 5000})), f" WHERE User = '{'1' * 5000}'"),
        (LogonFilter(types=frozenset({10})), " WHERE LogonType = 10"),
        (LogonFilter(types=frozenset({10, None})), " WHERE LogonType = 10 OR LogonType IS NULL"),
        (LogonFilter(states=frozenset({"logged out"})), " WHERE State = 'logged out'"),
        (LogonFilter(origins=frozenset({"203.0.113.7"})), " WHERE RemoteHost = '203.0.113.7'"),
        (LogonFilter(origins=frozenset({"203.0.113.0/24"})), ""),
        (LogonFilter(since=MOMENT), " WHERE StartTime >= '20260101100200.000000+000'"),
        (LogonFilter(until=MOMENT), " WHERE StartTime < '20260101100200.000000+000'"),
        (LogonFilter(users=frozenset(), types=frozenset(), states=frozenset(), origins=frozenset()), ""),
        (LogonFilter(keys=frozenset()), ""),
        (LogonFilter(system=False), " WHERE NOT LogonType = 0 OR LogonType IS NULL"),
        (
            LogonFilter(users=frozenset({"alice"}), types=frozenset({10})),
            " WHERE User = 'alice' AND LogonType = 10",
        ),
    ],
)
def test_each_field_is_a_condition(where: LogonFilter | None, condition: str) -> None:
    text = write_statement(filtered_select("LS_LogonSession", where, EVERY))
    assert text.replace('"', "'") == f"SELECT * FROM LS_LogonSession{condition}"


def test_what_the_class_has_not_is_no_part_of_the_query() -> None:
    where = LogonFilter(users=frozenset({"alice"}), types=frozenset({10}))
    text = write_statement(filtered_select("Win32_LogonSession", where, frozenset({"LogonType", "StartTime"})))
    assert text == "SELECT * FROM Win32_LogonSession WHERE LogonType = 10"
