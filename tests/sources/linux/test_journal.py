"""Tests of sources/linux/journal.py: lines of journalctl, whatever is in them, and a journal that cannot be read."""

import json
import math
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logonscope.errors import TimedOutError
from logonscope.machine import Deadline, Look
from logonscope.sources.linux.journal import (
    MAX_BYTES,
    MAX_SECONDS,
    JournalLine,
    has_journal,
    parse_line,
    read_journal,
    run_bounded,
)
from tests.hosts import HostFolder

ENTRY = {
    "_PID": "56", "_UID": "0", "_EXE": "/usr/sbin/sshd", "__MONOTONIC_TIMESTAMP": "43765725548", "MESSAGE": "Accepted",
}  # fmt: skip
"""Fields of a line of systemd 252's journal."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=5,
)


def test_a_line() -> None:
    line = JournalLine(56, 0, "/usr/sbin/sshd", 43765725548, "Accepted")
    assert parse_line(json.dumps(ENTRY).encode()) == line
    # a repeated field is a list, one that is no text a list of bytes, a large one null
    for value in (["Accepted", "Accepted"], [65, 99], None):
        assert parse_line(json.dumps(ENTRY | {"MESSAGE": value}).encode()) is None
    for name in ENTRY:
        assert parse_line(json.dumps({key: value for key, value in ENTRY.items() if key != name}).encode()) is None


@given(st.binary(max_size=100), st.dictionaries(st.sampled_from(sorted(ENTRY)), json_values))
@example(b"", {"_PID": math.inf})
def test_no_line_makes_it_fail(data: bytes, values: dict[str, object]) -> None:
    for text in (data, json.dumps(values).encode(), json.dumps(ENTRY | values).encode()):
        line = parse_line(text)
        assert line is None or (line.pid >= 0 and isinstance(line.message, str))


def test_a_file_that_is_no_journal_has_no_lines(host: HostFolder) -> None:
    assert not has_journal(str(host.root))
    host.write("var/log/journal/3d1219c7c4c5404aaa1f6d2a48adfda4/system.journal", "no journal")
    assert has_journal(str(host.root))
    look = Look()
    assert list(read_journal(str(host.root), look, "6a1ac829-7793-4eca-b1f4-cdb0b0b04650", [1, 56], ["_UID=0"])) == []


def test_a_command_that_hangs_takes_two_seconds_of_a_request_and_no_more() -> None:
    look, began = Look(), time.monotonic()
    assert list(run_bounded(["sh", "-c", "echo first; exec sleep 60"], look)) == [b"first"]
    assert time.monotonic() - began < MAX_SECONDS + 2
    assert list(run_bounded(["echo", "again"], look)) == []
    assert [trouble.reason for trouble in look.troubles] == ["no answer within 2 s"]
    assert list(run_bounded(["echo", "again"], Look())) == [b"again"]


def test_a_command_that_prints_without_end_is_ended() -> None:
    look = Look()
    lines = list(run_bounded(["yes", "x" * 1000], look))
    assert MAX_BYTES - 2000 < sum(len(line) + 1 for line in lines) < MAX_BYTES + 200_000
    assert [trouble.reason for trouble in look.troubles] == ["more than 8 MiB of lines"]


def test_the_deadline_of_the_request_ends_it() -> None:
    look, began = Look(Deadline(0.2)), time.monotonic()
    with pytest.raises(TimedOutError):
        list(run_bounded(["sleep", "60"], look))
    assert time.monotonic() - began < 2


def test_without_the_command_it_is_reported() -> None:
    look = Look()
    assert list(run_bounded(["no-such-journalctl"], look)) == []
    assert [trouble.subject for trouble in look.troubles] == ["the journal"]
