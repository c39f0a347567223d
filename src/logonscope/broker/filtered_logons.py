"""Questions about the logon sessions that a LogonFilter wants.

First the logon sessions are described, which takes a few small files of the processes that can belong to them; then the
processes of those that fit are read whole.
"""

from collections.abc import Iterator

from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import Leftovers, LogonTree, SessionProcess, leftovers_among
from logonscope.broker import session_processes
from logonscope.broker import sessions as unfiltered
from logonscope.broker.request import OwnedFilter, Request
from logonscope.broker.session_selector import Which
from logonscope.facts import Process
from logonscope.machine import OWNER, Owner, ProcessQuery, Selection, moment


def sessions(request: Request, which: Which, where: LogonFilter) -> list[LogonSession]:
    """Return the logon sessions that fit."""
    if which is None and where.users is not None:
        which = _of_users(where.users)
    query = ProcessQuery(request.ownership.describing)
    early = OwnedFilter(frozenset({OWNER}), _OwnerFilter(where, request.ownership.system).keeps)
    owned = request.read(query, which, order="processes first", early=early, strays=False)
    return [session for session, _ in unfiltered.described(request, owned.pairs) if where.fits(session)]


def tree(request: Request, which: Which, where: LogonFilter) -> list[LogonTree]:
    """Return the logon sessions that fit, with their processes."""
    selection = _selection(request, which, where)
    return [] if selection.is_empty else unfiltered.tree(request, selection)


def processes(request: Request, which: Which, where: LogonFilter) -> Iterator[SessionProcess]:
    """Yield the processes of the logon sessions that fit."""
    selection = _selection(request, which, where)
    return iter(()) if selection.is_empty else session_processes.processes(request, selection)


def leftovers(request: Request, which: Which, where: LogonFilter) -> Leftovers:
    """Return the leftovers of the logon sessions that fit."""
    return leftovers_among(processes(request, which, where))


def _selection(request: Request, which: Which, where: LogonFilter) -> Selection:
    return Selection(logon_ids=frozenset(session.logon_id for session in sessions(request, which, where)))


def _of_users(users: frozenset[str]) -> Selection | None:
    """Return the selection of logon sessions of these users: all names, or all uids; None where there are both."""
    uids = frozenset(int(user) for user in users if user.isascii() and user.isdecimal())
    if not uids:
        return Selection(login_users=users)
    return Selection(login_uids=uids) if len(uids) == len(users) else None


class _OwnerFilter:
    """A filter on processes by the login record of their owner alone; it may keep what does not fit, never less."""

    def __init__(self, where: LogonFilter, system: Owner) -> None:
        self._where, self._system = where, system

    def keeps(self, process: Process, owner: Owner) -> bool:
        """Return whether the logon session of a process may fit."""
        del process
        where, login = self._where, owner.login
        # the record's own words alone: what is derived from processes is not known before they are read
        if owner.logon == self._system.logon:
            return where.system
        if login is None:
            return True
        if login.remote_host is not None and not where.may_come_from(login.remote_host):
            return False
        start = moment(login.since / 1e6) if login.since else None
        return start is None or where.may_begin_at(start)
