"""Commands that are run for events: how many at once, for how long, and how many events wait."""

import os
import signal
import time
from collections import deque
from collections.abc import Callable

from logonscope.faces.cli.event_command import Invocation
from logonscope.faces.cli.repeated_messages import RepeatedMessages

MAX_RUNNING = 4
"""Maximum number of commands that run at once."""

MAX_WAITING = 64
"""Maximum number of events that wait until a command has ended; further events are dropped."""

MAX_SECONDS = 30.0
"""Seconds after which a command is killed."""

POLL_SECONDS = 0.05
"""Seconds between two checks for ended commands."""

STOP_SECONDS = 2.0
"""Maximum seconds to wait until killed commands have ended."""

_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that Python ignores, and that a command must not inherit as ignored."""


class RunningCommand:
    """A command that was started; its pid is also the id of its process group."""

    def __init__(self, pid: int, max_seconds: float) -> None:
        self.pid = pid
        self.deadline = time.monotonic() + max_seconds
        self.is_late = self.is_killed = False

    def __repr__(self) -> str:
        return f"<RunningCommand {self.pid}>"

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None: the command runs.

        If the command has ended, kill the processes that it left in its group.
        """
        # WNOWAIT leaves the process a zombie: its pid, and so the id of its group, is not used again before kill()
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        # processes in the background would escape the limits
        self.kill()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self) -> bool:
        """Kill the process group of the command; return False if that is not permitted."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return True
        except PermissionError:
            # all processes of the group run as another user, such as those of sudo
            return False
        return True


class CommandRunner:
    """Runs a command for each event, a few at once. One thread uses it, and calls ``step`` again and again."""

    def __init__(self, messages: RepeatedMessages, max_seconds: float = MAX_SECONDS) -> None:
        self._messages, self._max_seconds = messages, max_seconds
        self._running: list[RunningCommand] = []
        self._waiting: deque[Invocation] = deque()

    def __repr__(self) -> str:
        return f"<CommandRunner: {len(self._running)} running, {len(self._waiting)} waiting>"

    @property
    def has_room(self) -> bool:
        """Return whether another event can wait."""
        return len(self._waiting) < MAX_WAITING

    @property
    def has_waiting(self) -> bool:
        """Return whether events wait until a command has ended."""
        return bool(self._waiting)

    def add(self, invocation: Invocation) -> None:
        """Run a command, now or when others have ended."""
        self._waiting.append(invocation)
        self.step()

    def step(self) -> None:
        """Note which commands have ended, kill those that take too long, and start those that wait."""
        self._running = [command for command in self._running if not self._has_ended(command)]
        while self._waiting and len(self._running) < MAX_RUNNING:
            self._start(self._waiting.popleft())
        self._messages.write_due()

    def finish(self, check: Callable[[], object] = bool) -> None:
        """Wait until all commands have ended. Kill those that take too long; do not wait if they cannot be killed.

        Args:
            check: called again and again; an exception that it raises ends the waiting.
        """
        while (self._running or self._waiting) and not self._is_stuck:
            time.sleep(POLL_SECONDS)
            check()
            self.step()
        self.stop()

    def stop(self) -> None:
        """Kill the running commands; do not start the waiting ones."""
        if self._waiting:
            self._messages.add("command", "not started, because the watch was ended", len(self._waiting))
        self._waiting.clear()
        for command in self._running:
            command.kill()
        end = time.monotonic() + STOP_SECONDS
        while self._running and time.monotonic() < end:
            self._running = [command for command in self._running if command.poll() is None]
            time.sleep(0.001)

    @property
    def _is_stuck(self) -> bool:
        """Whether all running commands are past their deadline and cannot be killed."""
        now = time.monotonic()
        return bool(self._running) and all(command.deadline + STOP_SECONDS < now for command in self._running)

    def _start(self, invocation: Invocation) -> None:
        try:
            pid = os.posix_spawn(
                invocation.program,
                invocation.words,
                invocation.environment,
                # no input: the command would take the input of the watch
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)],
                # a group of its own, which Ctrl-C does not reach, and which can be killed
                setsid=True,
                setsigdef=_IGNORED_BY_PYTHON,
            )
        except OSError as error:
            self._messages.add("command", "failed", detail=f"cannot run {invocation.program}: {error.strerror}")
            return
        self._running.append(RunningCommand(pid, self._max_seconds))

    def _has_ended(self, command: RunningCommand) -> bool:
        code = command.poll()
        if code is None:
            if command.deadline <= time.monotonic() and not command.is_late:
                command.is_late, command.is_killed = True, command.kill()
                if not command.is_killed:
                    detail = (
                        f"it runs for more than {self._max_seconds:g} s, and cannot be killed: it runs as another user"
                    )
                    self._messages.add("command", "failed", detail=detail)
            return False
        if command.is_killed:
            self._messages.add("command", "failed", detail=f"killed after {self._max_seconds:g} s")
        # a command that could not be killed was counted at its deadline
        elif code and not command.is_late:
            status = f"exit status {code}" if code > 0 else f"signal {-code}"
            self._messages.add("command", "failed", detail=status)
        return True
