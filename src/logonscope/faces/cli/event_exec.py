"""``watch --exec``: runs a command for each event, in place of writing it."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from logonscope.answers.host_event import HostEvent
from logonscope.faces.cli.command_runner import MAX_RUNNING, MAX_WAITING, POLL_SECONDS, CommandRunner
from logonscope.faces.cli.ending_signals import EndingSignals
from logonscope.faces.cli.event_command import EventCommand
from logonscope.faces.cli.event_values import VALUE_NAMES, event_values, instance_values
from logonscope.faces.cli.event_writers import CHECK_SECONDS, EventWriter
from logonscope.faces.cli.repeated_messages import RepeatedMessages

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance

DROPPED = f"dropped: {MAX_RUNNING} commands were running, and {MAX_WAITING} events waiting"


class ExecWriter(EventWriter):
    """Runs the command of ``--exec`` for each event."""

    def __init__(self, text: str, report: Callable[[str], object], *, is_query: bool) -> None:
        """Check the command.

        Args:
            text: the command.
            report: prints a message.
            is_query: the events are instances, whose values have the names of their properties.

        Raises:
            InvalidParameterError: as ``EventCommand``.
        """
        self._command = EventCommand(text, None if is_query else VALUE_NAMES)
        self._messages = RepeatedMessages(report)
        self._runner = CommandRunner(self._messages)
        self._signals = EndingSignals()

    def __repr__(self) -> str:
        return f"<ExecWriter of {self._command!r}>"

    @property
    def wait_seconds(self) -> float:  # type: ignore[override]  # the class has a value for all its instances
        """Seconds until ``step`` is called although there is no event."""
        return POLL_SECONDS if self._runner.has_waiting else CHECK_SECONDS

    def write(self, event: "HostEvent | Instance") -> None:
        """Run the command for an event, or drop the event if too many wait. An event Lost is only reported."""
        if isinstance(event, HostEvent) and event.event == "Lost":
            predicate = "lost" if event.missed else "lost, or more"
            self._messages.add("event", predicate, event.missed or 1)
            return
        if not self._runner.has_room:
            # commands may have ended since the last call of ``step``
            self._runner.step()
        if not self._runner.has_room:
            self._messages.add("event", DROPPED)
            return
        values = event_values(event) if isinstance(event, HostEvent) else instance_values(event)
        for name in self._command.unknown_names(values):
            self._messages.add("event", f"without a value {{{name}}}")
        self._runner.add(self._command.invocation(values))

    def step(self) -> None:
        """Start commands that wait, and kill those that take too long.

        Raises:
            KeyboardInterrupt, SystemExit: a signal came that ends the watch.
        """
        self._signals.check()
        self._runner.step()

    def __enter__(self) -> Self:
        # without this, a signal would end this process, and its commands would run on without their limit of time
        self._signals.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._runner.finish(self._signals.check)
        finally:
            self._signals.hold()
            self._runner.stop()
            self._messages.finish()
            self._signals.restore()
