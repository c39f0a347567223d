"""Result type of ``whose``: the login that a process comes from."""

from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.display import short_row_repr, value_table
from logonscope.facts import UNIX, Socket

__all__ = ["UNIX", "Socket", "UnseenLogin", "Whose"]


class UnseenLogin(NamedTuple):
    """A sign that a user may have logged in without the kernel's knowledge."""

    kind: str  # daemon, unit, user change, orphan, outside
    pid: int  # the process that shows it
    name: str | None  # of that process; of a unit, its name


class Whose(NamedTuple):
    """The result of ``whose`` for one target and one process."""

    target: str  # as the caller wrote it
    pid: int
    logon_id: str
    evidence: str  # scope, audit, manager, none
    session: LogonSession
    process: SessionProcess
    chain: tuple[SessionProcess, ...]  # from the login to the process, itself included
    sockets: tuple[Socket, ...]  # those at the port or the path, if the target was a port or a unix socket
    unseen_logins: tuple[UnseenLogin, ...] | None = None  # None: the host does not report them
    is_own: bool = False  # it runs as the caller, who may not see its logon session: the System session

    def __repr__(self) -> str:
        return short_row_repr(self, ("target", "pid", "logon_id", "evidence", "session"))

    def _repr_html_(self) -> str:
        chain = " > ".join(f"{process.name} {process.pid}" for process in self.chain)
        ports = "; ".join(f"{socket.protocol} {socket.local_end} {socket.state}" for socket in self.sockets)
        session = self.session
        rows = [
            ("process", f"{self.process.name} {self.pid}"), ("logon session", self.logon_id),
            ("evidence", self.evidence), ("user", session.user), ("logon type", session.logon_type_name),
            ("from", session.remote_host), ("since", session.start), ("state", session.state), ("parents", chain),
            ("sockets", ports),
        ]  # fmt: skip
        return value_table(f"whose {self.target}", (), [row for row in rows if row[1]])
