"""``logonscope history --follow``: what happens after the list, in the form of ``logonscope watch``.

The watch begins first. The history is read WRITE_SECONDS later: by then, the service has written to it what happened
before the watch. (If the service cannot write at the time, these events are missing in the output.)

An event that both the history and the watch report is printed once. Logins and processes are recognized by their
permanent names (GUIDs), failed logons and changes of user by their values and their times.
"""

import argparse
import time
from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime
from typing import Any

from logonscope.answers.history import HistoryFilter, PastFailedLogon, PastLogin, PastProcess, PastUserChange
from logonscope.answers.host_event import LOGON_EVENTS, PROCESS_EVENTS, HostEvent
from logonscope.answers.logon_filter import LogonFilter
from logonscope.client import Host
from logonscope.client.watch import Watch
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.event_writers import EventWriter, JsonWriter, LineWriter
from logonscope.faces.cli.watch import write_events
from logonscope.formats.history_events import failed_logon_event

WRITE_SECONDS = 1.5
"""Seconds to wait until the history has what happened before: the service writes to it once a second."""

SAME_SECONDS = 1.0
"""Maximum seconds between the time of a row and the time of the same event in the watch.

The history and the watch compute the two times separately.
"""

SESSION_EVENTS = LOGON_EVENTS - {"LogonFailed"}
"""The events of logon sessions. (A failed logon has no logon session.)"""


def open_watch(host: Host, args: argparse.Namespace, where: HistoryFilter) -> Watch:
    """Open the watch for the events after the list; return it after WRITE_SECONDS.

    Raises:
        InvalidParameterError: the options select what a watch cannot select, or the output format is not for events.
        NotSupportedError: the host has no events.
    """
    if args.until is not None:
        raise InvalidParameterError("--follow has no end", "leave --until out")
    if args.output not in {"table", "jsonl"}:
        raise InvalidParameterError(f"cannot follow the history as {args.output}", "use -o jsonl")
    word = where.word
    if word is not None and word.startswith(("pid:", "name:")):
        raise InvalidParameterError(
            f"cannot follow {word!r}: events are selected by logon session", "give a LogonId or a user"
        )
    names = SESSION_EVENTS
    if args.processes:
        names = SESSION_EVENTS | PROCESS_EVENTS | {"UserChanged"}
    if args.failed:
        names = frozenset({"LogonFailed"}) if args.logons_only else frozenset({"LogonFailed", "ProcessEnded"})
    has_filter = where.origins is not None or where.keys is not None
    logon_filter = LogonFilter(origins=where.origins, keys=where.keys) if has_filter else None
    watch = host.watch(which=None if word is None else word.removeprefix("user:"), where=logon_filter, events=names)
    time.sleep(WRITE_SECONDS)
    return watch


def follow(watch: Watch, args: argparse.Namespace, printed_rows: Iterable[Any]) -> None:
    """Print events until Ctrl-C, without those that the printed rows show."""
    writer: EventWriter = LineWriter() if args.output == "table" else JsonWriter()
    write_events(watch, NewEvents(writer, printed_rows, only_failed=args.failed), None, None)


class NewEvents(EventWriter):
    """Passes events on to another writer, without those that a printed row shows."""

    def __init__(self, writer: EventWriter, printed_rows: Iterable[Any], *, only_failed: bool = False) -> None:
        """Create the writer.

        Args:
            writer: writes the events.
            printed_rows: the rows of the list.
            only_failed: whether to pass on the end of a process only if the process failed.
        """
        self._writer, self._only_failed = writer, only_failed
        self._shown = set[tuple[str | None, str]]()  # GUIDs, each with an event that its row shows
        # failed logons and changes of user have no GUID: the times of their rows, by the values of the rows
        self._times_by_values = dict[Hashable, list[datetime | None]]()
        guids = dict[str | None, str | None]()  # by record; the row of a process comes before the rows of its changes
        for row in printed_rows:
            if isinstance(row, PastFailedLogon):
                self._times_by_values.setdefault(failed_logon_event(row).attempt, []).append(row.time)
            elif isinstance(row, PastUserChange) and row.process_record in guids:
                self._times_by_values.setdefault((guids[row.process_record], row.to_uid), []).append(row.time)
            elif isinstance(row, PastLogin | PastProcess) and row.guid is not None:
                self._shown |= {(row.guid, name) for name in _shown_events(row)}
                guids[row.record] = row.guid

    def write(self, event: Any) -> None:
        if not isinstance(event, HostEvent) or self._is_new(event):
            self._writer.write(event)

    def _is_new(self, event: HostEvent) -> bool:
        if self._only_failed and event.event == "ProcessEnded" and not (event.exit_code or event.signal):
            return False
        if event.event == "LogonFailed":
            return not self._take_row(event.attempt, event.time)
        if event.change is not None:
            return not self._take_row((_guid_of(event), event.change.to_uid), event.time)
        return (_guid_of(event), event.event) not in self._shown

    def _take_row(self, values: Hashable, moment: datetime | None) -> bool:
        """Return whether a row shows an event with these values; remove that row, because it shows only one event."""
        times = self._times_by_values.get(values, [])
        for time_in_list in times:
            if _is_near(time_in_list, moment):
                # several events can have these values: sshd logs each wrong password of a connection alike
                times.remove(time_in_list)
                return True
        return False


def _is_near(first: datetime | None, second: datetime | None) -> bool:
    return first is not None and second is not None and abs((first - second).total_seconds()) <= SAME_SECONDS


def _shown_events(row: PastLogin | PastProcess) -> Iterator[str]:
    """Yield the names of the events that a row shows."""
    if isinstance(row, PastProcess):
        yield "ProcessStarted"
        if row.end is not None:
            yield "ProcessEnded"
        return
    yield "LogonStarted"
    if row.logout is not None:
        yield "LoggedOut"
    if row.end is not None:
        yield "LogonEnded"


def _guid_of(event: HostEvent) -> str | None:
    if event.process is not None:
        return event.process.process_guid
    return None if event.session is None else event.session.guid
