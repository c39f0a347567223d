"""Processes in their logon sessions: the pairs of Win32_SessionProcess as rows, leftovers and trees."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.display import field_values, row_table, short_row_repr, value_table

_COLUMNS = ("logon_id", "evidence", "pid", "name", "user", "tty", "start", "leftover", "command_line")
"""The fields of a process in a table of processes."""

SWITCHERS = frozenset({"sudo", "sudo-rs", "su", "su-rs", "runuser", "doas", "pkexec", "run0", "calife", "super"})
"""Kernel names of programs that run commands as another user.

While the command runs, the program itself runs as root, except run0.
"""


class SessionProcess(NamedTuple):
    """A process in its logon session: a pair of Win32_SessionProcess, with the values that people need most.

    Attributes:
        logon_id: the LogonId of its logon session; None: hidden from the caller, or not readable (see ``evidence``).
        evidence: the rule that determined the logon session: scope, audit, manager, none; or hidden, unread, reported.
        user: the account of the effective uid, as which it runs.
        uid: the effective uid.
        login_uid: the uid that logged in.
        leftover: whether its logon session is logged out; None: unknown.
        unread: the reasons why requested facts are None, by the name of the fact.
        process_guid: its permanent, unique name.
        logon_guid: the GUID of its logon session.
        join_evidence: as in its LogonSession: record, leader, scope, remembered.
        container_id: the container in which it runs.
        container_runtime: the engine of that container: docker, podman, containerd, cri-o, kubernetes, lxc, nspawn.
        pod_uid: the Kubernetes pod of that container.
    """

    logon_id: str | None
    evidence: str
    pid: int
    ppid: int | None
    name: str | None
    user: str | None
    uid: int | None
    login_uid: int | None
    start: datetime | None
    tty: str | None
    state: str | None
    leftover: bool | None
    command_line: str | None
    executable: str | None
    unread: Mapping[str, str]
    process_guid: str | None = None
    logon_guid: str | None = None
    join_evidence: str | None = None
    container_id: str | None = None
    container_runtime: str | None = None
    pod_uid: str | None = None

    def __hash__(self) -> int:
        return hash((self.pid, self.start, self.logon_id))  # ``unread`` has no hash: see LogonSession

    def __repr__(self) -> str:
        # Without the command line: it is long, can contain passwords, and a repr is often written to logs.
        return short_row_repr(self, ("pid", "name", "user", "logon_id", "evidence"))

    def _repr_html_(self) -> str:
        return value_table(f"process {self.pid}", ("field", "value"), field_values(self, excluded_name="unread"))


class Leftovers(NamedTuple):
    """The leftovers, and for how many logon sessions it is known whether they are logged out.

    Attributes:
        processes: the leftovers.
        known: the number of logon sessions for which it is known whether they are logged out.
        unknown: the number of logon sessions for which it is not known. The System session is in neither number.
    """

    processes: tuple[SessionProcess, ...]
    known: int
    unknown: int

    def __repr__(self) -> str:
        return f"Leftovers(processes=<{len(self.processes)}>, known={self.known}, unknown={self.unknown})"

    def _repr_html_(self) -> str:
        caption = f"{len(self.processes)} leftovers; known of {self.known} logon sessions, unknown of {self.unknown}"
        return row_table(caption, self.processes, _COLUMNS)


def collect_leftovers(rows: Iterable[SessionProcess]) -> Leftovers:
    """Return the leftovers among processes, and for how many logon sessions it is known whether they are logged out."""
    leftover_rows: list[SessionProcess] = []
    known_sessions, unknown_sessions = set[str](), set[str]()
    for row in rows:
        # the System session, which has no login uid, never logs out
        if row.logon_id and row.login_uid is not None:
            (unknown_sessions if row.leftover is None else known_sessions).add(row.logon_id)
        if row.leftover:
            leftover_rows.append(row)
    return Leftovers(tuple(leftover_rows), len(known_sessions), len(unknown_sessions))


class SessionOf(NamedTuple):
    """The logon session of a process, and the rule that determined it: scope, audit, manager, none; or reported."""

    session: LogonSession
    evidence: str


class LogonTree(NamedTuple):
    """A logon session with its processes; ``session`` is None for processes of hidden or unknown logon sessions."""

    session: LogonSession | None
    processes: tuple[SessionProcess, ...]

    def __repr__(self) -> str:
        return f"LogonTree(session={self.session!r}, processes=<{len(self.processes)}>)"

    def _repr_html_(self) -> str:
        session = self.session
        name = "hidden or unknown logon sessions" if session is None else f"logon session {session.logon_id}"
        user = f" of {session.user}" if session and session.user else ""
        return row_table(f"{name}{user}: {len(self.processes)} processes", self.processes, _COLUMNS)
