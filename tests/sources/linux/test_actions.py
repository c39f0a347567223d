"""Tests of sources/linux/actions.py: an action reaches the process that was given, and no other."""

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.machine.action import Action
from logonscope.sources.linux.actions import act
from tests.lab.fixtures import skip_or_fail

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


def refused(child: Child, nice: int | None, uid: int = NOBODY) -> int | None:
    """Return the number of the error that a user without rights gets."""
    try:
        act(PROC, Action(child.pid, start(child.pid), nice, uid))
    except PermissionError as error:
        return error.errno
    return None


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
    with pytest.raises(ProcessLookupError, match="used by another process"):
        act(PROC, Action(child.pid, start(child.pid) - 1, nice))
    assert child.poll() is None
    assert nice_values(child.pid) == [os.nice(0)] * THREADS


@pytest.mark.parametrize("nice", [None, 7])
def test_a_process_that_is_gone_is_not_there(child: Child, nice: int | None) -> None:
    began = start(child.pid)
    child.kill()
    child.wait()
    with pytest.raises(ProcessLookupError):
        act(PROC, Action(child.pid, began, nice))


def test_a_zombie_gets_no_nice_value(child: Child) -> None:
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
        number = thread.native_id or 0
        with pytest.raises(ProcessLookupError):
            act(PROC, Action(number, start(number), nice))
    finally:
        done.set()
        thread.join()


@pytest.fixture
def own() -> Iterator[Child]:
    """Start a process that runs as a user without rights."""
    if os.geteuid() != 0:
        skip_or_fail("only root can become somebody else")
    with subprocess.Popen(["sleep", "60"], user=NOBODY, group=NOBODY, extra_groups=[]) as process:
        yield process
        process.kill()


@pytest.fixture
def setuid() -> Iterator[Child]:
    """Start a process whose real uid is a user's and whose others are root's, as a setuid program's are."""
    if os.geteuid() != 0:
        skip_or_fail("only root can become somebody else")
    become = f"import os, time; os.setresuid({NOBODY}, 0, 0); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", become], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.mark.parametrize("nice", [None, 7, -7])
def test_a_user_cannot_act_on_a_process_of_another(child: Child, nice: int | None) -> None:
    if os.geteuid() != 0:
        skip_or_fail("only root can become somebody else")
    assert refused(child, nice) == errno.EPERM
    assert child.poll() is None
    assert nice_values(child.pid) == [os.nice(0)] * THREADS


def test_ones_own_process_is_ones_to_end_and_to_slow_down(own: Child) -> None:
    assert refused(own, os.nice(0) + 5) is None
    assert nice_values(own.pid) == [os.nice(0) + 5]
    assert refused(own, None) is None
    assert own.wait(5) == -signal.SIGKILL


def test_a_lower_nice_value_needs_a_right(own: Child) -> None:
    assert refused(own, os.nice(0) - 5) == errno.EACCES
    assert nice_values(own.pid) == [os.nice(0)]


def test_what_a_setuid_program_of_ones_own_may_be_made_to_do_is_what_the_kernel_says(setuid: Child) -> None:
    before = nice_values(setuid.pid)
    assert refused(setuid, os.nice(0) + 5) == errno.EPERM  # it has capabilities that one has not
    assert nice_values(setuid.pid) == before
    assert refused(setuid, None) is None  # kill(2) goes by the real uid
    assert setuid.wait(5) == -signal.SIGKILL


def test_a_process_that_cannot_change_its_user_is_refused(own: Child) -> None:
    script = f"""
import os
from logonscope.machine.action import Action
from logonscope.sources.linux.actions import act
os.setgroups([]); os.setresuid({NOBODY + 1}, {NOBODY + 1}, {NOBODY + 1})
act("/proc", Action({own.pid}, {start(own.pid)}, None, {NOBODY}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "PermissionError" in done.stderr
    assert own.poll() is None


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


def test_capabilities_without_uid_0_act_as_no_other_user(child: Child) -> None:
    if os.geteuid() != 0:
        skip_or_fail("only root can give powers away")
    program = f"""if True:
        import errno
        from logonscope.machine.action import Action
        from logonscope.sources.linux.actions import act
        try:
            act("/proc", Action({child.pid}, {start(child.pid)}, None, {NOBODY}))
        except PermissionError as error:
            assert error.errno == errno.EPERM
        else:
            raise AssertionError("it was done")
        """
    capable = "+kill,+setuid,+setgid,+dac_read_search"
    become = ["setpriv", "--reuid", "64320", "--clear-groups", "--inh-caps", capable, "--ambient-caps", capable]
    done = subprocess.run([*become, sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert child.poll() is None
