"""Tests of sources/linux/hung_reads.py: a process whose arguments hang costs only its own row, and one thread."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from logonscope.sources.linux.hung_reads import HungReads
from logonscope.sources.linux.processes import TIMEOUT
from tests.lab.hung_process import hung_processes
from tests.server.attacked import Attacked, attacked

USER, OTHERS, HUNG = 64_330, 30, 4
MARK = "86399.25"
ROWS = f"SELECT Handle, CommandLine FROM Win32_Process WHERE CommandLine LIKE '%sleep%{MARK}'"


@contextmanager
def sleeping(count: int) -> Iterator[list[int]]:
    made = [subprocess.Popen(["sleep", MARK]) for _ in range(count)]
    try:
        yield [process.pid for process in made]
    finally:
        for process in made:
            process.kill()
            process.wait()


def threads(server: Attacked) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/task"))


def test_processes_whose_arguments_hang_cost_their_own_rows_alone_and_a_thread_each() -> None:
    with hung_processes(USER, HUNG) as hung, sleeping(OTHERS), attacked() as server:
        for number in range(5):
            began = time.monotonic()
            answer = server.ask(ROWS)
            assert answer.count(f"sleep {MARK}".encode()) == OTHERS
            assert time.monotonic() - began < (2 * TIMEOUT if number == 0 else 1)
        settled = threads(server)
        for pid in hung * 3:
            began = time.monotonic()
            one = server.ask(f"SELECT Handle, CommandLine FROM Win32_Process WHERE Handle = '{pid}'")
            assert f">{pid}<".encode() in one
            assert time.monotonic() - began < 1
        assert server.ask(ROWS).count(f"sleep {MARK}".encode()) == OTHERS
        assert threads(server) <= settled + 1


def files_of(pid: int) -> str:
    return f"SELECT * FROM CIM_ProcessExecutable WHERE Dependent = 'Win32_Process.Handle=\"{pid}\"'"


def test_processes_whose_memory_hangs_cost_their_own_files_alone() -> None:
    every = "SELECT BaseAddress FROM CIM_ProcessExecutable WHERE BaseAddress = 1"
    with hung_processes(USER, HUNG) as hung, sleeping(1) as (sleeper,), attacked() as server:
        for number in range(2):
            began = time.monotonic()
            server.ask(every)
            assert time.monotonic() - began < (HUNG * TIMEOUT if number == 0 else 1.5)
        began = time.monotonic()
        assert b"libc" not in server.ask(files_of(hung[0]))
        assert b"libc" in server.ask(files_of(sleeper))
        assert time.monotonic() - began < 1


def test_a_process_that_answers_again_is_read_again() -> None:
    with sleeping(1), attacked() as server:
        with hung_processes(USER, HUNG):
            server.ask(ROWS)
            busy = threads(server)
        end = time.monotonic() + 10
        while threads(server) > busy - HUNG:
            assert time.monotonic() < end
            server.ask(ROWS)
            time.sleep(0.05)


def directory(pid: int) -> int:
    return os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY)


def test_of_a_user_with_many_that_hang_no_other_is_tried_and_of_others_all_are() -> None:
    hung, over = HungReads(most_per_user=2), [False]
    with sleeping(3) as (first, second, third):
        handle = directory(third)
        assert hung.may_read("/proc", third, handle)
        hung.remember("/proc", first, lambda: over[0])
        assert hung.may_read("/proc", third, handle)
        assert not hung.may_read("/proc", first, directory(first))
        hung.remember("/proc", second, lambda: False)
        assert not hung.may_read("/proc", third, handle)  # it is the same user's
        assert not hung.hangs("/proc", third, handle)
        assert hung.hangs("/proc", first, directory(first))
        over[0] = True
        assert hung.may_read("/proc", third, handle)
        assert hung.may_read("/proc", first, directory(first))
        assert len(hung) == 1
        os.close(handle)


def test_so_many_hang_in_total() -> None:
    hung = HungReads(most_per_user=10, most=1)
    with sleeping(2) as (first, second):
        hung.remember("/proc", first, lambda: False)
        assert not hung.may_read("/proc", second, directory(second))


def test_a_later_process_with_the_pid_of_one_that_hung_is_read(tmp_path: Path) -> None:
    hung = HungReads()
    folder = tmp_path / "10"
    folder.mkdir()
    for start, may_be_read in ((5, False), (6, True)):
        (folder / "stat").write_text(f"10 (a ) b) S {' '.join('0' * 18)} {start} 0", encoding="ascii")
        (folder / "status").write_text("Name:\ta\nUid:\t7\t7\t7\t7\n", encoding="ascii")
        if not len(hung):
            hung.remember(str(tmp_path), 10, lambda: False)
        handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        assert hung.may_read(str(tmp_path), 10, handle) is may_be_read
        os.close(handle)
