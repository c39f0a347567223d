"""sources/linux/act.py: is what is done to a process done to that process, and to no other?"""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.facts import Action
from logonscope.sources.linux.act import act
from tests.lab.fixtures import cannot

NOBODY = 64_321
"""A uid that nothing runs as on the machine that runs the tests."""

PROC = "/proc"
THREADS = 4
THREADED = f"""
import sys, threading
for _ in range({THREADS - 1}):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""

Child = subprocess.Popen[bytes]


@pytest.fixture
def child() -> Iterator[Child]:
    """Start a process with several threads, and end it in the end."""
    with subprocess.Popen([sys.executable, "-c", THREADED], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def stat(path: str) -> list[str]:
    """Return the fields of a stat file from the state on (proc(5))."""
    return Path(path).read_text(encoding="ascii").rpartition(")")[2].split()


def start(pid: int) -> int:
    """Return when a process started, in clock ticks since the boot."""
    return int(stat(f"/proc/{pid}/stat")[19])


def nice_values(pid: int) -> list[int]:
    """Return the nice value of every thread of a process."""
    return [int(stat(f"/proc/{pid}/task/{thread}/stat")[16]) for thread in os.listdir(f"/proc/{pid}/task")]


def refused(child: Child, nice: int | None, more: str = "") -> str:
    """Return the name of the error that somebody without rights gets, or nothing."""
    if os.geteuid() != 0:
        cannot("only root can become somebody else")
    action = Action(child.pid, start(child.pid), nice)
    script = f"""
import os, subprocess
from logonscope.facts import Action
from logonscope.sources.linux.act import act
os.setgroups([]); os.setresgid({NOBODY}, {NOBODY}, {NOBODY}); os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
{more}
try:
    act("/proc", {action!r})
except OSError as error:
    print(type(error).__name__, end="")
"""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_a_process_is_ended_at_once(child: Child) -> None:
    act(PROC, Action(child.pid, start(child.pid)))
    assert child.wait(5) == -signal.SIGKILL


def test_every_thread_of_a_process_gets_the_nice_value(child: Child) -> None:
    assert nice_values(child.pid) == [os.nice(0)] * THREADS
    act(PROC, Action(child.pid, start(child.pid), nice=7))
    assert nice_values(child.pid) == [7] * THREADS
    assert child.poll() is None


@pytest.mark.parametrize("nice", [None, 7])
def test_another_process_that_has_the_pid_by_now_is_not_touched(child: Child, nice: int | None) -> None:
    with pytest.raises(ProcessLookupError, match="another one"):
        act(PROC, Action(child.pid, start(child.pid) - 1, nice))
    assert child.poll() is None
    assert nice_values(child.pid) == [os.nice(0)] * THREADS


@pytest.mark.parametrize("nice", [None, 7])
def test_without_a_start_whatever_has_the_pid_is_meant(child: Child, nice: int | None) -> None:
    act(PROC, Action(child.pid, None, nice))
    assert nice_values(child.pid) == [7] * THREADS if nice else child.wait(5) == -signal.SIGKILL


@pytest.mark.parametrize("nice", [None, 7])
def test_a_process_that_is_gone_is_not_there(child: Child, nice: int | None) -> None:
    began = start(child.pid)
    child.kill()
    child.wait()
    for known in (began, None):
        with pytest.raises(ProcessLookupError):
            act(PROC, Action(child.pid, known, nice))


def test_a_process_that_has_ended_and_that_nobody_waited_for_gets_no_nice_value(child: Child) -> None:
    began = start(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ProcessLookupError):
        act(PROC, Action(child.pid, began, nice=7))


@pytest.mark.parametrize("nice", [None, 7])
def test_a_pid_that_a_thread_has_by_now_names_no_process(nice: int | None) -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        with pytest.raises(ProcessLookupError):
            act(PROC, Action(thread.native_id or 0, None, nice))
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("nice", [None, 7, -7])
def test_a_process_of_somebody_else_is_not_ones_to_touch(child: Child, nice: int | None) -> None:
    assert refused(child, nice) == "PermissionError"
    assert child.poll() is None
    assert nice_values(child.pid) == [os.nice(0)] * THREADS


def test_a_lower_nice_value_takes_a_right_that_not_everybody_has_of_ones_own_process(child: Child) -> None:
    asked = refused(child, None, more=f"""
own = subprocess.Popen(["sleep", "9"])
try:
    act("/proc", Action(own.pid, None, {os.nice(0) - 5}))
except OSError as error:
    print("lower:", type(error).__name__, end=" ")
act("/proc", Action(own.pid, None, {os.nice(0) + 5}))
act("/proc", Action(own.pid, None))
print(own.wait(), end=" ")
""")  # fmt: skip
    assert asked == "lower: PermissionError -9 PermissionError"


def test_however_many_files_are_open_it_can_be_done(child: Child) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    opened = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    try:
        act(PROC, Action(child.pid, start(child.pid), nice=7))
    finally:
        for handle in opened:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert nice_values(child.pid) == [7] * THREADS
