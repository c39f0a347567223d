"""Tests of answers/logon_filter.py: a filter keeps exactly the logon sessions that match every field."""

from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope.answers.logon_filter import NO_FILTER, LogonFilter
from logonscope.answers.logon_session import LogonSession
from logonscope.errors import InvalidParameterError

START = datetime(2026, 1, 1, 10, 2, tzinfo=UTC)
ALICE = LogonSession("41", "alice", 1000, 10, start=START, state="active", remote_host="203.0.113.7")
SYSTEM = LogonSession("4294967295", logon_type=0, start=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        (NO_FILTER, True),
        (LogonFilter(users=frozenset({"alice", "bob"})), True),
        (LogonFilter(users=frozenset({"1000"})), True),
        (LogonFilter(users=frozenset({"bob"})), False),
        (LogonFilter(types=frozenset({10, 2})), True),
        (LogonFilter(types=frozenset({None})), False),
        (LogonFilter(states=frozenset({"active"})), True),
        (LogonFilter(states=frozenset({None, "closing"})), False),
        (LogonFilter(origins=frozenset({"203.0.113.7"})), True),
        (LogonFilter(origins=frozenset({"203.0.113.0/24"})), True),
        (LogonFilter(origins=frozenset({"2001:db8::/32", "198.51.100.0/24"})), False),
        (LogonFilter(origins=frozenset({"203.0.113"})), False),
        (LogonFilter(since=START), True),
        (LogonFilter(until=START), False),
        (LogonFilter(system=False), True),
        (LogonFilter(users=frozenset({"alice"}), types=frozenset({3})), False),
    ],
)
def test_a_logon_session_has_to_fit_every_field(where: LogonFilter, fits: bool) -> None:
    assert where.fits(ALICE) == fits


def test_what_is_not_known_fits_only_where_that_is_requested() -> None:
    unknown = LogonSession("63", "root", 0)
    assert LogonFilter(types=frozenset({None}), states=frozenset({None})).fits(unknown)
    assert not LogonFilter(origins=frozenset({"203.0.113.7"})).fits(unknown)
    assert not LogonFilter(since=START).fits(unknown)


def test_the_system_session_can_be_left_out() -> None:
    assert NO_FILTER.fits(SYSTEM)
    assert not LogonFilter(system=False).fits(SYSTEM)
    assert (NO_FILTER.matches_all, LogonFilter(system=False).matches_all) == (True, False)


def test_a_host_name_is_compared_in_any_case_and_is_in_no_network() -> None:
    named = ALICE._replace(remote_host="Desk.Example", remote_address="2001:db8::7")
    assert LogonFilter(origins=frozenset({"2001:DB8:0::7"})).fits(named)
    assert LogonFilter(origins=frozenset({"desk.example"})).fits(named)
    assert not LogonFilter(origins=frozenset({"203.0.113.0/24", "nonsense/8"})).fits(named)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"types": {"RemoteInteractive"}}, "invalid type 'RemoteInteractive': expected a LogonType such as 10"),
        ({"types": {True}}, "invalid type True"),
        ({"states": {"gone"}}, "invalid state 'gone': expected active, online, closing, lingering, logged out"),
        ({"users": "alice"}, "invalid users 'alice': expected a set; give {'alice'}"),
        ({"users": {1000}}, "invalid user 1000: expected text; give '1000'"),
        ({"origins": {"192.0.2.0/33"}}, "invalid network '192.0.2.0/33'"),
        ({"keys": {7}}, "invalid key 7: expected a fingerprint"),
        ({"since": datetime(2026, 1, 1)}, "invalid since datetime.*: expected a datetime with a time zone"),  # noqa: DTZ001 -- the error
        ({"until": "yesterday"}, "invalid until 'yesterday'"),
    ],
)  # fmt: skip
def test_a_value_that_can_match_nothing_is_an_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        LogonFilter(**values).checked()


def test_values_of_another_form_are_converted() -> None:
    values: dict[str, Any] = {"users": ["alice"], "types": {10, None}, "states": {"logged-out"}, "since": START}
    expected = LogonFilter(frozenset({"alice"}), frozenset({10, None}), frozenset({"logged out"}), None, START)
    assert LogonFilter(**values).checked() == expected
