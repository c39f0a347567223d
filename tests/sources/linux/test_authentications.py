"""Tests of sources/linux/authentications.py: which log is read, and for whom. The journal itself: tests/real."""

from datetime import UTC, datetime

from logonscope.facts import Authentication
from logonscope.machine import AuthenticationQuery, Look
from logonscope.sources.linux.authentications import MAX_REMEMBERED
from tests.hosts import BOOT, TICKS, HostFolder

KEY = "SHA256:" + "k" * 43


def line(pid: int, text: str, seconds: int = 60) -> str:
    return f"{datetime.fromtimestamp(BOOT + seconds, UTC).isoformat()} web1 sshd[{pid}]: {text}\n"


def test_lines_of_the_asked_processes_in_auth_log(host: HostFolder) -> None:
    text = f"Accepted publickey for alice from 203.0.113.7 port 51234 ssh2: ED25519 {KEY}"
    host.write("var/log/auth.log", line(300, "Connection closed") + line(300, text) + line(301, text))
    queries = [AuthenticationQuery(300, since=50 * TICKS)]
    (found,) = host.source.authentications(Look(), queries)
    assert found == Authentication(
        300, 59 * TICKS, 62 * TICKS, "publickey", "alice", "203.0.113.7", 51234, "ED25519", KEY,
        source="/var/log/auth.log, unauthenticated", number=found.number,
    )  # fmt: skip
    assert host.source.authentications(Look(), []) == ()


def test_what_was_read_is_remembered_and_what_is_missing_is_read_again(host: HostFolder) -> None:
    source = host.source
    queries = [AuthenticationQuery(300, since=50 * TICKS), AuthenticationQuery(301, since=50 * TICKS)]
    host.write("var/log/auth.log", line(300, "Accepted password for alice from 203.0.113.7 port 1 ssh2"))
    assert [found.pid for found in source.authentications(Look(), queries)] == [300]
    host.write("var/log/auth.log", line(301, "Accepted password for bob from 203.0.113.7 port 2 ssh2"))
    assert [found.pid for found in source.authentications(Look(), queries)] == [300, 301]


def test_the_lines_of_a_request_are_whole_when_older_ones_are_dropped(host: HostFolder) -> None:
    source = host.source
    first = AuthenticationQuery(300, since=50 * TICKS)
    host.write("var/log/auth.log", line(300, "Accepted password for alice from 203.0.113.7 port 1 ssh2"))
    assert [found.pid for found in source.authentications(Look(), [first])] == [300]
    more = [AuthenticationQuery(pid, since=50 * TICKS) for pid in range(1000, 1000 + MAX_REMEMBERED)]
    assert [found.pid for found in source.authentications(Look(), [first, *more])] == [300]
    assert [found.pid for found in source.authentications(Look(), [first])] == [300]


def test_a_journal_that_is_there_is_the_only_log(host: HostFolder) -> None:
    host.write("var/log/auth.log", line(300, "Accepted password for alice from 203.0.113.7 port 1 ssh2"))
    host.write("run/log/journal/3d1219c7c4c5404aaa1f6d2a48adfda4/system.journal", "")
    assert host.source.authentications(Look(), [AuthenticationQuery(300)]) == []
