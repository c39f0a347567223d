"""Tests of sources/linux/action_helper.py: the helper cannot be held by its user, and has no data of the server."""

import errno
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope.machine.action import Action
from logonscope.sources.linux import action_helper
from logonscope.sources.linux import actions as acting
from logonscope.sources.linux.actions import act
from tests.lab.fixtures import skip_or_fail
from tests.server.attacked import asking, attacked, invoke

USER = 64_322
THREADS = 400
THREADED = f"""
import os, sys, threading
os.setgroups([]); os.setresgid({USER}, {USER}, {USER}); os.setresuid({USER}, {USER}, {USER})
threading.stack_size(65536)
for _ in range({THREADS - 1}):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
"""A process whose priority takes a while to set: a thread at a time."""

STOPPER = f"""
import os, signal, sys
parent, spared = sys.argv[1:]
os.setgroups([]); os.setresgid({USER}, {USER}, {USER}); os.setresuid({USER}, {USER}, {USER})
print("ready", flush=True)
while True:
    for thread in os.listdir(f"/proc/{{parent}}/task"):
        try:
            with open(f"/proc/{{parent}}/task/{{thread}}/children") as file:
                children = file.read().split()
        except OSError:
            continue
        for child in children:
            if child in (spared, str(os.getpid())):
                continue
            try:
                os.kill(int(child), signal.SIGSTOP)
            except OSError:
                continue
            print("stopped", child, flush=True)
"""
"""Stops every child of a process that its user may stop, but for one."""


def start(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])


@contextmanager
def program(text: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    if os.geteuid() != 0:
        skip_or_fail("only root can become somebody else")
    words = [sys.executable, "-c", text, *arguments]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def target() -> Iterator[subprocess.Popen[bytes]]:
    with program(THREADED) as process:
        yield process


def children() -> set[int]:
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        found |= {int(pid) for pid in path.read_text(encoding="ascii").split()}
    return found


def test_a_helper_that_its_user_stops_is_killed_and_logged(
    target: subprocess.Popen[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    action = Action(target.pid, start(target.pid), 5, USER)
    with program(STOPPER, str(os.getpid()), str(target.pid)):
        before, late = children(), 0
        for _ in range(20):
            if late:
                break
            began = time.monotonic()
            try:
                act("/proc", action)
            except TimeoutError:
                late += 1
            assert time.monotonic() - began < 5
            assert children() <= before
    assert late
    line = f"killed the helper that acts as uid {USER}: it did not end within 3 s"
    assert caplog.messages == [line] * late


def test_a_helper_has_nothing_of_ours_and_its_user_may_not_trace_it(target: subprocess.Popen[bytes]) -> None:
    action = Action(target.pid, start(target.pid), 5, USER)
    with socket.create_server(("127.0.0.1", 0)) as ours, program(STOPPER, str(os.getpid()), str(target.pid)) as stopper:
        ours.set_inheritable(True)
        assert stopper.stdout is not None
        os.set_blocking(stopper.stdout.fileno(), False)
        for _ in range(20):
            thread = threading.Thread(target=quietly, args=(action,))
            thread.start()
            time.sleep(0.4)
            if line := stopper.stdout.readline():
                break
            thread.join()
        pid = int(line.split()[1])
        folder = Path(f"/proc/{pid}")
        links = {os.readlink(path) for path in (folder / "fd").iterdir()}
        uid, program_ = (folder / "mem").stat().st_uid, (folder / "cmdline").read_bytes()
        thread.join()
    assert action_helper.__file__.encode() in program_
    assert uid == 0  # proc(5): root's, where the process is not dumpable
    assert not [link for link in links if link.startswith(("socket:", "pipe:"))]


def quietly(action: Action) -> None:
    try:
        act("/proc", action)
    except OSError:
        return


def test_users_who_stop_their_helpers_hold_no_worker_of_a_server(target: subprocess.Popen[bytes]) -> None:
    content = invoke(target.pid, "SetPriority", "<p:Priority>64</p:Priority>")
    with attacked("--allow-methods") as server:
        one_row = "SELECT Handle FROM Win32_Process WHERE Handle = '1'"
        server.ask(one_row)
        with program(STOPPER, str(server.process.pid), ""), asking(server, USER, content, 20):
            for _ in range(5):
                began = time.monotonic()
                assert b">1<" in server.ask(one_row)
                assert time.monotonic() - began < 1
                time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(5 * acting.TIMEOUT) == 0  # a stopped helper would hold it without end
        log = server.log.read_text(encoding="utf-8")
    assert re.search(f"WARNING killed the helper that acts as uid {USER}: it did not end within 3 s", log)
    assert "Traceback" not in log


def test_the_helper_reads_the_start_whatever_the_name_is() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        action_helper.do_action("/proc", child.pid, start(child.pid), None)
        assert child.wait(5) == -signal.SIGKILL


def test_a_helper_says_by_its_status_what_went_wrong(target: subprocess.Popen[bytes]) -> None:
    words = [
        sys.executable,
        "-I",
        "-S",
        action_helper.__file__,
        "/proc",
        str(target.pid),
        "1",
        action_helper.KILL,
        str(USER),
    ]
    code = subprocess.run(words, check=False).returncode
    assert code == action_helper.ERRNO_BASE + errno.ESRCH  # it started at another time
    assert target.poll() is None
