"""Tests of broker/login_details.py: details are read once for all visible logon sessions, and only of ssh logins."""

from collections.abc import Mapping, Sequence

import pytest

from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import ALL_DETAILS, Details
from logonscope.broker import filtered_logons
from logonscope.broker.request import Request
from logonscope.broker.sessions import sessions
from logonscope.errors import InvalidParameterError
from logonscope.facts import Authentication, HeldSockets
from logonscope.machine import AuthenticationQuery, Look, Source
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from tests.hosts import BOOT, ROOT, HostFolder, session_scope, user

KEY, OTHER_KEY = "SHA256:" + "k" * 43, "SHA256:" + "k" * 42 + "x"
TEXT = "2023-11-14T22:14:20+00:00 web1 sshd[{}]: Accepted publickey for {} from {} port {} ssh2: ED25519 {}\n"
SOCKETS = (
    "  sl\n 0: 0100007F:0016 {}:{:04X} 01 0:0 0:0 0 0 0 {} 1\n 1: 00000000:0016 00000000:0000 0A 0:0 0:0 0 0 0 1 1\n"
)
Row = tuple[str | None, int | None, str | None]


class CountingSource(LinuxSource):
    """A source that notes which details are read."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.pids: list[frozenset[int]] = []
        self.queries: list[list[int]] = []

    def held_sockets(self, look: Look, pids: frozenset[int]) -> Mapping[int, HeldSockets]:
        self.pids.append(pids)
        return super().held_sockets(look, pids)

    def authentications(self, look: Look, queries: Sequence[AuthenticationQuery]) -> Sequence[Authentication]:
        self.queries.append(sorted(query.pid for query in queries))
        return super().authentications(look, queries)


@pytest.fixture
def source(host: HostFolder) -> CountingSource:
    """Return a host with logins of alice (41, recorded) and bob (42, without a record) by ssh, and of root by cron."""
    host.process(300, "sshd", ses=41, loginuid=1000, cgroup=session_scope(1000, "41"), sockets=[7])
    host.login("41", uid=1000, leader=300, remote=1, remote_host="203.0.113.7", user="alice")
    host.process(310, "sshd-session", ses=42, loginuid=1001, sockets=[8])
    host.process(320, "cron", ses=43, loginuid=0, sockets=[9])
    host.net_namespace(310, 4026532208)
    host.write("proc/300/net/tcp", SOCKETS.format("077100CB", 51234, 7))
    host.write("proc/310/net/tcp", SOCKETS.format("096433C6", 51235, 8))
    lines = TEXT.format(300, "alice", "203.0.113.7", 51234, KEY)
    host.write("var/log/auth.log", lines + TEXT.format(310, "bob", "198.51.100.9", 51235, OTHER_KEY))
    assert BOOT + 60 == 1_700_000_060  # 2023-11-14 22:14:20, when the logins are recorded
    return CountingSource(str(host.root))


def told(source: Source, details: Details, caller: object = None) -> dict[str, Row]:
    """Return address, port and key of each login."""
    request = Request(source, LINUX, user(1000) if caller else ROOT)
    return {
        session.logon_id: (session.remote_address, session.remote_port, session.key_fingerprint)
        for session in sessions(request, details=details)
        if session.uid is not None
    }


def test_without_details_only_what_no_record_has_is_read(source: CountingSource) -> None:
    assert told(source, frozenset()) == {
        "41": ("203.0.113.7", None, None),
        "42": ("198.51.100.9", 51235, None),
        "43": (None, None, None),
    }
    assert (source.pids, source.queries) == ([frozenset({310})], [])


def test_all_logon_sessions_are_read_at_once(source: CountingSource) -> None:
    assert told(source, ALL_DETAILS) == {
        "41": ("203.0.113.7", 51234, KEY),
        "42": ("198.51.100.9", 51235, OTHER_KEY),
        "43": (None, None, None),
    }
    assert (source.pids, source.queries) == ([frozenset({300, 310})], [[300, 310]])


def test_nothing_is_read_of_logon_sessions_that_the_caller_may_not_see(source: CountingSource) -> None:
    assert told(source, ALL_DETAILS, "alice") == {"41": ("203.0.113.7", 51234, KEY)}
    assert (source.pids, source.queries) == ([frozenset({300})], [[300]])


def test_the_beginning_of_a_fingerprint_must_be_that_of_one_key(source: CountingSource) -> None:
    request = Request(source, LINUX, ROOT)

    def logon_ids(key: str) -> list[str]:
        where = LogonFilter(keys=frozenset({key}))
        return [session.logon_id for session in filtered_logons.sessions(request, None, where)]

    assert logon_ids(KEY) == ["41"]
    assert logon_ids(OTHER_KEY) == ["42"]
    assert logon_ids("SHA256:zzzz") == []
    with pytest.raises(InvalidParameterError, match="ambiguous key 'SHA256:kkkk'"):
        logon_ids("SHA256:kkkk")
