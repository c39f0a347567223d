"""Tests of sources/linux/auth_log.py: sshd's lines in every form of syslog, from files of any size and kind."""

import os
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.machine import Look
from logonscope.sources.linux.auth_log import MAX_BYTES, LogLine, parse_line, read_auth_log
from tests.environment import environment
from tests.hosts import HostFolder

TEXT = "Accepted password for alice from 203.0.113.7 port 51234 ssh2"
PRESENT = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
LINE = f"2026-01-01T10:02:03.500000+00:00 web1 sshd[41]: {TEXT}\n"


def moment(text: str) -> float:
    return datetime.fromisoformat(f"{text}Z").timestamp()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"Jan  1 10:02:03 web1 sshd[41]: {TEXT}", LogLine(41, moment("2026-01-01T10:02:03"), TEXT)),
        # of last year: this one's has not come yet
        (f"Dec 31 23:59:59 web1 sshd-session[41]: {TEXT}", LogLine(41, moment("2025-12-31T23:59:59"), TEXT)),
        (
            f"2026-01-01T10:02:03.500000+02:00 web1 sshd[41]: {TEXT}",
            LogLine(41, moment("2026-01-01T08:02:03") + 0.5, TEXT),
        ),
        (f"2026-01-01T10:02:03Z web1 sshd[41]: {TEXT}", LogLine(41, moment("2026-01-01T10:02:03"), TEXT)),
        (f"Jan  1 10:02:03 web1 logger[41]: {TEXT}", None),
        (f"Jan  1 10:02:03 web1 sshd: {TEXT}", None),
        (f"Jan  1 10:02:03 web1 notsshd[41]: {TEXT}", None),
        (f"Jan 99 10:02:03 web1 sshd[41]: {TEXT}", None),
        (f"x Jan  1 10:02:03 web1 sshd[41]: {TEXT}", None),
    ],
)
def test_lines(line: str, expected: LogLine | None) -> None:
    with environment(TZ="UTC"):
        assert parse_line(line.encode(), PRESENT) == expected


@given(st.binary(max_size=200))
def test_no_line_makes_it_fail(line: bytes) -> None:
    parse_line(line, PRESENT)
    parse_line(b"Jan  1 10:02:03 web1 sshd[41]: Accepted " + line, PRESENT)


def test_files_are_read_in_order_and_from_their_end(host: HostFolder) -> None:
    host.write("var/log/auth.log.1", LINE.replace("[41]", "[1]"))
    host.write("var/log/auth.log", LINE.replace("[41]", "[2]") * 3 + "junk\n" + LINE.replace("[41]", "[3]"))
    found = [(file, line.pid) for file, line in read_auth_log(str(host.root), Look())]
    assert found == [("/var/log/auth.log.1", 1), *[("/var/log/auth.log", 2)] * 3, ("/var/log/auth.log", 3)]
    host.write("var/log/auth.log", LINE + "x" * MAX_BYTES + "\n" + LINE.replace("[41]", "[3]"))
    assert [line.pid for _, line in read_auth_log(str(host.root), Look())] == [1, 3]


def test_what_is_no_file_is_not_waited_for(host: HostFolder) -> None:
    (host.root / "var/log").mkdir(parents=True)
    os.mkfifo(host.root / "var/log/auth.log")
    assert list(read_auth_log(str(host.root), Look())) == []
