"""Tests of ownership/origin.py: the login's own connection is found among others, or none is."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import HeldSockets, Process, Socket
from logonscope.machine import Leader
from logonscope.ownership.origin import with_origin
from logonscope.ownership.sessions import address_of, plain_address

LEADER = Leader(300, 1, start=5000)
SSHD = Process(300, comm="sshd", start=5000, uids=(0, 0, 0, 0))
LOGIN = Socket("tcp", "192.0.2.1", 22, "203.0.113.7", 51234, "ESTABLISHED", 1)
MAPPED = LOGIN._replace(protocol="tcp6", remote_address="::ffff:203.0.113.7")
OUTBOUND = Socket("tcp", "192.0.2.1", 40000, "198.51.100.9", 389, "ESTABLISHED", 2)
FORWARDER = Socket("tcp", "127.0.0.1", 6010, "", 0, "LISTEN", 3)
FORWARDED = Socket("tcp", "127.0.0.1", 6010, "127.0.0.1", 50000, "ESTABLISHED", 4)
LISTENED = frozenset({22, 6010})


@pytest.mark.parametrize(
    ("sockets", "ports"),
    [
        ((LOGIN,), LISTENED),
        ((LOGIN, LOGIN), LISTENED),
        ((MAPPED,), LISTENED),
        # a directory service's connection, and what a login of root forwards
        ((OUTBOUND, LOGIN), LISTENED),
        ((FORWARDER, FORWARDED, LOGIN, OUTBOUND), LISTENED),
        # the server was stopped while the login goes on
        ((LOGIN,), frozenset()),
        ((FORWARDER, FORWARDED, LOGIN), frozenset({6010})),
    ],
)
def test_the_logins_own_connection(sockets: tuple[Socket, ...], ports: frozenset[int]) -> None:
    session = with_origin(LogonSession("41"), LEADER, HeldSockets(SSHD, sockets, ports))
    assert (session.remote_address, session.remote_port) == ("203.0.113.7", 51234)


@pytest.mark.parametrize(
    "held",
    [
        None,
        HeldSockets(SSHD, (), LISTENED),
        # which of them is the login's cannot be known
        HeldSockets(SSHD, (LOGIN, OUTBOUND), frozenset()),
        HeldSockets(SSHD, (LOGIN, LOGIN._replace(inode=9, remote_port=9)), LISTENED),
        # the client has gone, and only the other connection is left
        HeldSockets(SSHD, (LOGIN._replace(state="CLOSE_WAIT"), OUTBOUND), LISTENED),
        # another process has its pid, another program, a user's own server
        HeldSockets(SSHD._replace(start=6000), (LOGIN,), LISTENED),
        HeldSockets(SSHD._replace(start=None), (LOGIN,), LISTENED),
        HeldSockets(SSHD._replace(comm="nginx"), (LOGIN,), LISTENED),
        HeldSockets(SSHD._replace(uids=(1000, 1000, 1000, 1000)), (LOGIN,), LISTENED),
        HeldSockets(SSHD._replace(uids=(0, 1000, 0, 0)), (LOGIN,), LISTENED),
        HeldSockets(SSHD._replace(uids=None), (LOGIN,), LISTENED),
    ],
)
def test_never_a_guess(held: HeldSockets | None) -> None:
    session = with_origin(LogonSession("41"), LEADER, held)
    assert (session.remote_address, session.remote_port) == (None, None)
    assert session.sources == {}


def test_the_recorded_address_is_kept() -> None:
    session = LogonSession("41", remote_host="198.51.100.1", remote_address="198.51.100.1")
    session = with_origin(session, LEADER, HeldSockets(SSHD, (LOGIN,), LISTENED))
    assert (session.remote_address, session.remote_port) == ("198.51.100.1", 51234)


@pytest.mark.parametrize(
    ("remote_host", "address"),
    [
        (None, None), ("", None), ("web2.example", None), ("203.0.113.7", "203.0.113.7"), ("203.0.113.777", None),
        ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:DB8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1%eth0"),
        ("a:b:c", None), (":0", None), ("x from 203.0.113.7", None), ("1" * 9999, None), (":" * 9999, None),
    ],
)  # fmt: skip
def test_addresses(remote_host: str | None, address: str | None) -> None:
    assert address_of(remote_host) == address
    assert plain_address(remote_host or "") == address


@given(st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True) | st.text("0123456789.\u0661", max_size=12))
def test_an_address_of_ipv4_is_one_of_the_standard_library(text: str) -> None:
    try:
        address = str(ipaddress.IPv4Address(text))
    except ValueError:
        address = None
    assert plain_address(text) == address
