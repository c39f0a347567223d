"""Tests of server/auth/peer.py: connections that only their two ends can read."""

import pytest

from logonscope.server.auth.peer import Peer


@pytest.mark.parametrize(
    ("tls", "loopback", "private"),
    [(False, False, False), (True, False, True), (False, True, True), (True, True, True)],
)
def test_a_connection_is_private_over_tls_and_within_the_machine(tls: bool, loopback: bool, private: bool) -> None:
    assert Peer("192.0.2.7", tls, loopback).is_private is private


def test_two_connections_of_one_client_are_two_peers() -> None:
    assert Peer("192.0.2.7", tls=True, loopback=False) != Peer("192.0.2.7", tls=True, loopback=False)
