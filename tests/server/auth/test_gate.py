"""server/auth/gate.py: who comes in by which way, and what is everybody else asked for?"""

import base64
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
import spnego
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from logonscope.broker import Caller
from logonscope.server.audit import Audit
from logonscope.server.auth.gate import KERBEROS, NEGOTIATE, REALM, Entry, Gate, Shown, shown_by
from logonscope.server.auth.negotiate import Tickets
from logonscope.server.auth.passwords import Check, Passwords
from logonscope.server.auth.throttle import Throttle
from logonscope.server.auth.users import UserFile
from logonscope.server.connection import Connection, Credentials

WORD = "correct horse"
NO_TICKET = base64.b64encode(b"\x60\x0b\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02").decode()
"""What begins as one of Kerberos does (RFC 2743 3.1, RFC 4121 4.1), and ends there."""
QUICK = PasswordHasher(1, 8, 1)


class Entrance:
    """A gate with one user, alice, and what it wrote down."""

    def __init__(self, folder: Path, *, negotiate: bool = True, tickets: Tickets | None = None) -> None:
        self.lines: list[str] = []
        self.users = users = UserFile(folder / "users", hasher=QUICK)
        users.add("alice", WORD, uid=1000, ntlm=True)
        self.alice = Caller("alice", 1000, administrator=False, remote=True)
        audit = Audit(self.lines.append, lambda: datetime(2026, 1, 1, tzinfo=UTC))
        passwords = Passwords([Check(users.verify)], Throttle())
        lookup = users.lookup if negotiate else None
        self.gate = Gate(passwords, lookup, lambda uid: Caller(f"uid {uid}", uid, uid == 0), audit, tickets)

    def enter(self, connection: Connection, authorization: str | None) -> Entry:
        """Come with a header."""
        return self.gate.enter(connection, shown_by(authorization))

    def told(self) -> list[tuple[str, bool | str]]:
        """Return what was written down."""
        return [(entry["user"], entry.get("accepted", entry["event"])) for entry in map(json.loads, self.lines)]


@pytest.fixture
def entrance(tmp_path: Path) -> Entrance:
    return Entrance(tmp_path)


def connected(*, tls: bool = False, loopback: bool = True) -> Connection:
    return Connection("127.0.0.1" if loopback else "203.0.113.7", "127.0.0.1", tls, loopback)


def basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def test_a_password_opens_and_another_does_not(entrance: Entrance) -> None:
    assert entrance.enter(connected(), basic("Alice", WORD)) == Entry(entrance.alice)
    assert entrance.enter(connected(), basic("CORP\\alice", WORD)).caller == entrance.alice
    for name, password in (("alice", "wrong"), ("bob", WORD), ("", ""), ("alice", "")):
        assert entrance.enter(connected(), basic(name, password)) == Entry(None, (NEGOTIATE, REALM))
    assert entrance.told() == [
        ("Alice", True), ("CORP\\alice", True), ("alice", False), ("bob", False), ("", False), ("alice", False),
    ]  # fmt: skip
    assert WORD not in "".join(entrance.lines)


def test_a_password_is_taken_where_nobody_else_can_read_it(entrance: Entrance) -> None:
    for connection, taken in (
        (connected(), True),
        (connected(tls=True, loopback=False), True),
        (connected(loopback=False), False),
    ):
        entry = entrance.enter(connection, basic("alice", WORD))
        assert (entry.caller == entrance.alice) is taken
        assert entry.challenges == (() if taken else (NEGOTIATE,))
        assert (REALM in entrance.enter(connection, None).challenges) is taken


def test_who_came_in_is_told_once_a_connection(entrance: Entrance) -> None:
    connection = connected()
    for _ in range(3):
        entrance.enter(connection, basic("alice", WORD))
    entrance.enter(connected(), basic("alice", WORD))
    assert len(entrance.lines) == 2


def test_only_who_came_in_with_a_password_is_quick_to_look_at(entrance: Entrance) -> None:
    connection, right, wrong = connected(), shown_by(basic("alice", WORD)), shown_by(basic("alice", "wrong"))
    assert entrance.gate.is_quick(connection, None)
    for shown, quick_before in ((right, False), (right, True), (wrong, True), (right, False)):
        assert entrance.gate.is_quick(connection, shown) is quick_before
        entrance.gate.enter(connection, shown)
    negotiated = connected()
    held(entrance, negotiated, WORD)
    assert entrance.gate.is_quick(negotiated, None)
    assert not entrance.gate.is_quick(negotiated, right)


def held(
    entrance: Entrance, connection: Connection, password: str, scheme: str = "Negotiate", name: str = "alice"
) -> Entry:
    """Negotiate over a connection."""
    context = spnego.client(name, password, "web1", "http", protocol="negotiate" if scheme == "Negotiate" else "ntlm")
    token, entry = context.step(), Entry(None)
    while token:
        entry = entrance.enter(connection, f"{scheme} {base64.b64encode(token).decode()}")
        answers = [challenge.partition(" ")[2] for challenge in entry.challenges if challenge.startswith(f"{scheme} ")]
        token = context.step(base64.b64decode(answers[0])) if answers else None
    return entry


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM"])
def test_a_negotiation_holds_for_its_connection(entrance: Entrance, scheme: str) -> None:
    connection = connected(loopback=False)
    assert held(entrance, connection, WORD, scheme).caller == entrance.alice
    assert entrance.enter(connection, None).caller == entrance.alice
    assert entrance.enter(connected(loopback=False), None).caller is None
    assert entrance.told() == [("alice", True)]


def test_a_failed_negotiation_leaves_nobody_behind(entrance: Entrance) -> None:
    connection = connected()
    held(entrance, connection, WORD)
    assert held(entrance, connection, "wrong").caller is None
    assert entrance.enter(connection, None) == Entry(None, (NEGOTIATE, REALM))
    assert entrance.told()[-1] == ("alice", False)


def test_a_user_who_is_removed_or_has_another_password_is_out_in_the_middle_of_a_connection(entrance: Entrance) -> None:
    connection, users = connected(loopback=False), entrance.users
    assert held(entrance, connection, WORD).caller == entrance.alice
    for password, ntlm in (("another one", True), (WORD, False)):
        users.remove("alice")
        users.add("alice", password, uid=1000, ntlm=ntlm)
        assert entrance.enter(connection, None) == Entry(None, (NEGOTIATE,))
    users.remove("alice")
    users.add("alice", WORD, uid=1000, ntlm=True)
    assert entrance.enter(connection, None).caller is None
    assert held(entrance, connection, WORD).caller == entrance.alice


def test_a_try_of_ntlm_by_who_has_none_is_no_wrong_password_to_who_reads_the_log(entrance: Entrance) -> None:
    entrance.users.add("bob", WORD, uid=1001)
    for name in ("bob", "nobody"):
        connection = connected()
        assert held(entrance, connection, WORD, name=name) == Entry(None, (NEGOTIATE, REALM))
        entrance.enter(connection, basic(name, WORD))
    held(entrance, connected(), "wrong")
    told = [("bob", "unable"), ("bob", True), ("nobody", "unable"), ("nobody", False), ("alice", False)]
    assert entrance.told() == told


def test_failures_of_every_way_make_the_next_one_wait(entrance: Entrance) -> None:
    shown = shown_by(basic("alice", "x"))
    assert shown is not None
    for _ in range(4):
        entrance.enter(connected(), basic("alice", "wrong"))
        held(entrance, connected(), "wrong")
    assert entrance.gate.delay(connected(), shown) > 0
    assert entrance.gate.delay(connected(), Shown("negotiate")) == 0


def test_what_is_off_is_not_offered(tmp_path: Path) -> None:
    entrance = Entrance(tmp_path, negotiate=False)
    assert entrance.enter(connected(), None).challenges == (REALM,)
    assert held(entrance, connected(), WORD).caller is None
    assert entrance.enter(connected(loopback=False), None).challenges == ()


def test_kerberos_is_offered_where_there_is_a_keytab(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain, entrance = Entrance(tmp_path / "plain"), Entrance(tmp_path, tickets=Tickets(("HTTP",), lambda _: None))
    assert plain.enter(connected(), None).challenges == (NEGOTIATE, REALM)
    assert entrance.enter(connected(), None).challenges == (NEGOTIATE, KERBEROS, REALM)
    assert entrance.enter(connected(loopback=False), None).challenges == (NEGOTIATE, KERBEROS)
    assert plain.enter(connected(), f"Kerberos {NO_TICKET}") == Entry(None, (NEGOTIATE, REALM))
    assert plain.told() == []


def test_a_ticket_is_no_guess(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entrance = Entrance(tmp_path, tickets=Tickets(("HTTP",), lambda _: None))
    with caplog.at_level(logging.INFO):
        for scheme in ("Kerberos", "Negotiate") * 9:
            assert entrance.enter(connected(), f"{scheme} {NO_TICKET}").caller is None
    assert entrance.told() == [("", False)] * 18
    assert caplog.messages[0].startswith("127.0.0.1 did not come in: ")
    shown = shown_by(basic("alice", "x"))
    assert shown is not None
    assert entrance.gate.delay(connected(), shown) == 0


def test_on_a_unix_socket_the_kernel_says_who_calls(entrance: Entrance) -> None:
    connection = Connection("", "/run/logonscope.sock", False, True, Credentials(1, 1001, 1001))
    for authorization in (None, basic("alice", WORD)):
        caller = entrance.enter(connection, authorization).caller
        assert caller == Caller("uid 1001", 1001, administrator=False)


tokens = st.binary(max_size=80).map(lambda data: base64.b64encode(data).decode())
headers = st.builds("{} {}".format, st.sampled_from(("Basic", "Negotiate", "NTLM")), tokens)


@given(st.text(max_size=60) | headers)
def test_any_header_is_read(authorization: str) -> None:
    shown = shown_by(authorization)
    assert shown is not None
    assert shown.scheme == authorization.strip().partition(" ")[0].lower()


def test_what_headers_show() -> None:
    assert shown_by(None) is None
    assert shown_by(basic("a", "b:c")) == Shown("basic", "a", "b:c")
    assert shown_by("Basic !!!") == Shown("basic")
    assert shown_by("Negotiate " + "A" * 200_000) == Shown("negotiate")
    assert shown_by("Bearer AAAA") == Shown("bearer", token=b"\0\0\0")
