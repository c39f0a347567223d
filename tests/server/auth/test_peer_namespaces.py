"""Tests of server/auth/peer_namespaces.py: real processes in real namespaces, with and without SO_PEERPIDFD."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope.server.auth.peer_namespaces import MAX_HUNG_READS, SO_PEERPIDFD, shares_namespaces
from tests.lab.fixtures import skip_or_fail
from tests.lab.hung_process import executing_process

UNKNOWN_OPTION = 9999
"""A socket option that no kernel has: what SO_PEERPIDFD is to a kernel before 6.5."""

CLIENT = """
import os, socket, sys
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
if sys.argv[2] == "leave" and os.fork():
    os._exit(0)
client.recv(1)
"""


@contextmanager
def connected(folder: Path, *prefix: str, conduct: str = "stay") -> Iterator[tuple[socket.socket, int]]:
    """Let a program connect; yield the accepted connection, and the pid of the program as the kernel reports it."""
    path = str(folder / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(20)
        words = [*prefix, sys.executable, "-c", CLIENT, path, conduct]
        with subprocess.Popen(words) as program:
            connection, _ = listener.accept()
            with connection:
                if conduct == "leave":
                    program.wait()
                credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                yield connection, int.from_bytes(credentials[:4], sys.byteorder)


@pytest.mark.parametrize("option", [SO_PEERPIDFD, UNKNOWN_OPTION])
def test_a_process_of_this_machine_shares_the_namespaces(tmp_path: Path, option: int) -> None:
    with connected(tmp_path) as (connection, pid):
        assert shares_namespaces(connection, pid, option)


@pytest.mark.parametrize("option", [SO_PEERPIDFD, UNKNOWN_OPTION])
@pytest.mark.parametrize("flags", [["--pid", "--fork"], ["--user"], ["--user", "--map-root-user", "--pid", "--fork"]])
def test_a_process_of_a_container_does_not(tmp_path: Path, flags: list[str], option: int) -> None:
    if os.geteuid() != 0:
        skip_or_fail("only root can make a pid namespace")
    with connected(tmp_path, "unshare", *flags, "--") as (connection, pid):
        assert pid > 0
        assert not shares_namespaces(connection, pid, option)


@pytest.mark.parametrize("option", [SO_PEERPIDFD, UNKNOWN_OPTION])
def test_a_process_that_has_ended_could_be_any_other(tmp_path: Path, option: int) -> None:
    """Its child still holds the connection; its pid may be another process's, here one of this machine."""
    with connected(tmp_path, conduct="leave") as (connection, pid):
        assert not shares_namespaces(connection, pid, option)
        assert not shares_namespaces(connection, os.getppid(), option)


def test_a_process_with_the_pid_that_does_not_hold_the_connection_is_another_one(tmp_path: Path) -> None:
    with connected(tmp_path) as (connection, _):
        assert not shares_namespaces(connection, 1, UNKNOWN_OPTION)


def test_a_process_outside_of_this_pid_namespace_does_not(tmp_path: Path) -> None:
    with connected(tmp_path) as (connection, _):
        assert not shares_namespaces(connection, 0)


@pytest.mark.parametrize("option", [SO_PEERPIDFD, UNKNOWN_OPTION])
def test_a_process_that_stays_in_execve_delays_no_request(tmp_path: Path, option: int) -> None:
    """The kernel answers nothing about its namespaces and its sockets; here it is taken for the one that connected."""
    (tmp_path / "again").mkdir()
    with executing_process() as (_, executing), connected(tmp_path) as (connection, pid):
        began = time.monotonic()
        for _ in range(2 * MAX_HUNG_READS):
            assert not shares_namespaces(connection, executing, option)
        assert time.monotonic() - began < 2
    # the threads that hang have ended with the process
    time.sleep(0.2)
    with connected(tmp_path / "again") as (connection, pid):
        assert shares_namespaces(connection, pid, option)
