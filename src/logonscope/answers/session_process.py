"""Processes in their logon sessions: the pair that Win32_SessionProcess names, alone, and as a tree."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.display import abridged, fields_of, row_table, value_table

_COLUMNS = ("logon_id", "evidence", "pid", "name", "user", "tty", "start", "leftover", "command_line")
"""The fields of a process in a table of processes."""


class SessionProcess(NamedTuple):
    """A process in its logon session: the pair that Win32_SessionProcess names, with what a person asks next."""

    logon_id: str | None
    evidence: str
    pid: int
    ppid: int | None
    name: str | None
    user: str | None  # whom it runs as: the effective uid's account
    uid: int | None
    login_uid: int | None
    start: datetime | None
    tty: str | None
    state: str | None
    leftover: bool | None
    command_line: str | None
    executable: str | None
    unread: Mapping[str, str]  # why a value is None although it was asked for: fact -> reason
    process_guid: str | None = None  # the same in every answer about it, and never given to another
    logon_guid: str | None = None  # of its logon session
    join_evidence: str | None = None  # of its logon session: record, leader, scope, remembered

    def __hash__(self) -> int:
        return hash((self.pid, self.start, self.logon_id))  # ``unread`` has no hash: see LogonSession

    def __repr__(self) -> str:
        # The command line stays out: it is long, can contain passwords, and a repr ends up in logs.
        return abridged(self, ("pid", "name", "user", "logon_id", "evidence"))

    def _repr_html_(self) -> str:
        return value_table(f"process {self.pid}", ("field", "value"), fields_of(self, besides="unread"))


class Leftovers(NamedTuple):
    """Processes of logins that are logged out, and of how many logon sessions it is known whether they left any."""

    processes: tuple[SessionProcess, ...]
    known: int  # logon sessions
    unknown: int  # logon sessions

    def __repr__(self) -> str:
        return f"Leftovers(processes=<{len(self.processes)}>, known={self.known}, unknown={self.unknown})"

    def _repr_html_(self) -> str:
        caption = f"{len(self.processes)} leftovers; known of {self.known} logon sessions, unknown of {self.unknown}"
        return row_table(caption, self.processes, _COLUMNS)


def leftovers_among(rows: Iterable[SessionProcess]) -> Leftovers:
    """Return the leftovers among processes."""
    found: list[SessionProcess] = []
    known, unknown = set[str](), set[str]()
    for row in rows:
        if row.logon_id and row.login_uid is not None:
            (unknown if row.leftover is None else known).add(row.logon_id)
        if row.leftover:
            found.append(row)
    return Leftovers(tuple(found), len(known), len(unknown))


class SessionOf(NamedTuple):
    """The logon session of a process, and the rule that says so: scope, audit, manager or none."""

    session: LogonSession
    evidence: str


class LogonTree(NamedTuple):
    """A logon session with its processes, all of one reading; ``session`` None where the caller may not see it."""

    session: LogonSession | None
    processes: tuple[SessionProcess, ...]

    def __repr__(self) -> str:
        return f"LogonTree(session={self.session!r}, processes=<{len(self.processes)}>)"

    def _repr_html_(self) -> str:
        session = self.session
        name = "hidden logon sessions" if session is None else f"logon session {session.logon_id}"
        who = f" of {session.user}" if session and session.user else ""
        return row_table(f"{name}{who}: {len(self.processes)} processes", self.processes, _COLUMNS)
