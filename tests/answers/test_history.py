"""Tests of answers/history.py: which past processes failed, and which filters are valid."""

from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope.answers.history import HistoryFilter, PastProcess
from logonscope.errors import InvalidParameterError


@pytest.mark.parametrize(
    ("exit_code", "signal", "failed"), [(0, None, False), (None, None, False), (3, None, True), (None, 9, True)]
)
def test_what_failed(exit_code: int | None, signal: int | None, failed: bool) -> None:
    values = dict.fromkeys(PastProcess._fields)
    process = PastProcess(**{**values, "exit_code": exit_code, "signal": signal})  # type: ignore[arg-type]  # a row of None
    assert process.is_failed is failed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"word": 41}, "invalid word 41: expected text; give '41'"),
        ({"since": datetime(2026, 1, 1)}, "invalid since datetime.*: expected a datetime with a time zone"),  # noqa: DTZ001 -- the error
        ({"until": "yesterday"}, "invalid until 'yesterday'"),
        ({"origins": "192.0.2.7"}, "invalid origins '192.0.2.7': expected a set"),
        ({"keys": "SHA256:mVPw"}, "invalid keys 'SHA256:mVPw': expected a set"),
    ],
)
def test_a_value_that_can_match_nothing_is_an_error(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        HistoryFilter(**values).checked()


@pytest.mark.parametrize(
    ("origin", "remote_host", "remote_address", "expected"),
    [
        ("Desk.Example", "desk.example", None, True), ("192.0.2.0/24", "desk", "192.0.2.7", True),
        ("2001:DB8:0::7", None, "2001:db8::7", True), ("fe80::/10", None, "fe80::1%eth0", True),
        ("192.0.2.0/24", "desk.example", None, False), ("desk", None, None, False),
    ],
)  # fmt: skip
def test_a_login_is_found_by_its_origin_in_any_case_and_form(
    origin: str, remote_host: str | None, remote_address: str | None, expected: bool
) -> None:
    where = HistoryFilter(origins=frozenset({origin}))
    assert where.may_come_from(remote_host, remote_address) is expected


def test_collections_become_sets() -> None:
    where = HistoryFilter("alice", datetime(2026, 1, 1, tzinfo=UTC), origins=["web1"], keys=["SHA256:mVPw"])  # type: ignore[arg-type]  # a list, as users write it
    assert where.checked() == where._replace(origins=frozenset({"web1"}), keys=frozenset({"SHA256:mVPw"}))
