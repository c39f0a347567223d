"""Operations on logon sessions that match a LogonFilter.

First the logon sessions are described: a few small files are read of each process that may belong to them. Then
operations on processes read all facts of their rows, but only of processes of the matching logon sessions.
"""

import re
from collections.abc import Iterator

from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import IPV4_FORM, NO_DETAILS, Details, LogonSession
from logonscope.answers.session_process import Leftovers, LogonTree, SessionProcess, collect_leftovers
from logonscope.broker import session_processes
from logonscope.broker import sessions as unfiltered
from logonscope.broker.logon_of_process import description_facts
from logonscope.broker.request import ProcessOwnerFilter, Request
from logonscope.broker.session_selector import Which, numbers_among
from logonscope.facts import Process
from logonscope.machine import OWNER_FACT, Owner, ProcessQuery, Selection, datetime_of_microseconds


def sessions(request: Request, which: Which, where: LogonFilter, details: Details = NO_DETAILS) -> list[LogonSession]:
    """Return the matching logon sessions, with ``details`` and the details that the filter tests."""
    if where.users is not None:
        names = request.accounts.login_names(where.users)
        which = which or _select_users(where.users, names)
        where = where._replace(users=where.users | names)
    query = ProcessQuery(description_facts(request, details))
    process_filter = ProcessOwnerFilter(
        frozenset({OWNER_FACT}), _OwnerFilter(where, request.ownership.system_owner).keeps
    )
    read_result = request.read(
        query,
        which,
        read_order="processes first",
        process_filter=process_filter,
        include_own_in_sessions_of_others=False,
    )
    described = unfiltered.describe_sessions(
        request, read_result.pairs, details | where.details, read_missing_origins=True
    )
    return where.matching([session for session, _ in described])


def tree(request: Request, which: Which, where: LogonFilter) -> list[LogonTree]:
    """Return the matching logon sessions, with their processes."""
    selection = _select_matching(request, which, where)
    return [] if selection.is_empty else unfiltered.tree(request, selection)


def processes(request: Request, which: Which, where: LogonFilter) -> Iterator[SessionProcess]:
    """Yield the processes of the matching logon sessions."""
    selection = _select_matching(request, which, where)
    return iter(()) if selection.is_empty else session_processes.processes(request, selection)


def leftovers(request: Request, which: Which, where: LogonFilter) -> Leftovers:
    """Return the leftovers of the matching logon sessions."""
    return collect_leftovers(processes(request, which, where))


def _select_matching(request: Request, which: Which, where: LogonFilter) -> Selection:
    return Selection(logon_ids=frozenset(session.logon_id for session in sessions(request, which, where)))


def _select_users(users: frozenset[str], names: frozenset[str]) -> Selection | None:
    """Return the selection of these users' logon sessions, by names or by uids; None if ``users`` has names and uids.

    A selection would combine names and uids by AND. So in this case, only the filter decides.

    Args:
        users: account names, and uids in digits.
        names: the names that logins of the accounts named in ``users`` can have.
    """
    uids = numbers_among(users)
    if not uids:
        return Selection(login_users=users | names)
    # digits are a uid only if no account has them as its name
    return Selection(login_uids=uids) if len(uids) == len(users) and not names else None


class _OwnerFilter:
    """A filter on processes that tests only the owner's login record. It may keep too much, but never too little."""

    def __init__(self, logon_filter: LogonFilter, system: Owner) -> None:
        self._logon_filter, self._system = logon_filter, system

    def keeps(self, process: Process, owner: Owner) -> bool:
        """Return whether the logon session of a process may match."""
        del process
        logon_filter, login = self._logon_filter, owner.login
        # Only values of the record are compared. State, LogonType and user can come from the processes, which are not
        # read yet.
        if owner.logon_id == self._system.logon_id:
            return logon_filter.system
        if login is None:
            return True
        # Only an IPv4 address decides here. For a host name, the filter also tests the address, which is read from a
        # socket later; and one IPv6 address can be written in several forms.
        is_ipv4 = login.remote_host is not None and re.fullmatch(IPV4_FORM, login.remote_host) is not None
        if is_ipv4 and not logon_filter.may_come_from(login.remote_host):
            return False
        start = datetime_of_microseconds(login.since) if login.since else None
        return start is None or logon_filter.may_begin_at(start)
