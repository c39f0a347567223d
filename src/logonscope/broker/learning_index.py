"""Index of login records that learns: if a process names a login that the index lacks, the login's record is read."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from logonscope.broker.session_selector import SessionFilter
from logonscope.facts import Login, Process
from logonscope.machine import (
    NO_FACTS,
    LogonIndex,
    MembershipGroup,
    Owner,
    ProcessQuery,
    Selection,
    process_of_membership,
)

if TYPE_CHECKING:
    from logonscope.broker.request import ProcessOwnerFilter, ProcessWithOwner, Request

MAX_DECIDED = 4096
"""Maximum number of memberships whose LogonIds are kept during one reading."""

LogonGroup = tuple[str, Sequence[int]]
"""A LogonId, and pids of the logon session: not always all of them."""

_PROCESS_WITHOUT_FACTS = Process(0)
"""The process that a filter gets before access is checked."""


class LearningIndex:
    """An index of login records that reads a missing record when a process names its login."""

    def __init__(self, request: "Request", logins: Sequence[Login]) -> None:
        self._request = request
        self._logins = logins
        self._requested_ids: set[str] = set()
        self.index = request.ownership.index(logins, request.machine)

    def owner(self, process: Process) -> Owner:
        """Return the owner of a process."""
        owner = self.index.owner(process)
        return self._owner_by_new_login(process, owner) if owner.login is None else owner

    def pairs(self, processes: Iterable[Process]) -> "Iterator[ProcessWithOwner]":
        """Yield each process with its owner."""
        find_owner = self.index.owner
        for process in processes:
            owner = find_owner(process)
            if owner.login is None:
                # a new login replaces the index, and with it the method that is called for each process
                owner, find_owner = self._owner_by_new_login(process, owner), self.index.owner
            yield process, owner

    def logon_groups(self, selection: Selection) -> Iterator[LogonGroup]:
        """Return the groups of the logon sessions in ``selection.logon_ids``; if that is None, of all logon sessions.

        A logon session can have several groups.
        """
        request = self._request
        query = ProcessQuery(request.ownership.owner_facts, logon_hint=self.index.hint(NO_FACTS, selection, None))
        groups = self._decide_groups(request.source.membership_groups(request.look, query))
        logon_ids = selection.logon_ids
        return groups if logon_ids is None else (group for group in groups if group[0] in logon_ids)

    def _decide_groups(self, membership_groups: Iterable[MembershipGroup]) -> Iterator[LogonGroup]:
        """Yield the LogonId and the pids of each membership group whose logon session is known."""
        index, find_logon_id = self.index, self.index.logon_id_of_kernel_id
        decided: dict[tuple[int | None, str | None], str] = {}  # by the membership without its pid
        for kernel_id, location, pids in membership_groups:
            logon_id = find_logon_id(kernel_id)
            if logon_id is None:
                logon_id = decided.get((kernel_id, location))
                if logon_id is None:
                    logon_id = self.owner(process_of_membership((pids[0], kernel_id, location))).logon_id
                    if logon_id is None:
                        continue
                    # a new login replaces the index, and can change what the old index decided
                    if self.index is not index or len(decided) >= MAX_DECIDED:
                        index, find_logon_id = self.index, self.index.logon_id_of_kernel_id
                        decided.clear()
                    decided[kernel_id, location] = logon_id
            yield logon_id, pids

    def _owner_by_new_login(self, process: Process, owner: Owner) -> Owner:
        """Return the owner of a process, after reading the record of its login if the index lacks it.

        Each login is read only once. ``owner`` is the owner by the present index.
        """
        login_id = self.index.missing_login_id(process, owner)
        if login_id is None or login_id in self._requested_ids:
            return owner
        self._requested_ids.add(login_id)
        new_logins = self._request.source.logins(self._request.look, frozenset({login_id}))
        if not new_logins:
            return owner
        self._logins = [*(login for login in self._logins if login.id != login_id), *new_logins]
        self.index = self._request.ownership.index(self._logins, self._request.machine)
        return self.index.owner(process)


class PossibleMembers:
    """A filter that keeps the processes that match now, and those that may match when more login records are read.

    It is called before access is checked. So the ``process_filter`` gets the owner and a process without facts.
    """

    def __init__(
        self, session_filter: SessionFilter | None, process_filter: "ProcessOwnerFilter | None", index: LogonIndex
    ) -> None:
        self._session_filter, self._process_filter, self._index = session_filter, process_filter, index

    def keeps(self, process: Process) -> bool:
        """Return whether to keep a process."""
        owner = self._index.owner(process)
        # the login record of the process is not read yet, so neither its owner nor its user is certain
        if self._index.missing_login_id(process, owner) is not None:
            return True
        if self._process_filter is not None and not self._process_filter.keeps(_PROCESS_WITHOUT_FACTS, owner):
            return False
        return self._session_filter is None or self._session_filter.keeps(process, owner)
