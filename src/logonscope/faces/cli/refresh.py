"""When ``--watch`` repeats a command: at events of the host; if the host has no events, at intervals."""

import argparse
import os
import time
from typing import TYPE_CHECKING

from logonscope.answers.host_event import PROCESS_EVENTS
from logonscope.client import Host
from logonscope.errors import LogonscopeError
from logonscope.faces.cli.messages import is_other_machine

if TYPE_CHECKING:
    from logonscope.client.watch import Watch

MIN_SECONDS = 0.25
"""Minimum seconds between two answers: at most four in a second."""

MAX_SECONDS = 30.0
"""Seconds after which an answer is given without an event: a login that comes to the foreground has no event."""

MAX_EVENTS = 10_000
"""Maximum number of waiting events that are taken together before the next answer."""

_NAME_PREFIXES = ("user:", "name:")
"""Prefixes of a target of ``whose`` that is an account or a process name."""

EVENTS = PROCESS_EVENTS | {"LogonStarted", "LoggedOut", "LogonEnded"}
"""Events that can change a list of processes or of logon sessions."""


class Interval:
    """Waits for a fixed number of seconds.

    Attributes:
        schedule: when answers are given, as a text.
        note: where the events come from, or why there are none; "": nothing to say.
    """

    def __init__(self, seconds: float, note: str = "") -> None:
        self._seconds = seconds
        self.schedule = f"every {seconds:g} s"
        self.note = note

    def __repr__(self) -> str:
        return f"<Interval of {self._seconds:g} s>"

    def wait(self) -> None:
        """Wait until the next answer is due."""
        time.sleep(self._seconds)

    def close(self) -> None:
        """Release nothing: an interval has no watch."""


class Changes(Interval):
    """Waits for events of a watch; when the events have ended, for a fixed number of seconds."""

    def __init__(self, watch: "Watch", seconds: float, max_seconds: float = MAX_SECONDS) -> None:
        super().__init__(seconds)
        self._watch: Watch | None = watch
        self._max_seconds = max_seconds
        self._answered_at = time.monotonic()
        self.schedule, self.note = "at changes", watch.description

    def __repr__(self) -> str:
        return f"<Changes of {self._watch!r}>"

    def wait(self) -> None:
        if self._watch is None:
            super().wait()
            return
        try:
            self._wait_for_event(self._watch)
        except LogonscopeError as error:
            self._end(error.message)
            super().wait()
        self._answered_at = time.monotonic()

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def _wait_for_event(self, watch: "Watch") -> None:
        if watch.wait(self._max_seconds) is None and watch.is_closed:
            self._end("the events have ended")
            return
        # events that follow at once are shown by the same answer
        due = self._answered_at + MIN_SECONDS
        while (left := due - time.monotonic()) > 0:
            watch.wait(left)
        for _ in range(MAX_EVENTS):
            if watch.wait(0) is None:
                break

    def _end(self, reason: str) -> None:
        self.close()
        self._watch = None
        self.schedule, self.note = f"every {self._seconds:g} s", reason


def open_refresh(host: Host, args: argparse.Namespace) -> Interval:
    """Return the object that waits until a command must answer again.

    It waits for events if the host has kernel events, and the answer changes only at events. Otherwise, it waits for a
    fixed number of seconds.
    """
    if not _changes_only_at_events(args):
        return Interval(args.watch)
    try:
        # the programs that a command itself starts, such as journalctl, must not cause the next answer
        watch = host.watch(
            which=getattr(args, "which", None),
            events=EVENTS,
            without_descendants_of=None if is_other_machine(args.host) else os.getpid(),
        )
    except LogonscopeError as error:
        return Interval(args.watch, error.message)
    if watch.is_polled:
        # such a watch compares /proc every second, which costs more than reading it for an answer
        watch.close()
        return Interval(args.watch, "no kernel events")
    return Changes(watch, args.watch)


def _changes_only_at_events(args: argparse.Namespace) -> bool:
    """Return whether everything that a command shows comes from logon sessions and processes, which have events."""
    if args.command == "whose":
        # which processes have a port, a socket or an executable can change without an event
        return all(
            target.startswith(_NAME_PREFIXES) or not any(character in target for character in ":/@")
            for target in args.target
        )
    if args.command == "sessions":
        from logonscope.faces.cli.sessions import details_of  # noqa: PLC0415 -- only this command

        # CPU time and memory grow without events
        return "usage" not in details_of(args)
    return args.command in {"tree", "ps", "leftovers"}
