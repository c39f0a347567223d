"""Tests of broker/socket_holders.py: who holds a port or a unix socket, and what is said if nothing is found."""

from logonscope.broker.socket_holders import sockets_at_address
from logonscope.facts import Socket


def test_an_address_means_its_socket_else_one_that_listens_everywhere() -> None:
    wild4 = Socket("tcp", "0.0.0.0", 80, "0.0.0.0", 0, "LISTEN", 1)  # noqa: S104 -- an address that was read
    wild6 = Socket("tcp6", "::", 80, "::", 0, "LISTEN", 2)
    local = Socket("tcp", "127.0.0.1", 80, "0.0.0.0", 0, "LISTEN", 3)  # noqa: S104 -- the same
    every = [wild4, wild6, local]
    assert sockets_at_address(every, None) == every
    assert sockets_at_address(every, "127.0.0.1") == [local]
    assert sockets_at_address(every, "192.0.2.1") == [wild4, wild6]
    assert sockets_at_address(every, "::1") == [wild6]
