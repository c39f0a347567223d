"""Fuzzer of sources/linux/action_helper.py: random arguments and signals; the helper touches its target alone.

LOGONSCOPE_FUZZ says how much is tried: a helper for each 50, and three actions.
"""

import errno
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from logonscope.machine.action import Action
from logonscope.sources.linux import action_helper
from logonscope.sources.linux.actions import act
from tests.lab.fixtures import skip_or_fail
from tests.server.test_fuzz import REQUESTS, SEED

USER, OTHER = 64_323, 64_324
"""Uids that nothing runs as on the machine that runs the tests."""

TRIED = max(40, REQUESTS // 50)
AT_ONCE, PATIENCE = 6, 20.0
NICE = 7
HELPER = (sys.executable, "-I", "-S", action_helper.__file__)
SIGNALS = (*(signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGCONT) * 3, signal.SIGSTOP)
"""What the user who is acted for may send to the helper."""

Target = subprocess.Popen[bytes]


@contextmanager
def sleeping() -> Iterator[Target]:
    """Run a process of the user that does nothing."""
    if os.geteuid() != 0:
        skip_or_fail("only root can act as somebody else")
    with subprocess.Popen(["sleep", "600"], user=USER, group=USER, extra_groups=[]) as target:
        try:
            yield target
        finally:
            target.kill()


def fields(pid: int) -> list[str]:
    """Return the fields of stat from the state on (proc(5))."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


def start(pid: int) -> int:
    return int(fields(pid)[19])


def nice(pid: int) -> int:
    return int(fields(pid)[16])


def ended(words: list[str], prepare: Callable[[], None] | None = None) -> tuple[int, bytes]:
    """Run the helper, and return its exit status and what it printed."""
    done = subprocess.run(
        [*HELPER, *words], env={}, capture_output=True, check=False, timeout=PATIENCE, preexec_fn=prepare
    )
    return done.returncode, done.stdout + done.stderr


def is_of_the_helper(code: int) -> bool:
    """Return whether an exit status is one of those that the helper has."""
    return code in {0, action_helper.FAILED} or code - action_helper.ERRNO_BASE in errno.errorcode


def test_random_arguments_touch_no_process_but_the_one_that_they_name() -> None:
    chance = random.Random(SEED)  # noqa: S311 -- to be the same in every run
    odd = ("", "-1", "x", "1e3", "0x1", "2147483648", str(1 << 64), "9" * 5000, "/", "..", "a\nb")
    with sleeping() as target, sleeping() as dead:
        began = str(start(target.pid))
        dead_start = str(start(dead.pid))
        dead.kill()  # not waited for: a zombie
        sound = ("/proc", str(target.pid), began, str(NICE), str(USER))

        def arguments() -> list[str]:
            words = [*sound]
            for at in range(len(words)):
                if chance.random() < 0.25:
                    words[at] = chance.choice(odd)
            if chance.random() < 0.1:
                words[1:3] = str(dead.pid), dead_start
            if chance.random() < 0.2:  # the word that ends a process, with a start that is no process's
                words[2:4] = "1", action_helper.KILL
            return words[: chance.choice((5,) * 8 + (0, 3, 4))] + ["x"] * (chance.random() < 0.05)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            tried = [arguments() for _ in range(TRIED)]
            for words, (code, printed) in zip(tried, pool.map(ended, tried), strict=True):
                assert is_of_the_helper(code), (words, code, printed)
                assert printed == b""
                assert code != 0 or words in ([*sound], ["/proc", str(dead.pid), dead_start, str(NICE), str(USER)])
        assert target.poll() is None
        assert nice(target.pid) in {0, NICE}
        assert (
            ended(["/proc", str(target.pid), began, action_helper.KILL, str(OTHER)])[0]
            == action_helper.ERRNO_BASE + errno.EPERM
        )
        assert ended(["/proc", str(target.pid), began, action_helper.KILL, str(USER)])[0] == 0
        assert target.wait(PATIENCE) == -signal.SIGKILL


@pytest.mark.parametrize("kept", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2)])
def test_a_helper_without_some_of_its_descriptors_does_what_it_should(kept: tuple[int, ...]) -> None:
    def close() -> None:
        for descriptor in {0, 1, 2}.difference(kept):
            os.close(descriptor)

    with sleeping() as target:
        assert ended(["/proc", str(target.pid), str(start(target.pid)), str(NICE), str(USER)], close)[0] == 0
        assert nice(target.pid) == NICE


@pytest.mark.parametrize(
    ("limit", "most"),
    [(resource.RLIMIT_NOFILE, number) for number in range(3, 8)]
    + [(resource.RLIMIT_AS, size << 20) for size in (1, 4, 8, 12, 16, 24, 32)]
    + [(resource.RLIMIT_STACK, 8192), (resource.RLIMIT_DATA, 1 << 20)],
)
def test_a_helper_without_room_does_not_say_that_the_kernel_refused(limit: int, most: int) -> None:
    def lower() -> None:
        resource.setrlimit(limit, (most, most))

    with sleeping() as target:
        try:
            code, _ = ended(["/proc", str(target.pid), str(start(target.pid)), str(NICE), str(USER)], lower)
        except (OSError, subprocess.SubprocessError):
            return  # it was not even started
        assert code - action_helper.ERRNO_BASE not in {errno.EPERM, errno.EACCES, errno.ESRCH}
        assert nice(target.pid) == (NICE if code == 0 else 0)


class Meddler(threading.Thread):
    """Ends and stops helpers at random moments, and ends targets; helpers are children of this process."""

    def __init__(self, targets: list[Target], chance: random.Random) -> None:
        super().__init__()
        self._targets, self._chance = targets, chance
        self._spared = {target.pid for target in targets}
        self._is_over = threading.Event()

    def stop(self) -> None:
        """End it."""
        self._is_over.set()
        self.join()

    def run(self) -> None:
        """Meddle until it is stopped."""
        chance = self._chance
        while not self._is_over.wait(chance.random() * 0.002):
            for pid in children() - self._spared:
                if chance.random() < 0.3:
                    _send(pid, chance.choice(SIGNALS))
            if chance.random() < 0.002:
                chance.choice(self._targets).kill()


def children() -> set[int]:
    """Return the pids of the children of this process."""
    found: set[int] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):  # a thread that has ended
            found |= {int(pid) for pid in path.read_text(encoding="ascii").split()}
    return found


def _send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a helper that is a user's by now, as only then the user could; its pid may be another's."""
    with suppress(OSError):
        pidfd = os.pidfd_open(pid)
        try:
            status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
            if f"PPid:\t{os.getpid()}\n" in status and any(f"Uid:\t{uid}\t" in status for uid in (USER, OTHER)):
                signal.pidfd_send_signal(pidfd, number)
        finally:
            os.close(pidfd)


def outcome(action: Action) -> type[BaseException] | int | None:
    """Return what became of an action: nothing, the class of an error, or the number of one without a class."""
    try:
        act("/proc", action)
    except OSError as error:
        return error.errno if type(error) is OSError else type(error)
    return None


def test_helpers_that_are_ended_and_stopped_at_random_moments_leave_nothing_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    chance = random.Random(SEED)  # noqa: S311 -- the same
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    with sleeping() as one, sleeping() as two, sleeping() as three:
        targets = [one, two, three]
        begun = {target.pid: start(target.pid) for target in targets}
        earlier = children()  # the targets, and what other tests have started
        actions = []
        for _ in range(3 * TRIED):
            pid = chance.choice(targets).pid
            actions.append(Action(pid, begun[pid], chance.choice((NICE, NICE, -5)), chance.choice((USER, USER, OTHER))))
        meddler = Meddler(targets, chance)
        meddler.start()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            outcomes = list(pool.map(outcome, actions))
        meddler.stop()
        end = time.monotonic() + PATIENCE
        while children() - earlier:
            assert time.monotonic() < end, "a helper is left"
        for action, result in zip(actions, outcomes, strict=True):
            assert result in {None, ProcessLookupError, PermissionError, TimeoutError, errno.EIO}, (action, result)
            allowed = action.uid == USER and action.nice == NICE
            assert result is not PermissionError or not allowed
            assert result is not None or allowed
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert threading.active_count() <= threads
    assert not [record for record in caplog.records if record.exc_info]
