"""Tests of sources/live/journal_follower.py: entries of journalctl. The journal itself: test_user_changes.py."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.sources.live.journal_follower import LoggedLine, parse_entry

ENTRY = {
    "_PID": "10996", "_UID": "64321", "_EXE": "/usr/bin/sudo", "_TRANSPORT": "syslog", "_AUDIT_SESSION": "91240",
    "_SOURCE_REALTIME_TIMESTAMP": "1795804777160186", "__REALTIME_TIMESTAMP": "1795804777160213",
    "__MONOTONIC_TIMESTAMP": "14694970669", "__CURSOR": "s=65", "MESSAGE": "alice : ...",
    "_SYSTEMD_CGROUP": "/user.slice/user-64321.slice/session-7.scope",
}  # fmt: skip
"""Fields of an entry of systemd 252's journal."""
LINE = LoggedLine(
    10996, 64321, "sudo", 14_694_970_642_000, "alice : ...", 91240, "/user.slice/user-64321.slice/session-7.scope"
)


def test_an_entry_has_the_time_when_it_was_written() -> None:
    assert parse_entry(json.dumps(ENTRY).encode()) == ("s=65", LINE)
    without = {name: value for name, value in ENTRY.items() if name not in {"_AUDIT_SESSION", "_SYSTEMD_CGROUP"}}
    assert parse_entry(json.dumps(without).encode())[1] == LINE._replace(ses=None, cgroup=None)


def test_a_program_of_root_that_has_ended_is_known_by_its_name() -> None:
    ended = {name: value for name, value in ENTRY.items() if name != "_EXE"} | {"_COMM": "sshd"}
    line = parse_entry(json.dumps(ended | {"_UID": "0"}).encode())[1]
    assert line is not None
    assert (line.program, line.uid) == ("sshd", 0)
    assert parse_entry(json.dumps(ended).encode())[1] is None


def test_a_program_of_root_that_has_ended_before_journald_looked_is_known_by_what_it_calls_itself() -> None:
    ended = {name: value for name, value in ENTRY.items() if name != "_EXE"} | {"SYSLOG_IDENTIFIER": "sshd-session"}
    line = parse_entry(json.dumps(ended | {"_UID": "0"}).encode())[1]
    assert line is not None
    assert (line.program, line.uid) == ("sshd-session", 0)
    # what journald has read of the process counts more, and a user chooses any identifier
    assert parse_entry(json.dumps(ended | {"_UID": "0", "_COMM": "logger"}).encode())[1] == line._replace(
        program="logger"
    )
    assert parse_entry(json.dumps(ended).encode())[1] is None


@pytest.mark.parametrize("change", [
    {"_TRANSPORT": "stdout"}, {"_TRANSPORT": "kernel"}, {"MESSAGE": [65, 66]}, {"MESSAGE": None}, {"_UID": ["0", "0"]},
    {"_EXE": None}, {"_PID": "-1"}, {"_PID": float("inf")}, {"__CURSOR": 5},
])  # fmt: skip
def test_an_entry_with_another_field_has_no_line(change: dict[str, object]) -> None:
    assert parse_entry(json.dumps(ENTRY | change).encode())[1] is None


@given(
    st.dictionaries(
        st.sampled_from(sorted(ENTRY)), st.none() | st.floats() | st.text(max_size=9) | st.lists(st.integers())
    )
)
def test_no_entry_makes_it_fail(values: dict[str, object]) -> None:
    _, line = parse_entry(json.dumps(ENTRY | values).encode())
    assert line is None or min(line.pid, line.uid) >= 0


@given(st.binary(max_size=40))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    assert parse_entry(data) == (None, None)
