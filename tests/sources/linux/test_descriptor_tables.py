"""Tests of sources/linux/descriptor_tables.py: sockets that only threads hold, on this kernel."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from logonscope.machine import Look, ProcessQuery
from logonscope.sources.linux import LinuxSource, descriptor_tables
from tests.hosts import HostFolder
from tests.lab.systemd import wait_until

_SHARED = """
import ctypes, os, socket, sys, threading, time
def hold():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    os.write(1, b"%d\\n" % os.fstat(listener.fileno()).st_ino)
    time.sleep(600)
"""

MAIN_THREAD_ENDS = f"""{_SHARED}
threading.Thread(target=hold).start()
# exit(2) of the main thread alone: pthread_exit(3) would unwind the interpreter
ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)
"""

THREAD_LEAVES_THE_TABLE = f"""{_SHARED}
def leave():
    if ctypes.CDLL(None, use_errno=True).unshare(0x400):
        raise OSError(ctypes.get_errno(), "unshare")
    hold()
for _ in range(5):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
threading.Thread(target=leave).start()
time.sleep(600)
"""

LEAVE = "threading.Thread(target=leave).start()\n"
EVERY_THREAD_LISTENS_BY_ITSELF = THREAD_LEAVES_THE_TABLE.replace(LEAVE, LEAVE * 3)


@contextmanager
def running(program: str, lines: int = 1) -> Iterator[tuple[int, set[int]]]:
    """Run a Python program; yield its pid and the numbers that it prints."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, {int(process.stdout.readline()) for _ in range(lines)}
        finally:
            process.kill()


def is_zombie(pid: int) -> bool:
    """Return whether the main thread of a process has ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def read(pid: int, fact: str) -> set[int]:
    """Return the inodes of one fact of a process."""
    query = ProcessQuery(frozenset({fact}), pids=frozenset({pid}))
    (process,) = LinuxSource().processes(Look(), query)
    return set(getattr(process, fact) or ())


def test_the_sockets_of_a_process_whose_main_thread_has_ended_are_its_sockets() -> None:
    with running(MAIN_THREAD_ENDS) as (pid, inodes):
        # it becomes a zombie a moment after its thread has printed the inode
        wait_until(partial(is_zombie, pid))
        assert inodes <= read(pid, "sockets")


@pytest.mark.parametrize(("program", "count"), [(THREAD_LEAVES_THE_TABLE, 1), (EVERY_THREAD_LISTENS_BY_ITSELF, 3)])
def test_a_socket_in_the_own_table_of_a_thread_is_one_of_its_thread_sockets(program: str, count: int) -> None:
    with running(program, count) as (pid, inodes):
        assert len(inodes) == count
        assert not inodes & read(pid, "sockets")
        assert inodes <= read(pid, "thread_sockets")


def test_threads_that_share_the_table_are_not_listed() -> None:
    own = descriptor_tables._load_kcmp()  # noqa: SLF001 -- the system call itself is in question
    if own is None:
        pytest.fail("the number of kcmp(2) is not known for this machine")
    with running(THREAD_LEAVES_THE_TABLE) as (pid, _):
        tids = sorted(map(int, os.listdir(f"/proc/{pid}/task")))
        shared = [tid for tid in tids if own(pid, tid)]
        assert len(tids) == 7
        assert len(shared) == 6
        assert tids[0] in shared


def test_a_folder_is_read_without_the_kernel(host: HostFolder) -> None:
    host.process(10, "server", sockets=[5])
    for tid, inode in ((11, 6), (12, 7)):
        link = host.write(f"proc/10/task/{tid}/children", "").parent / "fd/0"
        link.parent.mkdir()
        link.symlink_to(f"socket:[{inode}]")
    process = host.read("sockets", "thread_sockets")[10]
    assert (process.sockets, process.thread_sockets) == ((5,), (6, 7))
    assert host.read("thread_sockets")[1].thread_sockets == ()


def open_many(host: HostFolder, threads: int) -> None:
    """Start a process with threads of one socket each."""
    host.process(10, "server")
    for tid in range(11, 11 + threads):
        folder = host.root / f"proc/10/task/{tid}/fd"
        folder.mkdir(parents=True)
        (folder / "0").symlink_to(f"socket:[{tid}]")


def test_the_number_of_threads_that_are_listed_is_bounded(host: HostFolder) -> None:
    open_many(host, descriptor_tables.MAX_TABLES + 50)
    found = host.read("thread_sockets")[10].thread_sockets or ()
    assert len(found) == descriptor_tables.MAX_TABLES


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def test_a_thread_that_shares_costs_a_system_call_and_no_listing() -> None:
    program = (
        "import threading, time\n"
        "for _ in range(400): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "files = [open('/dev/null') for _ in range(100)]\nprint(1, flush=True)\ntime.sleep(600)"
    )
    with running(program) as (pid, _):
        cost = min(seconds(lambda: read(pid, "thread_sockets")) for _ in range(5))
    # to list 400 tables of 100 files takes more than 40 ms on any machine
    assert cost < 0.03
