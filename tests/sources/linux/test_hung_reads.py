"""Tests of sources/linux/hung_reads.py: a process whose arguments hang costs only its own row, and one thread."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from logonscope.sources.linux.hung_reads import HungReads, OmittedFiles
from logonscope.sources.linux.process_files import FILES, MEMORY_FILES, UNGUARDED_FILES
from logonscope.sources.linux.processes import TIMEOUT
from tests.lab.hung_process import executing_process, hung_processes
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
        # one more may be read late on a busy machine; these were 13 questions
        assert threads(server) <= settled + HUNG


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


READ_IN_TIME = """
import os, sys
from logonscope.sources.linux.process_files import FILES
for file in FILES:
    if file.name == sys.argv[2]:
        print(flush=True)
        try:
            file.read(os.open(f"/proc/{sys.argv[1]}", os.O_PATH | os.O_DIRECTORY), int(sys.argv[1]))
        except OSError:
            pass
"""


def hanging_files(pid: int) -> dict[str, "subprocess.Popen[bytes]"]:
    """Return the files of a process whose reading hangs, each with the process that reads it."""
    words = [sys.executable, "-c", READ_IN_TIME, str(pid)]
    made = {file.name: subprocess.Popen([*words, file.name], stdout=subprocess.PIPE) for file in FILES}
    for process in made.values():
        assert process.stdout is not None
        process.stdout.readline()  # it reads from now on
        process.stdout.close()
    end, hung = time.monotonic() + 6, dict[str, "subprocess.Popen[bytes]"]()
    for path, process in made.items():
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            hung[path] = process
    return hung


def test_only_files_that_are_known_for_it_hang() -> None:
    with executing_process() as (parent, child):
        by_parent, by_child = hanging_files(parent), hanging_files(child)
    # not before: not even SIGKILL ends them
    for process in (*by_parent.values(), *by_child.values()):
        process.wait()
    assert set(by_parent) == MEMORY_FILES
    assert set(by_child) >= MEMORY_FILES
    assert not set(by_child) & UNGUARDED_FILES


def test_a_process_that_executes_for_ever_is_answered_with_what_does_not_hang() -> None:
    with executing_process() as (parent, child), sleeping(OTHERS), attacked() as server:
        for number in range(3):
            began = time.monotonic()
            answer = server.ask(ROWS)
            assert answer.count(f"sleep {MARK}".encode()) == OTHERS
            assert time.monotonic() - began < (3 * TIMEOUT if number == 0 else 1)
        settled = threads(server)
        for number, pid in enumerate((child, parent) * 3):
            began = time.monotonic()
            rows = f"SELECT Handle, ParentProcessId, CommandLine FROM Win32_Process WHERE Handle = '{pid}'"
            assert f">{pid}<".encode() in server.ask(rows)
            # the rows before needed no file that hangs, except for the arguments
            assert time.monotonic() - began < (2 * TIMEOUT if number == 0 else 1)
        began = time.monotonic()
        server.ask("SELECT LogonId, StartTime FROM Win32_LogonSession")
        assert time.monotonic() - began < 2
        assert threads(server) <= settled + 2


def test_of_a_user_with_many_that_hang_no_other_is_tried_and_of_others_all_are() -> None:
    hung, over = HungReads(max_per_user=2), [False]
    with sleeping(3) as (first, second, third):
        assert hung.omitted_files("/proc", third) == OmittedFiles.NONE
        hung.remember("/proc", first, OmittedFiles.MEMORY, lambda: over[0])
        assert (hung.omitted_files("/proc", third), hung.omitted_files("/proc", first)) == (
            OmittedFiles.NONE,
            OmittedFiles.MEMORY,
        )
        hung.remember("/proc", second, OmittedFiles.GUARDED, lambda: False)
        assert hung.omitted_files("/proc", third) == OmittedFiles.MEMORY  # it is the same user's
        assert (hung.hung_files("/proc", third), hung.hung_files("/proc", first)) == (
            OmittedFiles.NONE,
            OmittedFiles.MEMORY,
        )
        hung.remember("/proc", first, OmittedFiles.GUARDED, lambda: over[0])
        assert hung.omitted_files("/proc", third) == OmittedFiles.GUARDED
        over[0] = True
        assert hung.omitted_files("/proc", third) == OmittedFiles.NONE
        assert hung.omitted_files("/proc", first) == OmittedFiles.NONE
        assert len(hung) == 1


def test_so_many_hang_in_total() -> None:
    hung = HungReads(max_per_user=10, max_total=1)
    with sleeping(2) as (first, second):
        hung.remember("/proc", first, OmittedFiles.MEMORY, lambda: False)
        assert hung.omitted_files("/proc", second) == OmittedFiles.MEMORY


def test_a_later_process_with_the_pid_of_one_that_hung_is_read() -> None:
    hung = HungReads()
    with sleeping(1) as (first,):
        hung.remember("/proc", first, OmittedFiles.MEMORY, lambda: False)
        assert hung.omitted_files("/proc", first) == OmittedFiles.MEMORY
    # it has ended, so whichever process has the pid now is another one
    assert hung.omitted_files("/proc", first) == OmittedFiles.NONE
