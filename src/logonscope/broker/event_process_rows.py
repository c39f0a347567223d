"""Rows of the processes in events: what many processes have in common is converted once.

A row depends on few facts, and most of them are equal for the children of one parent. Only the pid, the parent, the
start and the GUID of a process are its own.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from logonscope.answers.session_process import SessionProcess
from logonscope.broker.event_request import EventRequest
from logonscope.broker.session_processes import process_row, row_facts
from logonscope.facts import Process
from logonscope.machine import Owner, start_time
from logonscope.machine.identity import process_guid

MAX_TEMPLATES = 1000
"""Maximum number of templates that are kept from one batch to the next."""


class _Template(NamedTuple):
    """A row that is copied for processes that differ only in pid, parent and start.

    ``owner`` and ``unread`` are the objects whose ``id()`` is part of the key of the template.
    """

    row: SessionProcess
    owner: Owner
    unread: Mapping[str, str] | None


class _CachedRow(NamedTuple):
    """The row of a process, and the objects that it was made from."""

    process: Process
    owner: Owner
    row: SessionProcess


class EventProcessRows:
    """Makes the rows of processes in events; they are equal to those of ``process_row``."""

    def __init__(self, request: EventRequest) -> None:
        self._request = request
        shared_facts = sorted(row_facts(request) - _OWN_FACTS)
        self._shared_facts = itemgetter(*map(Process._fields.index, shared_facts))
        self._templates: dict[tuple[Any, ...], _Template] = {}
        self._rows: dict[int, _CachedRow] = {}  # by the id of the process as an object
        self._starts: dict[int | None, datetime | None] = {}

    def __repr__(self) -> str:
        return f"<EventProcessRows of {len(self._rows)} processes>"

    def begin_batch(self) -> None:
        """Forget the rows of the last batch; keep the templates, unless there are more than MAX_TEMPLATES."""
        self._rows.clear()
        self._starts.clear()
        if len(self._templates) > MAX_TEMPLATES:
            self._templates.clear()

    def row(self, process: Process, owner: Owner) -> SessionProcess:
        """Return the row of a process and its owner."""
        # the events of the start and the end have the same Process object, if nothing changed in between
        cached_row = self._rows.get(id(process))
        if cached_row is not None and cached_row[0] is process and cached_row[1] is owner:
            return cached_row[2]
        unread = process[-1]
        key = (id(owner), id(unread), self._shared_facts(process))
        template = self._templates.get(key)
        if template is None:
            row = process_row(self._request, process, owner)
            # owner and unread are kept with the row: as long as they exist, no other object gets their ids
            self._templates[key] = _Template(row, owner, unread)
        else:
            row = self._fill(template[0], process)
        self._rows[id(process)] = _CachedRow(process, owner, row)
        return row

    def _fill(self, template: SessionProcess, process: Process) -> SessionProcess:
        """Return a copy of a template with the pid, parent, start and GUID of this process."""
        ticks, machine = process.start, self._request.machine
        try:
            start = self._starts[ticks]
        except KeyError:
            start = self._starts[ticks] = start_time(process, machine)
        logon_id, evidence, _, _, name, user, uid, login_uid, _, *rest = template
        return _new(SessionProcess, (
            logon_id, evidence, process[0], process.ppid, name, user, uid, login_uid, start,
            *rest[:_GUID_IN_REST], process_guid(machine, process), *rest[_GUID_IN_REST + 1 :],
        ))  # fmt: skip


_new = tuple.__new__

_OWN_FACTS = frozenset({"ppid", "start"})
"""Facts of the row that few processes have in common. The pid is always read, and is not one of the requested facts."""

_GUID_IN_REST = SessionProcess._fields.index("process_guid") - SessionProcess._fields.index("tty")
"""Index of the GUID in ``rest`` of ``_fill``. The first field in ``rest`` is ``tty``."""
