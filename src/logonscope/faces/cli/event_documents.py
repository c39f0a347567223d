"""Events in the formats of other tools: one JSON object a line."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from logonscope.answers.host_event import HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.session_process import SessionProcess
from logonscope.faces.cli.event_writers import EventWriter
from logonscope.formats.ecs_event import ecs_event
from logonscope.formats.ocsf_event import ocsf_activity
from logonscope.formats.otel_event import otel_export
from logonscope.formats.record import Record, event_record
from logonscope.formats.sysmon_event import sysmon_activity

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance

Document = dict[str, Any]


def _otel(record: Record, event: HostEvent) -> Document:
    return otel_export(record.host, (event,))


EVENT_DOCUMENTS: Mapping[str, Callable[[Record, HostEvent], Document | None]] = {
    "ecs": ecs_event, "ocsf": ocsf_activity, "otel": _otel, "sysmon": sysmon_activity,
}  # fmt: skip
"""The function that makes the document of an event, by format. It returns None if the format has no such event."""


class KnownProcesses:
    """The running processes, kept up to date by events. An event has only the pid of the parent of its process."""

    def __init__(self, read_processes: Callable[[], Iterable[SessionProcess]]) -> None:
        """Read the processes.

        Args:
            read_processes: returns the processes whose events are watched, and no others: a process whose end
                is not watched would never be removed.
        """
        self._read_processes = read_processes
        self._by_pid: dict[int, SessionProcess] = {}
        self._read()

    def __repr__(self) -> str:
        return f"<KnownProcesses: {len(self._by_pid)}>"

    def find(self, pid: int | None) -> SessionProcess | None:
        """Return the process with a pid; None: it is not known."""
        return None if pid is None else self._by_pid.get(pid)

    def note(self, event: HostEvent) -> None:
        """Note what an event changes. Make the document of the event first: it can need the state before the event."""
        process = event.process
        if event.event == "Lost":
            self._read()
        elif event.event in {"ProcessStarted", "ProcessChanged"} and process is not None:
            self._by_pid[process.pid] = process
        elif event.event == "ProcessEnded" and process is not None:
            self._by_pid.pop(process.pid, None)

    def _read(self) -> None:
        self._by_pid = {process.pid: process for process in self._read_processes()}


class DocumentWriter(EventWriter):
    """Prints events as documents of one format."""

    def __init__(self, output: str, host: HostIdentity, read_processes: Callable[[], Iterable[SessionProcess]]) -> None:
        """Prepare the writer.

        Args:
            output: the format, one of EVENT_DOCUMENTS.
            host: the host of the events.
            read_processes: as for KnownProcesses; called when the watch has begun, and after lost events.
        """
        self._make_document, self._host, self._read_processes = EVENT_DOCUMENTS[output], host, read_processes
        self._processes: KnownProcesses | None = None

    def __repr__(self) -> str:
        return f"<DocumentWriter of {self._host.name}>"

    def __enter__(self) -> Self:
        # read after the watch has begun: what changes during the reading is in the events
        self._processes = KnownProcesses(self._read_processes)
        return self

    def write(self, event: "HostEvent | Instance") -> None:
        if not isinstance(event, HostEvent):
            raise TypeError("instances have no such documents")
        processes, process, session = self._processes, event.process, event.session
        parent = processes.find(process.ppid) if processes and process else None
        leader = processes.find(session.leader) if processes and session else None
        print_document(self._make_document(event_record(self._host, event, parent, leader), event))
        if processes is not None:
            processes.note(event)


def print_document(document: Document | None) -> None:
    """Print a document as one line at once; for None, print nothing."""
    if document is not None:
        print(json.dumps(document, ensure_ascii=sys.stdout.isatty()), flush=True)
