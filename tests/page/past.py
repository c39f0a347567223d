"""A history for the usual host of the page's tests: what its logins ran, with failures, root and logouts.

The story is made of minutes since the boot; the host's clock stands at minute 700.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import UNSET, FailedLogon, Login, Process
from logonscope.journal.clock import Reading
from logonscope.journal.history import JournalHistory
from logonscope.journal.keeper import Keeper
from logonscope.journal.policy import Policy
from logonscope.machine import Owner
from logonscope.machine.events import (
    Event,
    EventHead,
    LoggedOut,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from tests.broker.memory import Memory
from tests.example import BTIME, MACHINE, TICKS, process, since
from tests.page import hosts

MINUTE_MS = 60_000
SYSTEM = Owner(str(UNSET), "none")
NAMES = {0: "root", 110: "postgres", 1000: "alice", 1001: "bob", 1002: "carol", 1003: "dave"}
COMMANDS = ("git status", "make -j2", "cc1 -O2 main.c", "grep -r TODO src", "vim notes.txt", "ls -l", "psql shop")


class Visit(NamedTuple):
    """A past login: its LogonId, user, minutes of its start and its end, service, origin, and number of commands."""

    id: int
    uid: int
    start: float
    end: float
    service: str = "sshd"
    origin: str | None = None
    method: str | None = None
    commands: int = 0
    has_root: bool = False


VISITS = (
    Visit(12, 1000, 20, 61, origin="203.0.113.7", method="publickey", commands=60, has_root=True),
    Visit(15, 1001, 95, 104, origin="198.51.100.9", method="publickey", commands=20),
    Visit(21, 1002, 190, 275, origin="192.0.2.80", method="password", commands=80, has_root=True),
    Visit(29, 1000, 330, 420, origin="203.0.113.7", method="publickey", commands=90),
    *(Visit(100 + hour, 1003, 60 * hour + 7, 60 * hour + 9 + hour % 3, "cron", commands=4) for hour in range(12)),
)


class PastStory:
    """Builds the events of a host's past, in any order; ``events`` yields them by time."""

    def __init__(self) -> None:
        self._random = Random(5)  # noqa: S311 -- a test
        self._events: list[tuple[int, int, Event]] = []
        self._pid = 20_000

    def events(self) -> Iterator[tuple[int, Event]]:
        """Yield the events with their ms since the boot."""
        for ms, _, event in sorted(self._events, key=lambda item: item[:2]):
            yield ms, event

    def add(self, minute: float, kind: type, *values: object) -> None:
        """Add an event."""
        ms = int(minute * MINUTE_MS)
        number = len(self._events)
        self._events.append((ms, number, kind(EventHead(ms * 1_000_000, number), *values)))

    def start(self, one: Process, owner: Owner, parent: Process | None = None) -> Process:
        """Add the start of a process."""
        origin = None if parent is None else (parent.pid, parent.start or 0)
        self.add((one.start or 0) / TICKS / 60, ProcessStarted, one, owner, origin)
        return one

    def run(self, visit: Visit, parent: Process, minute: float, command: str, uid: int) -> Process:
        """Add the start of a command in a login."""
        self._pid += 1
        name = command.partition(" ")[0].strip("-:")
        one = process(self._pid, parent.pid, minute, name, command, uid, visit.id, visit.uid)
        return self.start(one, owner_of(visit), parent)

    def visit(self, visit: Visit) -> None:
        """Add a login that has ended."""
        owner = owner_of(visit)
        session = session_of(visit)
        self.add(visit.start, LogonStarted, session, owner)
        leader = self.run(visit, process(700, 1, 0.1, "sshd"), visit.start, f"{visit.service}: session", 0)
        shell = self.run(visit, leader, visit.start + 0.02, "-bash", visit.uid)
        lives = [(leader, visit.end, 0), (shell, visit.end - 0.01, 0)]
        for _ in range(visit.commands):
            begin = self._random.uniform(visit.start + 0.1, visit.end - 0.2)
            last = min(visit.end - 0.05, begin + self._random.expovariate(1 / 1.5))
            command = self._random.choice(COMMANDS)
            status = 256 if self._random.random() < 0.06 else 0
            lives.append((self.run(visit, shell, begin, command, visit.uid), last, status))
        if visit.has_root:
            begin = (visit.start + visit.end) / 2
            sudo = self.run(visit, shell, begin, "sudo -i", 0)
            lives += [
                (sudo, begin + 9, 0),
                (self.run(visit, sudo, begin + 0.01, "apt-get upgrade", 0), begin + 8, 256),
            ]
        for one, minute, status in lives:
            self.add(minute, ProcessEnded, one, owner, status)
        self.add(visit.end, LoggedOut, session, owner)
        self.add(visit.end + 0.01, LogonEnded, session, owner)

    def present(self, host: Snapshot) -> None:
        """Add the starts of what runs now, and bob's logout at 08:58."""
        owners: dict[int, Owner] = {UNSET: SYSTEM}
        # logins without a record: cron's, the one whose record is gone, and a user manager
        for visit in (Visit(63, 0, 660, 0, "cron"), Visit(70, 1003, 450, 0), Visit(42, 1000, 602, 0, "systemd-user")):
            owners[visit.id] = Owner(str(visit.id), "audit")
            self.add(visit.start, LogonStarted, session_of(visit), owners[visit.id])
        for login in host.logins:
            if login.audit is not None:
                visit = Visit(
                    login.audit, login.uid or 0, ((login.since or 0) / 1e6 - BTIME) / 60, 0, login.service or "",
                    login.remote_host, "publickey" if login.audit == 41 else None,
                )  # fmt: skip
                leader = process(login.leader or 0, 700, visit.start, "sshd", f"sshd: {login.user}", 0, login.audit)
                record = login._replace(gone=False, state="active", process=leader) if login.gone else login
                owners[login.audit] = Owner(str(login.audit), "audit", record)
                self.add(visit.start, LogonStarted, session_of(visit), owners[login.audit])
                if login.gone:
                    self.start(leader, owners[login.audit])
                    self.add(538, ProcessEnded, leader, owners[login.audit], 0)
                    self.add(538, LoggedOut, session_of(visit), owners[login.audit])
        by_pid = {one.pid: one for one in host.processes}
        for one in host.processes:
            owner = owners.get(UNSET if one.ses is None else one.ses) or Owner(str(one.ses), "audit")
            self.start(one, owner, by_pid.get(one.ppid or 0))


def owner_of(visit: Visit) -> Owner:
    """Return the owner of a login's processes."""
    login = Login(
        str(visit.id), visit.uid, since=since(visit.start), user=NAMES[visit.uid], audit=visit.id, leader=0,
        service=visit.service, cls="user", remote=visit.origin is not None, remote_host=visit.origin,
    )  # fmt: skip
    return Owner(str(visit.id), "audit", login)


def session_of(visit: Visit) -> LogonSession:
    """Return what is kept of a login."""
    return LogonSession(
        str(visit.id), NAMES[visit.uid], visit.uid, {"cron": 4, "login": 2}.get(visit.service, 10),
        start=datetime.fromtimestamp(BTIME + visit.start * 60, UTC), service=visit.service, remote_host=visit.origin,
        remote_address=visit.origin, authentication_method=visit.method,
    )  # fmt: skip


class PastClock:
    """Both clocks of the host."""

    def __init__(self) -> None:
        self.ms = 1000

    def __call__(self) -> Reading:
        """Return both clocks."""
        return Reading(self.ms, BTIME * 1_000_000 + self.ms * 1000, 0)


def write_history(folder: Path, story: PastStory, through_ms: int = 700 * MINUTE_MS) -> JournalHistory:
    """Write a journal of a story, and return its history."""
    clock = PastClock()
    keeper = Keeper(str(folder), MACHINE, LINUX, Policy(command_lines="full"), account_name=NAMES.get, read_clock=clock)
    for ms, event in story.events():
        # a batch a minute, as the clock map has a row a minute
        if ms > clock.ms + MINUTE_MS:
            keeper.flush()
        clock.ms = max(clock.ms, ms)
        keeper.put(event)
    keeper.flush()
    clock.ms = through_ms
    keeper.flush()
    keeper.stop()
    # the host's clock is not that of this machine
    with sqlite3.connect(folder / "journal.db") as database:
        database.execute("UPDATE journal SET value = ? WHERE key = 'kept_since'", (BTIME * 1_000_000,))
    return JournalHistory(str(folder), "full")


REFUSALS = (
    *(
        (
            200 + number / 60,
            FailedLogon("sshd", 0, name, name == "root", "192.0.2.66", method="password", source="journal"),
        )
        for number, name in enumerate(("root", "oracle", "root", "<i>x</i>") * 10)
    ),
    (
        100,
        FailedLogon(
            "sudo", 0, "root", by_user="bob", reason="3 incorrect password attempts", attempts=3, source="journal"
        ),
    ),
)
"""Failed logins, with the minutes since the boot: 40 in 40 seconds, and 3 later."""


def usual_with_past(folder: Path, refusals: Sequence[tuple[float, FailedLogon]] = ()) -> Memory:
    """Return the usual host with its history."""
    host = hosts.usual()
    story = PastStory()
    story.present(host)
    for visit in VISITS:
        story.visit(visit)
    for minute, attempt in refusals:
        story.add(minute, LogonFailed, attempt, SYSTEM)
    source = Memory(host)
    source.history = write_history(folder / "history", story)
    return source
