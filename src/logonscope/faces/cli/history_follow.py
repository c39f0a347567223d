"""``logonscope history --follow``: what happens after the list, as lines of ``logonscope watch``.

The watch begins before the history is read, and the history is read after it has written what happened before. What is
in both has the same permanent name, and is printed once.
"""

import argparse
import time
from collections.abc import Iterable
from typing import Any

from logonscope.answers.history import HistoryFilter, PastLogin, PastProcess
from logonscope.answers.host_event import LOGON_EVENTS, PROCESS_EVENTS, HostEvent
from logonscope.answers.logon_filter import LogonFilter
from logonscope.client import Host
from logonscope.client.watch import Watch
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.event_writers import EventWriter, JsonWriter, LineWriter
from logonscope.faces.cli.watch import write_events

WRITE_SECONDS = 1.5
"""Seconds until the history has written what happened: it writes once a second."""

LOGONS = LOGON_EVENTS - {"LogonFailed"}


def open_watch(host: Host, args: argparse.Namespace, where: HistoryFilter) -> Watch:
    """Return the watch of what comes after the list, and wait until the history has what came before.

    Raises:
        InvalidParameterError: the options select what a watch cannot, or the format is none of events.
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
    names = LOGONS
    if args.processes:
        names = LOGONS | PROCESS_EVENTS | {"UserChanged"}
    if args.failed:
        names = frozenset({"LogonFailed"}) if args.logons_only else frozenset({"LogonFailed", "ProcessEnded"})
    has_filter = where.origins is not None or where.keys is not None
    logons = LogonFilter(origins=where.origins, keys=where.keys) if has_filter else None
    watch = host.watch(which=None if word is None else word.removeprefix("user:"), where=logons, events=names)
    time.sleep(WRITE_SECONDS)
    return watch


def follow(watch: Watch, args: argparse.Namespace, listed: Iterable[Any]) -> None:
    """Print events until Ctrl-C, without those that were listed.

    Args:
        watch: the watch.
        args: the command line.
        listed: the rows that were printed.
    """
    writer: EventWriter = LineWriter() if args.output == "table" else JsonWriter()
    write_events(watch, NewEvents(writer, listed, failed_alone=args.failed), None, None)


class NewEvents(EventWriter):
    """Passes on the events that no row of a list shows."""

    def __init__(self, writer: EventWriter, listed: Iterable[Any], *, failed_alone: bool = False) -> None:
        """Create it.

        Args:
            writer: writes the events.
            listed: the rows that were printed.
            failed_alone: of ended processes, only those that failed.
        """
        self._writer, self._failed_alone = writer, failed_alone
        self._started = dict[str | None, bool]()  # by permanent name: whether the row shows the end, too
        for row in listed:
            if isinstance(row, PastLogin | PastProcess) and row.guid is not None:
                self._started[row.guid] = row.end is not None

    def write(self, event: Any) -> None:
        if not isinstance(event, HostEvent) or self._is_new(event):
            self._writer.write(event)

    def _is_new(self, event: HostEvent) -> bool:
        if self._failed_alone and event.event == "ProcessEnded" and not (event.exit_code or event.signal):
            return False
        if event.event in {"LogonStarted", "ProcessStarted"}:
            return _guid_of(event) not in self._started
        if event.event in {"LogonEnded", "ProcessEnded"}:
            return not self._started.get(_guid_of(event), False)
        return True


def _guid_of(event: HostEvent) -> str | None:
    if event.process is not None:
        return event.process.process_guid
    return None if event.session is None else event.session.guid
