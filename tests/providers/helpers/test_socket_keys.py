"""Tests of providers/helpers/socket_keys.py: columns and keys of sockets."""

import pytest

from logonscope.facts import Socket
from logonscope.machine import Selection
from logonscope.providers.helpers.socket_keys import SOCKET_COLUMNS, select_inode, select_port, select_socket

LISTENING = Socket("tcp6", "::1", 443, "::", 0, "LISTEN", 9001, namespace=7)


def test_a_socket_has_its_local_address_and_state() -> None:
    assert {name: column.make_value(LISTENING, None, None, None) for name, column in SOCKET_COLUMNS.items()} == {
        "Protocol": "tcp6", "LocalAddress": "::1", "LocalPort": 443, "State": "LISTEN",
        "NetworkNamespace": 7, "NetworkNamespaceProcessId": None,
    }  # fmt: skip


def test_a_udp_socket_has_no_state() -> None:
    assert SOCKET_COLUMNS["State"].make_value(LISTENING._replace(protocol="udp", state=""), None, None, None) is None


@pytest.mark.parametrize(("port", "ports"), [(443, {443}), (0, {0}), (None, set()), ("443", set())])
def test_a_port_means_the_sockets_that_have_it(port: int | str | None, ports: set[int]) -> None:
    assert select_port(port) == Selection(ports=frozenset(ports))


@pytest.mark.parametrize(("inode", "inodes"), [(9001, {9001}), (None, set()), ("9001", set())])
def test_an_inode_means_the_socket_that_has_it(inode: int | str | None, inodes: set[int]) -> None:
    assert select_inode(inode) == select_socket(("LS_Socket", inode)) == Selection(inodes=frozenset(inodes))
