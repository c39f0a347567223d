"""Tests of server/connection_limits.py: no address or user takes all connections, and root can always connect."""

import logging
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from logonscope.log_intervals import REPORT_INTERVAL
from logonscope.server.auth.peer import Peer, UnixCredentials
from logonscope.server.connection import Connection
from logonscope.server.connection_limits import MIN_AGE_SECONDS, ConnectionLimits
from tests.server.serving import ask, serving

pytestmark = pytest.mark.usefixtures("promptly")


def remote(peer: str) -> Connection:
    return Connection(Peer(peer, tls=False, loopback=False), "192.0.2.1")


def local(uid: int) -> Connection:
    return Connection(Peer("", False, True, UnixCredentials(1, uid, uid, shares_namespaces=True)), "/run/s")


def test_of_one_address_only_some_may_be_there() -> None:
    crowd = ConnectionLimits(100, 2)
    first = remote("192.0.2.7")
    assert [crowd.add_connection(one) for one in (first, remote("192.0.2.7"), remote("192.0.2.7"))] == [
        True,
        True,
        False,
    ]
    assert crowd.add_connection(remote("192.0.2.8"))
    first.close()
    assert [crowd.add_connection(remote("192.0.2.7")) for _ in range(2)] == [True, False]


def test_a_network_of_ipv6_is_one_address() -> None:
    crowd = ConnectionLimits(100, 1)
    peers = "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"
    assert [crowd.add_connection(remote(peer)) for peer in peers] == [True, False, True]


def test_neither_the_network_nor_a_user_locks_out_local_users() -> None:
    crowd = ConnectionLimits(3, 2)
    assert [crowd.add_connection(remote(f"192.0.2.{number}")) for number in range(4)] == [True, True, True, False]
    assert [crowd.add_connection(local(1000)) for _ in range(3)] == [True, True, False]
    assert [crowd.add_connection(local(1001)) for _ in range(2)] == [True, False]
    assert all(crowd.add_connection(local(0)) for _ in range(9))


def test_few_addresses_with_many_connections_do_not_drive_out_one_with_a_single_one() -> None:
    now = [0.0]
    crowd, one, ended = ConnectionLimits(9, 8, lambda: now[0]), remote("192.0.2.1"), []
    one.abort = lambda: ended.append(one)
    assert crowd.add_connection(one)
    many = [remote(f"198.51.100.{number % 2}") for number in range(8)]
    assert all(map(crowd.add_connection, many))
    now[0] += MIN_AGE_SECONDS
    assert [crowd.add_connection(remote("198.51.100.0")) for _ in range(20)] == [False] * 20
    assert crowd.add_connection(remote("203.0.113.1"))  # in the place of one of the many
    assert not ended


def test_of_addresses_with_one_connection_each_the_oldest_gives_way_once_it_had_its_time() -> None:
    now = [0.0]
    crowd, ended = ConnectionLimits(2, 2, lambda: now[0]), []
    made = [remote(f"192.0.2.{number}") for number in range(4)]
    for connection in made:
        connection.abort = lambda one=connection: ended.append(one)  # type: ignore[misc]
    assert [crowd.add_connection(connection) for connection in made[:3]] == [True, True, False]
    now[0] += MIN_AGE_SECONDS
    assert crowd.add_connection(made[3])
    assert ended == [made[0]]


def test_who_is_refused_counts_for_nothing_afterwards() -> None:
    crowd = ConnectionLimits(2, 1)
    kept = [remote("192.0.2.7") for _ in range(50)]
    assert sum(map(crowd.add_connection, kept)) == 1
    assert crowd.add_connection(remote("192.0.2.8"))
    for one in kept:
        one.close()
    assert [crowd.add_connection(remote("192.0.2.9")), crowd.add_connection(remote("192.0.2.10"))] == [True, False]


def test_a_reached_limit_is_logged_at_intervals(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    crowd = ConnectionLimits(2, 1, lambda: now[0])
    with caplog.at_level(logging.WARNING):
        for number in (7, 7, 7, 8, 9, 9):
            crowd.add_connection(remote(f"192.0.2.{number}"))
        now[0] += REPORT_INTERVAL
        crowd.add_connection(remote("192.0.2.8"))
    assert caplog.messages == [
        "connection from 192.0.2.7 rejected: max_connections_per_address = 1 reached",
        "connection from 192.0.2.9 rejected: max_connections = 2 reached",
        "connection from 192.0.2.8 rejected: max_connections_per_address = 1 reached",
    ]


def test_one_address_at_its_limit_delays_no_other(tmp_path: Path) -> None:
    started = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"
    urls = "http://127.0.0.1:0", f"unix:{tmp_path}/s"
    with serving(*urls, max_connections_per_address=4) as server, ExitStack() as crowd:
        for number in range(20):
            one = crowd.enter_context(server.connect())
            one.sendall(started if number % 2 else b"")
        with server.connect() as same, socket.socket() as other, server.connect(1) as within:
            assert ask(same)[0] == 503
            other.bind(("127.0.0.2", 0))
            other.connect(server.addresses[0])
            assert ask(other)[0] == 200
            assert ask(within)[0] == 200
