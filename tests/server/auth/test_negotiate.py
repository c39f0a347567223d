"""Tests of server/auth/negotiate.py: NTLM authentication against pyspnego's client."""

import base64
import resource
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import spnego
from Cryptodome.Hash import MD4
from hypothesis import given
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError
from logonscope.server.auth.negotiate import Negotiation, claimed_user, is_bound
from tests.server.auth.exchanged import exchange

ALICE = Caller("alice", 1000, administrator=False)
PASSWORDS = {"alice": "correct horse \u2603", "bob": "b"}


def nt_hash(password: str) -> bytes:
    return MD4.new(password.encode("utf-16-le")).digest()  # noqa: S303 -- what NTLM is made of


def lookup(name: str) -> tuple[Caller, bytes] | None:
    password = PASSWORDS.get(name.lower())
    return None if password is None else (ALICE._replace(name=name.lower()), nt_hash(password))


def client(user: str, password: str, protocol: str = "negotiate", bindings: bytes | None = None) -> spnego.ContextProxy:
    bound = None if bindings is None else GssChannelBindings(application_data=b"tls-server-end-point:" + bindings)
    return spnego.client(user, password, "web1", "http", protocol=protocol, channel_bindings=bound)


def held(negotiation: Negotiation, context: spnego.ContextProxy) -> Caller | None:
    """Hold the whole conversation."""
    token = context.step()
    while token:
        answer = negotiation.step(token)
        token = context.step(answer) if answer else None
    return negotiation.caller


@pytest.mark.parametrize("protocol", ["negotiate", "ntlm"])
@pytest.mark.parametrize("user", ["alice", "ALICE", "CORP\\alice", ".\\alice", "WORKGROUP\\Alice"])
def test_a_user_with_the_password_authenticates(protocol: str, user: str) -> None:
    negotiation = Negotiation(lookup)
    assert held(negotiation, client(user, PASSWORDS["alice"], protocol)) == ALICE


@pytest.mark.parametrize("protocol", ["negotiate", "ntlm"])
@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("alice", ""), ("carol", "x"), ("bob", "B")])
def test_no_other_user_authenticates(protocol: str, user: str, password: str) -> None:
    negotiation = Negotiation(lookup)
    with pytest.raises(AccessDeniedError) as refused:
        held(negotiation, client(user, password, protocol))
    assert negotiation.caller is None
    assert str(refused.value).startswith("authentication failed: the token proves no user")


def test_a_time_that_no_calendar_has_is_refused_as_any_other_token() -> None:
    negotiation, context = Negotiation(lookup), client("alice", PASSWORDS["alice"], "ntlm")
    challenge = negotiation.step(context.step() or b"")
    token = bytearray(context.step(challenge) or b"")
    (response,) = struct.unpack_from("<I", token, 24)  # MS-NLMP 2.2.1.3: NtChallengeResponse
    struct.pack_into("<Q", token, response + 24, (1 << 64) - 1)  # 2.2.2.7: TimeStamp
    with pytest.raises(AccessDeniedError):
        negotiation.step(bytes(token))


def test_messages_are_sealed_for_the_other_end() -> None:
    negotiation, context = Negotiation(lookup), client("alice", PASSWORDS["alice"])
    held(negotiation, context)
    exchange(negotiation, context)


def test_a_message_that_was_changed_ends_the_session() -> None:
    negotiation, context = Negotiation(lookup), client("alice", PASSWORDS["alice"])
    held(negotiation, context)
    made = context.wrap_winrm(b"kill nobody")
    with pytest.raises(AccessDeniedError, match="changed"):
        negotiation.decrypt(made.header, bytes(made.data[:-1]) + bytes([made.data[-1] ^ 1]), 11)
    with pytest.raises(AccessDeniedError, match="authenticate first"):
        negotiation.decrypt(made.header, made.data, 11)


def test_a_message_is_sealed_once() -> None:
    negotiation, context = Negotiation(lookup), client("alice", PASSWORDS["alice"])
    held(negotiation, context)
    made = context.wrap_winrm(b"again")
    negotiation.decrypt(made.header, made.data, 5)
    with pytest.raises(AccessDeniedError):
        negotiation.decrypt(made.header, made.data, 5)


def test_over_tls_a_token_is_for_one_certificate() -> None:
    assert held(Negotiation(lookup, b"mine"), client("alice", PASSWORDS["alice"], bindings=b"mine")) == ALICE
    with pytest.raises(AccessDeniedError):
        held(Negotiation(lookup, b"mine"), client("alice", PASSWORDS["alice"], bindings=b"another's"))


def test_a_token_need_not_be_bound_until_that_is_required() -> None:
    unbound = client("alice", PASSWORDS["alice"])
    assert held(Negotiation(lookup, b"mine"), unbound) == ALICE
    for protocol in ("negotiate", "ntlm"):
        negotiation = Negotiation(lookup, b"mine", requires_binding=True)
        with pytest.raises(AccessDeniedError) as refused:
            held(negotiation, client("alice", PASSWORDS["alice"], protocol))
        assert "channel_binding" in str(refused.value.__cause__)
        bound = client("alice", PASSWORDS["alice"], protocol, bindings=b"mine")
        assert held(Negotiation(lookup, b"mine", requires_binding=True), bound) == ALICE
    # without TLS there is nothing to be bound to
    assert held(Negotiation(lookup, requires_binding=True), client("alice", PASSWORDS["alice"])) == ALICE


@pytest.mark.parametrize("protocol", ["negotiate", "ntlm"])
@pytest.mark.parametrize("decoy_first", [True, False])
def test_what_is_bound_elsewhere_is_not_freed_by_a_second_message(protocol: str, decoy_first: bool) -> None:
    negotiation, victim = Negotiation(lookup, b"mine"), client("alice", PASSWORDS["alice"], protocol, b"another's")
    token = victim.step(negotiation.step(victim.step() or b"")) or b""
    decoy, other = client("alice", "x", "ntlm"), Negotiation(lookup)
    unbound = decoy.step(other.step(decoy.step() or b"")) or b""
    assert is_bound(token)
    assert not is_bound(unbound)
    with pytest.raises(AccessDeniedError):
        negotiation.step(unbound + token if decoy_first else token + unbound)


def test_many_at_once_are_not_taken_for_each_other() -> None:
    def come_in(name: str) -> str | None:
        caller = held(Negotiation(lookup), client(name, PASSWORDS[name]))
        return caller.name if caller else None

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(come_in, ["alice", "bob"] * 20)) == ["alice", "bob"] * 20


def test_nothing_is_written_to_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held(Negotiation(lookup), client("alice", PASSWORDS["alice"]))
    assert list(tmp_path.iterdir()) == []


def test_a_user_file_that_cannot_be_written_stops_no_later_login() -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(AccessDeniedError) as refused:
            held(Negotiation(lookup), client("alice", PASSWORDS["alice"]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(refused.value.__cause__, OSError)
    threads = ThreadPoolExecutor(1)
    login = threads.submit(held, Negotiation(lookup), client("alice", PASSWORDS["alice"]))
    threads.shutdown(wait=False)
    assert login.result(timeout=10) == ALICE


def test_a_new_first_token_begins_anew() -> None:
    negotiation = Negotiation(lookup)
    negotiation.step(client("bob", "wrong").step() or b"")
    with pytest.raises(AccessDeniedError):
        held(negotiation, client("bob", "wrong"))
    assert held(negotiation, client("alice", PASSWORDS["alice"])) == ALICE
    assert held(negotiation, client("bob", PASSWORDS["bob"])) == ALICE._replace(name="bob")


@given(st.binary(max_size=200) | st.binary(max_size=120).map(lambda tail: b"NTLMSSP\0\x03\0\0\0" + tail))
def test_any_token_is_a_step_or_a_refusal(token: bytes) -> None:
    negotiation = Negotiation(lookup)
    for _ in range(2):
        with suppress(AccessDeniedError):
            negotiation.step(token)
        assert negotiation.caller is None


def test_a_token_that_offers_no_mechanism_is_refused() -> None:
    with pytest.raises(AccessDeniedError) as refused:
        Negotiation(lookup).step(bytes.fromhex("601506062b0601050502a00b3009a0023000a203040178"))
    assert isinstance(
        refused.value.__cause__, StopIteration
    )  # pyspnego's; no future takes one, and who waits for it waits


def test_whom_a_token_names() -> None:
    context = client("CORP\\\u00e4lice", "x", "ntlm")
    context.step()
    challenge = Negotiation(lookup).step(client("x", "y", "ntlm").step() or b"")
    token = context.step(challenge)
    assert token is not None
    assert claimed_user(token) == ("\u00e4lice", "CORP")
    assert claimed_user(base64.b64decode("TlRMTVNTUAABAAAA")) == ("", "")
