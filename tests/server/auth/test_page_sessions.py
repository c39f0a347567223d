"""Tests of server/auth/page_sessions.py: what begins a session of the page, what it takes to use it, what ends it."""

from dataclasses import replace

import pytest

from logonscope.broker import Caller
from logonscope.server.auth.page_sessions import (
    CHECK_SECONDS,
    MAX_SESSIONS_OF_A_USER,
    SESSION_SECONDS,
    PageSessions,
)
from logonscope.server.auth.user_line import User

ALICE = Caller("alice", 1000, administrator=False)
ROOT = Caller("root", 0, administrator=True)


class Host:
    """The users and accounts of a host, and a clock, which tests change."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.users: dict[str, User] = {}
        self.accounts = {"alice": ALICE, "root": ROOT}
        self.lookups = 0
        self.sessions = PageSessions(self.users.get, self._find_account, lambda: self.now)

    def _find_account(self, name: str) -> Caller | None:
        self.lookups += 1
        return self.accounts.get(name)


@pytest.fixture
def host() -> Host:
    return Host()


def test_a_session_may_only_read(host: Host) -> None:
    cookie, token = host.sessions.begin(ROOT)
    assert host.sessions.find_caller(cookie, token) == ROOT._replace(read_only=True)


def test_it_takes_the_cookie_and_its_own_token(host: Host) -> None:
    cookie, token = host.sessions.begin(ALICE)
    other_cookie, other_token = host.sessions.begin(ALICE)
    assert len({cookie, token, other_cookie, other_token}) == 4
    for pair in (
        (cookie, ""),
        ("", token),
        (cookie, other_token),
        (token, cookie),
        (cookie, token[:-1]),
        ("", "é\udc80"),
    ):
        assert host.sessions.find_caller(*pair) is None


def test_it_ends_after_twelve_hours(host: Host) -> None:
    pair = host.sessions.begin(ALICE)
    host.now += SESSION_SECONDS - 1
    assert host.sessions.find_caller(*pair) is not None
    host.now += 1
    assert host.sessions.find_caller(*pair) is None


def test_it_ends_by_logging_out_alone_or_everywhere(host: Host) -> None:
    first, second, root = host.sessions.begin(ALICE), host.sessions.begin(ALICE), host.sessions.begin(ROOT)
    host.sessions.end(first[0])
    assert host.sessions.find_caller(*first) is None
    assert host.sessions.find_caller(*second) is not None
    host.sessions.end_all("alice")
    assert host.sessions.find_caller(*second) is None
    assert host.sessions.find_caller(*root) is not None


def test_a_user_of_the_file_loses_it_with_the_password_or_the_line(host: Host) -> None:
    user = host.users["alice"] = User("alice", 1000, administrator=False, password_hash="$argon2id$1")  # noqa: S106 -- no password
    pair = host.sessions.begin(ALICE)
    assert host.sessions.find_caller(*pair) is not None
    host.users["alice"] = replace(user, password_hash="$argon2id$2")  # noqa: S106 -- no password
    assert host.sessions.find_caller(*pair) is None
    host.users["alice"] = user
    assert host.sessions.find_caller(*pair) is None, "a session that has ended stays ended"
    pair = host.sessions.begin(ALICE)
    del host.users["alice"]
    assert host.sessions.find_caller(*pair) is None


def test_an_account_is_looked_up_once_a_minute_with_its_rights(host: Host) -> None:
    pair = host.sessions.begin(ROOT)
    host.accounts["root"] = ROOT._replace(administrator=False)
    assert host.sessions.find_caller(*pair) == ROOT._replace(read_only=True)
    assert host.lookups == 0
    host.now += CHECK_SECONDS
    assert host.sessions.find_caller(*pair) == Caller("root", 0, administrator=False, read_only=True)
    del host.accounts["root"]
    host.now += CHECK_SECONDS
    assert host.sessions.find_caller(*pair) is None


def test_a_user_who_logs_in_often_ends_only_own_sessions(host: Host) -> None:
    root, first = host.sessions.begin(ROOT), host.sessions.begin(ALICE)
    more = [host.sessions.begin(ALICE) for _ in range(MAX_SESSIONS_OF_A_USER)]
    assert host.sessions.find_caller(*first) is None
    assert all(host.sessions.find_caller(*pair) for pair in (root, *more))
