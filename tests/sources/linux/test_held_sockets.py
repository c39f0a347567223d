"""Tests of sources/linux/held_sockets.py: the sockets of each process, in its own network namespace."""

import os
import socket
import subprocess
import sys

import pytest

from logonscope.machine import Look
from logonscope.sources.linux import LinuxSource
from tests.hosts import HostFolder

ELSEWHERE = """
import ctypes, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
sys.exit(3) if libc.unshare(0x40000000) else None
server = socket.create_server(("0.0.0.0", 4242))
print("ready", flush=True)
sys.stdin.read()
"""
"""A process with a network namespace of its own, in which it listens."""

HEADER = "  sl  local_address rem_address   st\n"
LINE = "   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1\n"


def test_the_sockets_of_this_process() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            pid = os.getpid()
            held = LinuxSource().held_sockets(Look(), frozenset({pid}))[pid]
        ends = {(found.port, found.remote_port, found.state) for found in held.sockets}
        port, client_port = server.getsockname()[1], client.getsockname()[1]
    assert {(port, 0, "LISTEN"), (port, client_port, "ESTABLISHED"), (client_port, port, "ESTABLISHED")} <= ends
    assert port in held.listening_ports
    assert client_port not in held.listening_ports


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_a_network_namespace_of_its_own() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        held = LinuxSource().held_sockets(Look(), frozenset({child.pid}))[child.pid]
        child.communicate("")
    assert [(found.port, found.state) for found in held.sockets] == [(4242, "LISTEN")]
    assert held.listening_ports == {4242}


def test_lines_that_are_none_are_passed_over(host: HostFolder) -> None:
    host.process(300, "sshd", sockets=[7, 8, 9])
    line = LINE.format(local="0100007F:0016", remote="0200007F:C822", state="01", inode=7)
    listener = LINE.format(local="00000000:0016", remote="00000000:0000", state="0A", inode=1)
    host.write("proc/300/net/tcp", HEADER + line + listener + "cut\n   1: 0\n")
    held = host.source.held_sockets(Look(), frozenset({300, 999}))
    assert list(held) == [300]
    assert [(found.inode, found.remote_address, found.remote_port) for found in held[300].sockets] == [
        (7, "127.0.0.2", 51234)
    ]
    assert held[300].listening_ports == {22}
    assert host.source.held_sockets(Look(), frozenset()) == {}
