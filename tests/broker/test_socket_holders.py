"""Tests of broker/socket_holders.py: who holds a port or a unix socket, and what is said if nothing is found."""

import os
import socket
from pathlib import Path

import pytest

from logonscope.broker import Request
from logonscope.broker.query import query
from logonscope.broker.socket_holders import sockets_at_address
from logonscope.cim.instances import ClassRows
from logonscope.errors import NotFoundError
from logonscope.facts import UNIX, Socket
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from tests import example
from tests.broker import operations as broker
from tests.broker.memory import Memory
from tests.hosts import ROOT, user


def test_an_address_means_its_socket_else_one_that_listens_everywhere() -> None:
    wild4 = Socket("tcp", "0.0.0.0", 80, "0.0.0.0", 0, "LISTEN", 1)  # noqa: S104 -- an address that was read
    wild6 = Socket("tcp6", "::", 80, "::", 0, "LISTEN", 2)
    local = Socket("tcp", "127.0.0.1", 80, "0.0.0.0", 0, "LISTEN", 3)  # noqa: S104 -- the same
    every = [wild4, wild6, local]
    assert sockets_at_address(every, None) == every
    assert sockets_at_address(every, "127.0.0.1") == [local]
    assert sockets_at_address(every, "192.0.2.1") == [wild4, wild6]
    assert sockets_at_address(every, "::1") == [wild6]


def unix_host(*paths: str) -> Memory:
    """Return the example host with unix sockets; 4312 holds them all."""
    sockets = [Socket(UNIX, "", 0, "", 0, "LISTEN", 100 + at, path) for at, path in enumerate(paths)]
    held = example.BY_PID[4312]._replace(sockets=tuple(socket.inode for socket in sockets))
    processes = [held if process.pid == 4312 else process for process in example.PROCESSES]
    return Memory(example.snapshot()._replace(processes=processes, sockets=tuple(sockets)))


@pytest.mark.parametrize("target", ["/run/app.sock", "unix:/run/app.sock", "/var/run/app.sock"])
@pytest.mark.parametrize("path", ["/run/app.sock", "/var/run/app.sock"])
def test_a_unix_socket_is_found_by_either_name_of_run(target: str, path: str) -> None:
    (answer,) = broker.whose(unix_host(path, "@other").request(ROOT), target)
    assert (answer.pid, [socket.path for socket in answer.sockets]) == (4312, [path])


def test_a_unix_socket_is_found_by_the_path_of_its_file_however_it_was_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("app.sock")
        listener.listen()
        for target in (f"{tmp_path}/app.sock", f"unix:{tmp_path}/app.sock"):
            (answer,) = broker.whose(Request(LinuxSource(), LINUX, ROOT), target)
            assert (answer.pid, [entry.path for entry in answer.sockets]) == (os.getpid(), ["app.sock"])


def test_an_abstract_name_is_no_path() -> None:
    (answer,) = broker.whose(unix_host("/run/app", "@app").request(ROOT), "@app")
    assert [socket.path for socket in answer.sockets] == ["@app"]


def test_a_path_of_any_bytes_is_found_and_its_controls_are_not_passed_on() -> None:
    path = "/run/a\n\x1b[2J\udcff"
    (answer,) = broker.whose(unix_host(path).request(ROOT), f"unix:{path}")
    assert [socket.path for socket in answer.sockets] == ["/run/a\n\ufffd[2J\ufffd"]


def test_a_program_of_that_path_comes_first() -> None:
    memory = unix_host("/usr/bin/x")
    broker.whose(memory.request(ROOT), "/usr/bin/x")
    assert len(memory.asked.sockets) == 1
    with_program = example.snapshot()._replace(processes=[example.BY_PID[4312]._replace(exe="/usr/bin/x")])
    memory = Memory(with_program)
    broker.whose(memory.request(ROOT), "/usr/bin/x")
    assert memory.asked.sockets == []


def test_unix_sockets_of_other_users_are_hidden() -> None:
    with pytest.raises(NotFoundError, match=r"no process of yours holds the unix socket '/run/app.sock'"):
        broker.whose(unix_host("/run/app.sock").request(user(1001)), "unix:/run/app.sock")
    with pytest.raises(NotFoundError, match=r"no process of yours runs '/run/app.sock', or holds a unix socket"):
        broker.whose(unix_host("/run/app.sock").request(user(1001)), "/run/app.sock")


def test_a_socket_in_a_thread_is_found_where_no_process_has_it() -> None:
    snapshot = example.snapshot()
    held = example.BY_PID[4312]._replace(sockets=(), thread_sockets=(9001,))
    memory = Memory(snapshot._replace(processes=[held, *example.PROCESSES[:3]]))
    (answer,) = broker.whose(memory.request(ROOT), ":8080")
    assert (answer.pid, answer.sockets) == (4312, example.SOCKETS)
    rows = query(memory.request(ROOT), "SELECT * FROM LS_ProcessSocket", "root/logonscope")
    assert sum(len(list(part.rows)) for part in rows if isinstance(part, ClassRows)) == 1


def test_threads_are_not_read_where_a_process_has_every_socket() -> None:
    memory = Memory(example.snapshot())
    broker.whose(memory.request(ROOT), ":8080")
    assert not any("thread_sockets" in asked.facts for asked in memory.asked.processes)
