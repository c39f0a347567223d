"""Lookup of what is foreign, for one request: uids and logon sessions that do not belong to this host.

The ownership rules decide; this module reads what they need.

For most processes their own facts decide. If they do not, and the logon session has no login record, the first process
of the logon session decides.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from logonscope.facts import Process
from logonscope.machine import LogonContainer, LogonIndex, Owner, ProcessQuery, Selection

if TYPE_CHECKING:
    from logonscope.broker.request import Request

THIS_HOST = LogonContainer()
"""Where a logon session of this host itself began: in no container."""


class ForeignProcesses:
    """What is foreign on the host of a request: see ``access.ForeignLookup``."""

    def __init__(self, request: "Request") -> None:
        self._request = request
        self._containers: dict[str, LogonContainer] = {}  # by LogonId

    def is_foreign_uid(self, process: Process, owner: Owner, uid: int | None) -> bool:
        """Return whether a uid of a process does not belong to this host."""
        if self._request.container(process) is None:
            # pid_namespaces is the number of pid namespaces that the process is in. Most processes are in 1, that of
            # the host: then the uid is not foreign. For a greater or unknown number, the logon session decides.
            return process.pid_namespaces != 1 and self.is_foreign_session(process, owner)
        # in a container the ownership rules decide about each uid; where the logon session began does not matter
        return self._request.ownership.is_foreign_uid(process, uid, self._request.machine)

    def is_foreign_session(self, process: Process, owner: Owner) -> bool:
        """Return whether the logon session of a process is foreign."""
        ownership, machine = self._request.ownership, self._request.machine
        # if the owner was not requested, it is determined here, but only where it can matter
        is_unread = "pid_namespaces" in (process.unread or ())
        if owner.logon_id is None and (is_unread or (process.pid_namespaces or 1) > 1):
            owner = self._index.owner(process)
        if owner.logon_id is None or not ownership.may_be_foreign(process, owner, machine):
            return False
        if owner.logon_id not in self._containers:
            self._containers[owner.logon_id] = self._find_container(owner, self._read_members(process, owner))
        return self._containers[owner.logon_id].is_foreign

    def logon_container(self, owner: Owner, members: Iterable[Process]) -> LogonContainer:
        """Return where a logon session began.

        Args:
            owner: the logon session.
            members: all processes of the logon session; not used if it has a record.
        """
        request, logon_id = self._request, owner.logon_id
        if logon_id is None or request.ownership.has_record(owner):
            return THIS_HOST
        if logon_id not in self._containers:
            self._containers[logon_id] = self._find_container(owner, members)
        return self._containers[logon_id]

    def _find_container(self, owner: Owner, members: Iterable[Process]) -> LogonContainer:
        request, members = self._request, list(members)
        first_process = request.ownership.first_process(members)
        # The process that logged in may have ended: then the first remaining process proves nothing. But a single
        # member that cannot be of a foreign logon session proves that the session is not foreign.
        if first_process is None or not all(
            request.ownership.may_be_foreign(member, owner, request.machine) for member in members
        ):
            return THIS_HOST
        fact = request.ownership.root_fact
        if (
            request.ownership.needs_root_directory(first_process, request.machine)
            and getattr(first_process, fact) is None
        ):
            query = ProcessQuery(frozenset({"start", fact}), pids=frozenset({first_process.pid}))
            reread_process = next(request.source.processes(request.look, query), None)
            if reread_process is not None and reread_process.start == first_process.start:
                first_process = first_process._replace(**{fact: getattr(reread_process, fact)})
        return request.ownership.logon_container(owner, first_process, request.machine)

    def _read_members(self, process: Process, owner: Owner) -> list[Process]:
        """Read all processes of a logon session, including those that the caller may not see."""
        request, index = self._request, self._index
        facts = request.ownership.description_facts | request.ownership.owner_facts
        selection = Selection(logon_ids=frozenset({owner.logon_id or ""}))
        query = ProcessQuery(facts, logon_hint=index.hint(facts, selection, None))
        processes = request.source.processes(request.look, query)
        members = {member.pid: member for member in processes if index.owner(member).logon_id == owner.logon_id}
        # this second reading may miss the process itself, if it ended meanwhile
        members.setdefault(process.pid, process)
        return list(members.values())

    @cached_property
    def _index(self) -> LogonIndex:
        request = self._request
        return request.ownership.index(request.source.logins(request.look), request.machine)
