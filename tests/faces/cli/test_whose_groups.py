"""Tests of faces/cli/whose_groups.py: which answers are shown as one server."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import logonscope
from logonscope.answers.whose import Socket, Whose
from logonscope.faces.cli.whose_groups import group_answers, is_connection
from logonscope.faces.cli.whose_text import describe_processes, group_headline

LISTENER = Socket("tcp", "127.0.0.1", 80, "0.0.0.0", 0, "LISTEN", 5)  # noqa: S104 -- an address that was read
CONNECTION = LISTENER._replace(remote_address="192.0.2.1", remote_port=999, state="ESTABLISHED", inode=6)

SHARED = """
listener = socket.socket(); listener.bind(("127.0.0.1", port)); listener.listen()
for _ in range(3):
    if os.fork() == 0: break
"""
ONE_EACH = """
for _ in range(3):
    if os.fork() == 0: break
listener = socket.socket(); listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind(("127.0.0.1", port)); listener.listen()
"""


def answers(*held: tuple[Socket, ...], target: str = ":80", logon_ids: str = "") -> list[Whose]:
    """Return answers of this test's own process, once for each of the sockets that are held."""
    (answer,) = logonscope.connect(visibility="kernel").whose(os.getpid())
    return [
        answer._replace(target=target, pid=10 + at, sockets=sockets, logon_id=logon_ids[at : at + 1] or answer.logon_id)
        for at, sockets in enumerate(held)
    ]


def sizes(found: list[Whose]) -> list[int]:
    """Return the sizes of the groups."""
    return [len(group) for group in group_answers(found)]


def test_processes_that_hold_one_socket_are_one_group() -> None:
    assert sizes(answers((LISTENER,), (LISTENER,), (LISTENER,))) == [3]


def test_processes_with_a_socket_each_at_the_same_address_are_one_group() -> None:
    assert sizes(answers((LISTENER,), (LISTENER._replace(inode=9),))) == [2]


def test_connections_of_a_worker_do_not_take_it_out_of_the_group() -> None:
    assert sizes(answers((LISTENER, CONNECTION), (LISTENER,))) == [2]
    assert sizes(answers((CONNECTION,), (CONNECTION,), (CONNECTION._replace(inode=7),))) == [2, 1]


def test_a_udp_socket_with_a_peer_is_a_connection() -> None:
    server = LISTENER._replace(protocol="udp", state="")
    client = CONNECTION._replace(protocol="udp", state="")
    assert [is_connection(server), is_connection(client)] == [False, True]


def test_another_address_namespace_or_logon_session_is_another_group() -> None:
    for other in (LISTENER._replace(address="::"), LISTENER._replace(namespace=7, namespace_pid=9)):
        assert sizes(answers((LISTENER,), (other,))) == [1, 1]
    assert sizes(answers((LISTENER,), (LISTENER,), logon_ids="12")) == [1, 1]


def test_answers_without_sockets_stand_alone() -> None:
    assert sizes(answers((), (), target="python3")) == [1, 1]


@contextmanager
def server(program: str) -> Iterator[tuple[int, int]]:
    """Run a server of four processes; yield its pid and port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"import os, socket, time\nport = {port}\n{program}\nprint(1, flush=True)\ntime.sleep(600)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            for _ in range(4):
                process.stdout.readline()
            yield process.pid, port
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("program", [SHARED, ONE_EACH], ids=["one socket", "SO_REUSEPORT"])
def test_a_server_of_four_processes_is_one_group_with_all_of_them(program: str) -> None:
    with server(program) as (pid, port):
        found = logonscope.connect(visibility="kernel").whose(f":{port}")
        (group,) = group_answers(found)
        assert len(group) == len(found) == 4
        assert pid in {answer.pid for answer in group}
        assert group_headline(group).startswith("4 processes of python")
        assert f"which listen on tcp 127.0.0.1:{port}, belong to" in group_headline(group)
        assert describe_processes(group).count(" as ") == 4
