"""Tests of providers/ls_socket.py: the network sockets that processes hold."""

import os
import socket
from ipaddress import IPv4Address

import pytest

import logonscope
from logonscope.cim.schema import LOGONSCOPE
from logonscope.errors import NotFoundError, TypeMismatchError
from logonscope.facts import Socket
from tests.hosts import HostFolder, user
from tests.providers.asked import SNAPSHOT, everything, one, web1

COLUMNS = ("Inode", "Protocol", "LocalAddress", "LocalPort", "RemoteAddress", "RemotePort", "State")
ANY = str(IPv4Address(0))
WEB = (9001, "tcp", ANY, 8080, ANY, 0, "LISTEN")


def test_a_socket_that_a_process_holds_is_there_with_both_its_ends() -> None:
    assert everything(web1(), "LS_Socket", *COLUMNS) == [WEB]
    assert one(web1(), "LS_Socket=9001", *COLUMNS) == WEB


def test_a_socket_with_several_holders_is_one_and_without_holder_none(host: HostFolder) -> None:
    host.listener(443, 9001)
    host.listener(444, 9002)
    host.listener(53, 9003, file="udp", state="07")
    host.process(10, sockets=(9001, 9001, 9003))
    host.process(11, sockets=(9001,))
    assert sorted(everything(host.connect(), "LS_Socket", "Inode", "Protocol", "LocalPort", "State")) == [
        (9001, "tcp", 443, "LISTEN"),
        (9003, "udp", 53, None),
    ]


def test_an_inode_that_no_socket_has_is_not_found() -> None:
    for path in ("LS_Socket=9002", "LS_Socket=0"):
        with pytest.raises(NotFoundError):
            web1().get(path, namespace=LOGONSCOPE)
    with pytest.raises(TypeMismatchError):
        web1().get("LS_Socket='tcp'", namespace=LOGONSCOPE)


def test_a_closed_connection_has_no_inode_and_no_holder() -> None:
    closed = Socket("tcp", "10.0.0.1", 22, "10.0.0.2", 5000, "TIME_WAIT", 0)
    processes = [found._replace(sockets=(0,)) for found in SNAPSHOT.processes]
    assert everything(web1(sockets=(closed,), processes=processes), "LS_Socket", "Inode") == []


def test_one_sees_the_sockets_of_ones_own_processes() -> None:
    assert everything(web1(user(1001)), "LS_Socket", "Inode") == []
    own = [found._replace(uids=(1001,) * 4) if found.pid == 4312 else found for found in SNAPSHOT.processes]
    assert everything(web1(user(1001), processes=own), "LS_Socket", "Inode") == [9001]


def test_a_socket_of_this_very_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        inode, port = os.fstat(listening.fileno()).st_ino, listening.getsockname()[1]
        found = one(logonscope.connect(), f"LS_Socket={inode}", *COLUMNS)
    assert found == (inode, "tcp", "127.0.0.1", port, ANY, 0, "LISTEN")
