"""Result type of ``whose``: the login that a process comes from."""

from datetime import datetime
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.display import short_row_repr, value_table
from logonscope.facts import Socket

__all__ = ["Socket", "Whose"]


class Whose(NamedTuple):
    """The result of ``whose`` for one target and one process."""

    target: str  # as the caller wrote it
    pid: int
    logon_id: str
    evidence: str  # scope, audit, manager, none
    session: LogonSession
    process: SessionProcess
    chain: tuple[SessionProcess, ...]  # from the login to the process, itself included
    sockets: tuple[Socket, ...]  # those at the port, if the target was a port
    service: str | None = None  # of a process in the System session: "nginx.service"
    service_start: datetime | None = None  # when the service was started

    def __repr__(self) -> str:
        return short_row_repr(self, ("target", "pid", "logon_id", "evidence", "session"))

    def _repr_html_(self) -> str:
        chain = " > ".join(f"{process.name} {process.pid}" for process in self.chain)
        ports = "; ".join(f"{socket.protocol} {socket.address}:{socket.port} {socket.state}" for socket in self.sockets)
        session = self.session
        rows = [
            ("process", f"{self.process.name} {self.pid}"), ("logon session", self.logon_id),
            ("evidence", self.evidence), ("user", session.user), ("logon type", session.logon_type_name),
            ("from", session.remote_host), ("service", self.service), ("since", self.service_start or session.start),
            ("state", session.state), ("parents", chain),
            ("sockets", ports),
        ]  # fmt: skip
        return value_table(f"whose {self.target}", (), [row for row in rows if row[1]])
