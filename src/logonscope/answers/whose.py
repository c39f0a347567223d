"""Result type of ``whose``: the login that a process comes from."""

from datetime import datetime
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.display import short_row_repr, value_table
from logonscope.facts import UNIX, Socket

__all__ = ["UNIX", "OuterLogin", "Socket", "UnseenLogin", "Whose"]


class UnseenLogin(NamedTuple):
    """A sign that a user may have logged in without the kernel's knowledge.

    Attributes:
        kind: "daemon": a parent is a program that can log users in; "unit": the process is in the unit of such a
            program, and this program is none of its parents; "user change": root became a person without su or sudo;
            "orphan": the process runs as a person, its parents have ended, and it is in no service; "outside": the
            process that started it cannot be seen, because that process is in another pid namespace or logon session,
            or is hidden from the caller.
        pid: the process that shows the sign.
        name: the name of the process ``pid``, or of the unit.
    """

    kind: str
    pid: int
    name: str | None


class OuterLogin(NamedTuple):
    """A logon session in which another login began, for example by ``sudo login``, or by an sshd started in it.

    Attributes:
        logon_id: that logon session.
        user: the account that logged in to it; None: unknown, or not an account of this host.
        uid: the uid that logged in to it.
        pid: the process of that logon session that started the login.
        name: the name of that process.
    """

    logon_id: str
    user: str | None
    uid: int | None
    pid: int
    name: str | None


class Whose(NamedTuple):
    """The result of ``whose`` for one target and one process.

    Attributes:
        target: the target of the call as it was written, but with the number of a port: ":22" for ":ssh".
        evidence: the rule that determined the logon session: scope, audit, manager, none; or reported (Windows).
        chain: the parents, from the login to the process, and the process itself.
        sockets: the sockets of the process at the port or path, if the target was a port or a unix socket.
        unseen_logins: signs of a login without the kernel's knowledge; None: the host does not report them.
        is_own: whether the caller may see this answer only because the process runs as the caller: the process is in
            the System session, which is hidden from the caller.
        service: the service of a process in the System session: "nginx.service".
        service_start: when that service was started.
        outer_logins: the logon sessions that this login began in, the nearest first, as far as the caller may see them.
    """

    target: str
    pid: int
    logon_id: str
    evidence: str
    session: LogonSession
    process: SessionProcess
    chain: tuple[SessionProcess, ...]
    sockets: tuple[Socket, ...]
    unseen_logins: tuple[UnseenLogin, ...] | None = None
    is_own: bool = False
    service: str | None = None
    service_start: datetime | None = None
    outer_logins: tuple[OuterLogin, ...] = ()

    def __repr__(self) -> str:
        return short_row_repr(self, ("target", "pid", "logon_id", "evidence", "session"))

    def _repr_html_(self) -> str:
        chain = " > ".join(f"{process.name} {process.pid}" for process in self.chain)
        sockets = "; ".join(f"{socket.protocol} {socket.local_end} {socket.state}" for socket in self.sockets)
        session = self.session
        rows = [
            ("process", f"{self.process.name} {self.pid}"), ("logon session", self.logon_id),
            ("evidence", self.evidence), ("user", session.user), ("logon type", session.logon_type_name),
            ("from", session.remote_host), ("service", self.service), ("since", self.service_start or session.start),
            ("state", session.state), ("parents", chain),
            ("sockets", sockets),
        ]  # fmt: skip
        return value_table(f"whose {self.target}", (), [row for row in rows if row[1]])
