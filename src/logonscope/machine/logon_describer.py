"""Descriptions of logon sessions with details: the address of the client, and the authentication."""

from collections.abc import Iterable, Sequence

from logonscope.answers.logon_session import LogonSession
from logonscope.errors import LogonscopeError
from logonscope.facts import Machine, Process
from logonscope.machine.look import Look
from logonscope.machine.ownership import Owner, Ownership
from logonscope.machine.queries import AuthenticationQuery
from logonscope.machine.source import NO_PARTS, Source


class LogonDescriber:
    """Describes logon sessions with their details."""

    def __init__(self, source: Source, ownership: Ownership) -> None:
        self._source, self._ownership = source, ownership

    def __repr__(self) -> str:
        return f"<LogonDescriber of {self._source.label}>"

    def describe(self, owner: Owner, members: Sequence[Process]) -> LogonSession:
        """Return a logon session, described from its processes."""
        look = Look()
        uid = self._ownership.login_uid(owner, members)
        machine = self._source.machine(look, NO_PARTS)
        is_foreign = may_be_foreign_session(self._ownership, owner, members, machine)
        account = None if uid is None or is_foreign else self._source.account(look, uid)
        session = self._ownership.describe(owner, members, machine, account and account.name)
        return self.add_details(session, owner, members)

    def add_details(self, session: LogonSession, owner: Owner, members: Sequence[Process] = ()) -> LogonSession:
        """Return a logon session with the address of its client and its authentication, if they can be read."""
        leader = self._ownership.network_leader(owner, members)
        if leader is None:
            return session
        look = Look()
        try:
            pids = frozenset({leader.pid}) if leader.start is not None else frozenset[int]()
            held_by_pid = self._source.held_sockets(look, pids)
            session = self._ownership.with_origin(session, leader, held_by_pid.get(leader.pid))
            query = AuthenticationQuery(leader.pid, leader.parent, leader.start)
            lines = self._source.authentications(look, [query])
            return self._ownership.with_authentication(session, leader, lines)
        except (LogonscopeError, OSError):
            # details that could not be read are left out; an address that was read before the error is returned
            return session

    def may_be_foreign(self, owner: Owner, members: Iterable[Process]) -> bool:
        """Return whether a logon session may be foreign: neither its record nor a known process proves the opposite."""
        if self._ownership.has_record(owner):
            return False
        machine = self._source.machine(Look())
        # one process in the namespaces of the host proves that the logon session belongs to the host
        return all(self._ownership.may_be_foreign(member, owner, machine) for member in members)


def may_be_foreign_session(ownership: Ownership, owner: Owner, members: Sequence[Process], machine: Machine) -> bool:
    """Return whether all known processes may be foreign: then no account name of this host belongs to the login uid.

    False if no process is known: a login of this host keeps its account name when its processes have ended.
    """
    return bool(members) and all(ownership.may_be_foreign(member, owner, machine) for member in members)
