"""Tests of sources/linux/sockets.py: sockets are found by their port, in every table and on every address."""

import ipaddress
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Socket
from logonscope.machine import Look, ProcessQuery, SocketQuery
from logonscope.sources.linux.sockets import parse_socket
from tests.hosts import HostFolder

TCP6 = b"   1: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 77 1"


def found(host: HostFolder, *ports: int) -> list[tuple[str, int, str, int]]:
    """Return the sockets at these ports, or all."""
    sockets = host.source.sockets(Look(), SocketQuery(ports=frozenset(ports) or None))
    return [(socket.protocol, socket.port, socket.state, socket.inode) for socket in sockets]


def troubles(host: HostFolder) -> list[str]:
    """Return what could not be read."""
    look = Look()
    list(host.source.sockets(look, SocketQuery()))
    return [trouble.reason for trouble in look.troubles]


def test_sockets_are_found_by_their_local_port_in_every_table(host: HostFolder) -> None:
    host.listener(8080, 11)
    host.listener(80, 12)
    host.listener(8080, 13, file="udp", state="07")
    host.listener(53, 14, file="udp")
    assert found(host, 8080) == [("tcp", 8080, "LISTEN", 11), ("udp", 8080, "", 13)]
    assert found(host, 80, 53) == [("tcp", 80, "LISTEN", 12), ("udp", 53, "", 14)]
    assert len(found(host)) == 4
    assert found(host, 9) == []


def test_sockets_are_found_by_their_inode_too(host: HostFolder) -> None:
    host.listener(8080, 11)
    host.listener(80, 12)
    asked = (SocketQuery(inodes=frozenset({11})), SocketQuery(ports=frozenset({80}), inodes=frozenset({11})))
    assert [[socket.port for socket in host.source.sockets(Look(), query)] for query in asked] == [[8080], []]


def test_a_table_that_cannot_be_read_is_trouble_where_sockets_are_requested(host: HostFolder) -> None:
    (host.root / "proc/net").mkdir()
    (host.root / "proc/net/tcp").mkdir()
    assert troubles(host) == [f"{host.root}/proc/net/tcp: Is a directory"]
    source, look = host.source, Look()
    source.machine(look, frozenset({"platform", "vitals"}))
    assert [process.pid for process in source.processes(look, ProcessQuery())] == [1]
    assert look.troubles == []


def test_without_ipv6_there_is_no_trouble(host: HostFolder) -> None:
    host.listener(80, 1)
    assert troubles(host) == []


@pytest.mark.skipif(sys.byteorder != "little", reason="the line is of a little-endian machine")
def test_an_address_of_ipv6_is_read_in_words_of_four_bytes() -> None:
    assert parse_socket(TCP6, "tcp6") == Socket("tcp6", "::ffff:127.0.0.1", 8080, "::", 0, "LISTEN", 77)


@given(st.ip_addresses(), st.integers(0, 65535), st.integers(0, 12), st.integers(0, 1 << 63))
def test_every_address_and_port_comes_back(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, state: int, inode: int
) -> None:
    raw = address.packed
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    end = f"{raw.hex().upper()}:{port:04X}"
    line = f"  9: {end} {end} {state:02X} 0:0 0:0 0 1000 0 {inode} 1 0".encode()
    socket = parse_socket(line, "tcp")
    assert ipaddress.ip_address(socket.address) == ipaddress.ip_address(socket.remote_address) == address
    assert (socket.port, socket.remote_port, socket.inode) == (port, port, inode)


@given(st.binary(max_size=200) | st.integers(0, len(TCP6) - 1).map(lambda length: TCP6[:length]))
def test_any_other_line_is_a_value_error_and_nothing_else(line: bytes) -> None:
    try:
        parse_socket(line, "tcp")
    except ValueError:
        return


def test_a_line_that_is_no_socket_is_passed_over(host: HostFolder) -> None:
    host.write("proc/net/tcp", "head\nnonsense\n  0: zz:1F90 zz:0000 0A 0 0 0 0 0 1\n\n")
    host.listener(8080, 11)
    assert found(host) == [("tcp", 8080, "LISTEN", 11)]


def test_a_state_that_is_new_has_no_name() -> None:
    line = b"  1: 0100007F:0050 00000000:0000 FF 0:0 0:0 0 0 0 5 1"
    assert parse_socket(line, "tcp").state == ""
