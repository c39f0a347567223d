"""The events helper: it serves root and its unit alone, and either of the two ends may be restarted."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.machine import Look, ProcessQuery
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.choose import make_live
from logonscope.sources.live.remote_feed import RemoteFeed
from logonscope.sources.live.source import LiveSource, describe_status
from tests.kernel import Nursery, kernel_id
from tests.sources.live.history import Listener, build_program, compare, run_logins, settle

CONNECT = """
import sys
from logonscope.sources.live.remote_feed import RemoteFeed
try:
    RemoteFeed(sys.argv[1])
except OSError as error:
    print(error.args[1])
else:
    print("accepted")
"""


class HelperProcess:
    """A helper as a process of its own."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self.start()

    def start(self, capabilities: str = "") -> None:
        """Start it, with some capabilities only, and wait until its socket is there."""
        Path(self.socket).unlink(missing_ok=True)
        rights = ["setpriv", f"--bounding-set=-all,{capabilities}", "--inh-caps=-all"] if capabilities else []
        command = [sys.executable, "-m", "logonscope.sources.live.helper", self.socket, "logonscope-test.service"]
        self._process = subprocess.Popen([*rights, *command])
        deadline = time.monotonic() + 20
        while not os.path.exists(self.socket) or os.stat(self.socket).st_mode & 0o777 != 0o666:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop it for a block, as all processes are stopped while a machine is suspended."""
        self._process.send_signal(signal.SIGSTOP)
        yield
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def helper(tmp_path: Path) -> Iterator[HelperProcess]:
    """Run a helper; the program is only built to require its needs."""
    build_program(tmp_path)
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.is_relative_to("/tmp"):  # noqa: S108 -- pytest's own folder, which another user has to reach
            parent.chmod(parent.stat().st_mode | 0o011)
    process = HelperProcess(str(tmp_path / "socket"))
    yield process
    process.kill()


def wait_for_rung(source: LiveSource, name: str | None) -> None:
    """Wait until a source has an event source with this name, or none."""
    deadline = time.monotonic() + 20
    while (source.status.event_source and source.status.event_source.name) != name:
        assert time.monotonic() < deadline, source.status
        time.sleep(0.05)


BY_HELPER = "process connector and fanotify, by the events helper"


def test_hostile_logins_have_their_own_logon_through_the_helper(helper: HelperProcess, tmp_path: Path) -> None:
    source = make_live(LinuxSource(), LINUX, socket=helper.socket)
    try:
        assert source.status.event_source is not None
        assert source.status.event_source.name == BY_HELPER
        listener = Listener(source)
        history = run_logins(str(tmp_path / "logins"), "logins", 40, 1000, 3, "exit")
        settle(listener)
        result = compare(history, listener.events)
    finally:
        source.close()
    assert result.wrong == []
    assert result.missing == 0


def test_the_helper_may_be_restarted_and_the_service_too(helper: HelperProcess) -> None:
    source = make_live(LinuxSource(), LINUX, socket=helper.socket)
    try:
        with Nursery() as nursery:
            (first,) = nursery.login(64321)
            helper.kill()
            wait_for_rung(source, None)
            (second,) = nursery.login(64322)
            for pid in (first, second):
                assert shown_id(source, pid) == kernel_id(pid)
            helper.start()
            wait_for_rung(source, BY_HELPER)
            assert source.status.counts.losses == 1
            (third,) = nursery.login(64323)
            for pid in (first, second, third):
                assert shown_id(source, pid) == kernel_id(pid)
            # a new service takes the events over
            with_new = make_live(LinuxSource(), LINUX, socket=helper.socket)
            assert shown_id(with_new, third) == kernel_id(third)
            with_new.close()
    finally:
        source.close()


def test_what_happened_while_the_helper_was_stopped_is_not_lost(helper: HelperProcess, tmp_path: Path) -> None:
    source = make_live(LinuxSource(), LINUX, socket=helper.socket)
    try:
        with Nursery() as nursery:
            (early,) = nursery.login(64321)
            with helper.stopped():
                (late,) = nursery.login(64322)
                run_logins(str(tmp_path / "logins"), "logins", 20, 1000, 3, "exit")
                nursery.end(early)
                # an answer does not wait for the helper
                assert shown_id(source, late) == kernel_id(late)
            wait_for_rung(source, BY_HELPER)
            assert shown_id(source, late) == kernel_id(late)
            assert shown_id(source, early) is None
            assert source.status.counts.lost_events == 0
    finally:
        source.close()


def test_a_full_queue_is_counted_and_all_processes_are_read_again(helper: HelperProcess, tmp_path: Path) -> None:
    """Without CAP_NET_ADMIN the buffer for process events is as small as the kernel's limit."""
    helper.kill()
    helper.start("+sys_admin,+sys_ptrace")
    messages = 2 * int(Path("/proc/sys/net/core/rmem_max").read_text(encoding="ascii")) // 832
    source = make_live(LinuxSource(), LINUX, socket=helper.socket)
    try:
        with Nursery() as nursery:
            with helper.stopped():
                forks = 0
                while 2 * forks < messages * 1.5:
                    forks += int(subprocess.check_output([tmp_path / "logins", "storm", "0", "0.3", "fork"]))
            deadline = time.monotonic() + 20
            while source.status.counts.losses == 0:
                assert time.monotonic() < deadline
                list(source.memberships(Look(), ProcessQuery(frozenset({"ses"}))))
            (pid,) = nursery.login(64321)
            assert shown_id(source, pid) == kernel_id(pid)
            _, check = describe_status(source.status)
            assert check.ok is None
            assert re.search("events lost [1-9]", check.finding)
    finally:
        source.close()


def shown_id(source: LiveSource, pid: int) -> int | None:
    """Return the kernel id that a source shows for a process."""
    rows = source.memberships(Look(), ProcessQuery(frozenset({"ses", "cgroup"})))
    return next((kernel_id for shown_pid, kernel_id, _ in rows if shown_pid == pid), None)


def test_another_user_gets_no_events(helper: HelperProcess) -> None:
    RemoteFeed(helper.socket).close()
    command = ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c", CONNECT, helper.socket]
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        pytest.skip("another user cannot run this Python")
    assert "only root and logonscope-test.service may connect" in done.stdout
