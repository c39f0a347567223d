"""Tests of server/auth/authenticator.py: the schemes that authenticate a client, and those offered to others."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import spnego
from argon2 import PasswordHasher

from logonscope.broker import Caller
from logonscope.dispatch.audit import Audit
from logonscope.server.auth.authenticator import (
    BASIC,
    BEARER,
    KERBEROS,
    NEGOTIATE,
    Authentication,
    Authenticator,
    Credentials,
)
from logonscope.server.auth.negotiate import KerberosSettings
from logonscope.server.auth.passwords import PasswordBackend, Passwords
from logonscope.server.auth.peer import Peer, UnixCredentials
from logonscope.server.auth.throttle import Throttle
from logonscope.server.auth.user_file import UserFile

WORD = "correct horse"
NO_TICKET = b"\x60\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
"""What begins as one of Kerberos does (RFC 2743 3.1, RFC 4121 4.1), and ends there."""
QUICK = PasswordHasher(1, 8, 1)


class Entrance:
    """An authenticator with one user, alice, and what it wrote down."""

    def __init__(self, folder: Path, *, negotiate: bool = True, tickets: KerberosSettings | None = None) -> None:
        self.lines: list[str] = []
        self.users = users = UserFile(folder / "users", hasher=QUICK)
        users.add("alice", WORD, uid=1000, ntlm=True)
        self.alice = Caller("alice", 1000, administrator=False)
        audit = Audit(self.lines.append, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        passwords = Passwords([PasswordBackend(users.verify)], Throttle())
        lookup = users.lookup if negotiate else None
        self.authenticator = Authenticator(
            passwords,
            lookup,
            lambda uid: Caller(f"uid {uid}", uid, uid == 0),
            audit,
            tickets,
            has_ntlm_users=users.has_ntlm_users,
        )

    def enter(self, peer: Peer, credentials: Credentials | None) -> Authentication:
        """Come with credentials."""
        return self.authenticator.authenticate(peer, credentials)

    def told(self) -> list[tuple[str, bool | str]]:
        """Return what was written down."""
        return [(entry["user"], entry.get("accepted", entry["event"])) for entry in map(json.loads, self.lines)]


@pytest.fixture
def entrance(tmp_path: Path) -> Entrance:
    return Entrance(tmp_path)


def connected(*, tls: bool = False, loopback: bool = True) -> Peer:
    return Peer("127.0.0.1" if loopback else "203.0.113.7", tls, loopback)


def basic(name: str, password: str) -> Credentials:
    return Credentials("basic", name, password)


def test_a_password_opens_and_another_does_not(entrance: Entrance) -> None:
    assert entrance.enter(connected(), basic("Alice", WORD)) == Authentication(entrance.alice)
    assert entrance.enter(connected(), basic("CORP\\alice", WORD)).caller == entrance.alice
    for name, password in (("alice", "wrong"), ("bob", WORD), ("", ""), ("alice", "")):
        assert entrance.enter(connected(), basic(name, password)) == Authentication(None, (NEGOTIATE, BASIC))
    assert entrance.told() == [
        ("Alice", True), ("CORP\\alice", True), ("alice", False), ("bob", False), ("", False), ("alice", False),
    ]  # fmt: skip
    assert WORD not in "".join(entrance.lines)


def test_a_password_is_accepted_over_a_private_connection_only(entrance: Entrance) -> None:
    for peer, taken in (
        (connected(), True),
        (connected(tls=True, loopback=False), True),
        (connected(loopback=False), False),
    ):
        entry = entrance.enter(peer, basic("alice", WORD))
        assert (entry.caller == entrance.alice) is taken
        assert entry.offers == (() if taken else (NEGOTIATE,))
        assert (BASIC in entrance.enter(peer, None).offers) is taken


def test_a_success_is_logged_once_for_each_peer(entrance: Entrance) -> None:
    peer = connected()
    for _ in range(3):
        entrance.enter(peer, basic("alice", WORD))
    entrance.enter(connected(), basic("alice", WORD))
    assert len(entrance.lines) == 2


def test_only_a_correct_password_makes_the_next_check_quick(entrance: Entrance) -> None:
    peer, right, wrong = connected(), basic("alice", WORD), basic("alice", "wrong")
    assert entrance.authenticator.is_quick(peer, None)
    for shown, quick_before in ((right, False), (right, True), (wrong, True), (right, False)):
        assert entrance.authenticator.is_quick(peer, shown) is quick_before
        entrance.authenticator.authenticate(peer, shown)
    negotiated = connected()
    held(entrance, negotiated, WORD)
    assert entrance.authenticator.is_quick(negotiated, None)
    assert not entrance.authenticator.is_quick(negotiated, right)


def held(
    entrance: Entrance, peer: Peer, password: str, scheme: str = "Negotiate", name: str = "alice"
) -> Authentication:
    """Negotiate over a peer."""
    context = spnego.client(name, password, "web1", "http", protocol="negotiate" if scheme == "Negotiate" else "ntlm")
    token, entry = context.step(), Authentication(None)
    while token:
        entry = entrance.enter(peer, Credentials.of_token(scheme.lower(), token))
        token = context.step(entry.token) if entry.token else None
    return entry


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM"])
def test_a_negotiation_holds_for_its_peer(entrance: Entrance, scheme: str) -> None:
    peer = connected(loopback=False)
    assert held(entrance, peer, WORD, scheme).caller == entrance.alice
    assert entrance.enter(peer, None).caller == entrance.alice
    assert entrance.enter(connected(loopback=False), None).caller is None
    assert entrance.told() == [("alice", True)]


def test_a_failed_negotiation_leaves_no_user(entrance: Entrance) -> None:
    peer = connected()
    held(entrance, peer, WORD)
    assert held(entrance, peer, "wrong").caller is None
    assert entrance.enter(peer, None) == Authentication(None, (NEGOTIATE, BASIC))
    assert entrance.told()[-1] == ("alice", False)


def test_a_user_who_is_removed_or_has_another_password_is_out_in_the_middle_of_a_peer(entrance: Entrance) -> None:
    peer, users = connected(loopback=False), entrance.users
    assert held(entrance, peer, WORD).caller == entrance.alice
    for password, ntlm in (("another one", True), (WORD, False)):
        users.remove("alice")
        users.add("alice", password, uid=1000, ntlm=ntlm)
        assert entrance.enter(peer, None) == Authentication(None, (NEGOTIATE,))
    users.remove("alice")
    users.add("alice", WORD, uid=1000, ntlm=True)
    assert entrance.enter(peer, None).caller is None
    assert held(entrance, peer, WORD).caller == entrance.alice


def test_a_try_of_ntlm_by_who_has_none_is_no_wrong_password_to_who_reads_the_log(
    entrance: Entrance, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    entrance.users.add("bob", WORD, uid=1001)
    for name in ("bob", "nobody"):
        peer = connected()
        refused = held(entrance, peer, WORD, name=name)
        assert refused[:2] == (None, (NEGOTIATE, BASIC))
        assert "`logonscope user add --ntlm`" in refused.reason
        entrance.enter(peer, basic(name, WORD))
    assert held(entrance, connected(), "wrong").reason == refused.reason  # nobody learns who has a hash
    for name, message in zip(("bob", "nobody"), caplog.messages[:2], strict=True):
        assert message.startswith(f"NTLM is not possible for '{name}' from 127.0.0.1: no user of that name has an NT")
        assert "failed" not in message
    message, basic_message = caplog.messages[3], caplog.messages[2]
    assert len(caplog.messages) == 4
    assert basic_message == "authentication failed for 'nobody' from 127.0.0.1: unknown user or wrong password"
    assert message.startswith("authentication failed for 'alice' from 127.0.0.1: SpnegoError (9)")
    unavailable = "scheme_unavailable"
    told = [("bob", unavailable), ("bob", True), ("nobody", unavailable), ("nobody", False), ("alice", False)]
    assert entrance.told() == told


def test_negotiate_is_offered_while_a_user_can_use_it(tmp_path: Path) -> None:
    entrance = Entrance(tmp_path)
    assert entrance.enter(connected(), None).offers == (NEGOTIATE, BASIC)
    entrance.users.remove("alice")
    entrance.users.add("alice", WORD, uid=1000)
    assert entrance.enter(connected(), None).offers == (BASIC,)
    assert entrance.enter(connected(tls=True, loopback=False), None).offers == (BASIC,)
    assert entrance.enter(connected(loopback=False), None).offers == (NEGOTIATE,)


def test_failures_of_every_way_make_the_next_one_wait(entrance: Entrance) -> None:
    shown = basic("alice", "x")
    for _ in range(4):
        entrance.enter(connected(), basic("alice", "wrong"))
        held(entrance, connected(), "wrong")
    assert entrance.authenticator.delay(connected(), shown) > 0
    assert entrance.authenticator.delay(connected(), Credentials("negotiate")) == 0


def test_what_is_off_is_not_offered(tmp_path: Path) -> None:
    entrance = Entrance(tmp_path, negotiate=False)
    assert entrance.enter(connected(), None).offers == (BASIC,)
    assert held(entrance, connected(), WORD).caller is None
    assert entrance.enter(connected(loopback=False), None).offers == ()


def test_kerberos_is_offered_where_there_is_a_keytab(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain, entrance = (
        Entrance(tmp_path / "plain"),
        Entrance(tmp_path, tickets=KerberosSettings(("HTTP",), lambda _: None)),
    )
    assert plain.enter(connected(), None).offers == (NEGOTIATE, BASIC)
    assert entrance.enter(connected(), None).offers == (NEGOTIATE, KERBEROS, BASIC)
    assert entrance.enter(connected(loopback=False), None).offers == (NEGOTIATE, KERBEROS)
    ticket = Credentials.of_token("kerberos", NO_TICKET)
    assert plain.enter(connected(), ticket) == Authentication(None, (NEGOTIATE, BASIC))
    assert plain.told() == []


def test_a_ticket_is_no_guess(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entrance = Entrance(tmp_path, tickets=KerberosSettings(("HTTP",), lambda _: None))
    with caplog.at_level(logging.INFO):
        for scheme in ("kerberos", "negotiate") * 9:
            assert entrance.enter(connected(), Credentials.of_token(scheme, NO_TICKET)).caller is None
    assert entrance.told() == [("", False)] * 18
    assert caplog.messages[0].startswith("authentication failed for '' from 127.0.0.1: ")
    shown = basic("alice", "x")
    assert entrance.authenticator.delay(connected(), shown) == 0


def test_on_a_unix_socket_ignored_credentials_delay_nothing_and_end_no_answer(entrance: Entrance) -> None:
    peer = Peer("", False, True, UnixCredentials(1, 1001, 1001, shares_namespaces=True))
    for _ in range(10):
        entrance.enter(connected(), basic("alice", "wrong"))
    shown, check = basic("alice", WORD), entrance.authenticator.check_of_validity
    assert entrance.authenticator.is_delayed(connected(), shown)
    assert entrance.authenticator.delay(peer, shown) == 0
    assert not entrance.authenticator.is_delayed(peer, shown)
    assert entrance.authenticator.is_quick(peer, shown)
    assert check(peer, Credentials(BEARER, token=b"lgs_unknown"), entrance.alice)()


def test_on_a_unix_socket_the_kernel_says_who_calls(entrance: Entrance) -> None:
    peer = Peer("", False, True, UnixCredentials(1, 1001, 1001, shares_namespaces=True))
    for credentials in (None, basic("alice", WORD)):
        caller = entrance.enter(peer, credentials).caller
        assert caller == Caller("uid 1001", 1001, administrator=False)
