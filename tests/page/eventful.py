"""A host in memory that tells what happens to it: each change of its snapshot is published as events, too."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from logonscope.answers.logon_session import LogonSession
from logonscope.broker import Caller, Request
from logonscope.broker.sessions import sessions
from logonscope.facts import FailedLogon, Login, Process, UserChange
from logonscope.machine import Owner, ProcessQuery
from logonscope.machine.events import (
    Event,
    EventHead,
    LoggedOut,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.live.ring import EventRing, RingReader
from tests.broker.memory import Memory
from tests.broker.ringed import nothing
from tests.example import PTS0, process, since

READER = Caller("the test", None, administrator=True)
MAX_EVENTS = 1000


class Eventful(Memory):
    """A host whose changes are events."""

    abilities = frozenset({"act", "events"})

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot)
        self.ring = EventRing(MAX_EVENTS)

    def event_reader(self, since: int | None = None) -> RingReader:
        return self.ring.reader(since, "a test", nothing)

    @property
    def snapshot(self) -> Snapshot:
        """Return the host as it is now."""
        return self._now()

    def start(self, *processes: Process) -> None:
        """Start processes."""
        self.put(processes=(*self.snapshot.processes, *processes))
        owners = self.owners()
        self.publish(*(lambda head, one=one: ProcessStarted(head, one, owners[one.pid], None) for one in processes))

    def change(self, process: Process) -> None:
        """Give a process other values."""
        before, owner = self._process(process.pid), self.owners()[process.pid]
        self.put(processes=tuple(process if one.pid == process.pid else one for one in self.snapshot.processes))
        after = (process, self.owners()[process.pid])
        self.publish(lambda head: ProcessChanged(head, (before, owner), after))

    def end(self, *pids: int) -> None:
        """End processes."""
        ended, owners = [self._process(pid) for pid in pids], self.owners()
        self.put(processes=tuple(one for one in self.snapshot.processes if one.pid not in pids))
        self.publish(*(lambda head, one=one: ProcessEnded(head, one, owners[one.pid], 0) for one in ended))

    def log_in(self, login: Login, *processes: Process) -> None:
        """Let a login begin."""
        self.put(logins=(*self.snapshot.logins, login))
        self.start(*processes)
        session, owner = self._session(processes[0].pid)
        self.publish(lambda head: LogonStarted(head, session, owner))

    def log_in_by_ssh(self, number: int, uid: int, user: str, address: str) -> None:
        """Let a login by ssh begin: the leader has 100 times its number as its pid, and the shell the next one."""
        scope, leader_pid = f"session-{number}.scope", number * 100
        place: dict[str, Any] = {"ses": number, "loginuid": uid, "cgroup": f"/user.slice/user-{uid}.slice/{scope}"}
        leader = process(leader_pid, 700, 690, "sshd", f"sshd: {user} [priv]", **place)
        login = Login(
            id=str(number), uid=uid, leader=leader_pid, audit=number, since=since(690), user=user, cls="user",
            type="tty", service="sshd", remote=True, remote_host=address, scope=scope, state="active",
            source=f"/run/systemd/sessions/{number}", process=leader, gone=False,
        )  # fmt: skip
        shell = process(leader_pid + 1, leader_pid, 690, "bash", "-bash", uid, tty_nr=PTS0 + 9, **place)
        self.log_in(login, leader, shell)

    def log_out(self, login_id: str, leader: int) -> None:
        """End the leader of a login, and leave the others over."""
        session, owner = self._session(leader)
        logins = tuple(one._replace(gone=True) if one.id == login_id else one for one in self.snapshot.logins)
        self.put(logins=logins)
        self.end(leader)
        self.publish(lambda head: LoggedOut(head, session._replace(state="logged out"), owner))

    def end_login(self, login_id: str) -> None:
        """End the last processes of a login."""
        pids = [pid for pid, owner in self.owners().items() if owner.login is not None and owner.login.id == login_id]
        session, owner = self._session(pids[0])
        self.end(*pids)
        self.put(logins=tuple(one for one in self.snapshot.logins if one.id != login_id))
        self.publish(lambda head: LogonEnded(head, session, owner))

    def become(self, pid: int, change: UserChange) -> None:
        """Report that a process became another user."""
        one, owner = self._process(pid), self.owners()[pid]
        self.publish(lambda head: UserChanged(head, one, owner, change))

    def refuse(self, attempt: FailedLogon) -> None:
        """Report that a login was refused."""
        self.publish(lambda head: LogonFailed(head, attempt, Owner(None, "unread")))

    def lose(self) -> None:
        """Lose the events that were not read yet, and those before them; readers learn it with the next event."""
        self.ring.forget(self.ring.number + 1)

    def owners(self) -> Mapping[int, Owner]:
        """Return the owners of all processes, by pid."""
        pairs = self._request().read(ProcessQuery(LINUX.owner_facts)).pairs
        return {process.pid: owner for process, owner in pairs}

    def _request(self) -> Request:
        return Request(self, LINUX, READER)

    def _process(self, pid: int) -> Process:
        return next(one for one in self.snapshot.processes if one.pid == pid)

    def _session(self, pid: int) -> tuple[LogonSession, Owner]:
        owner = self.owners()[pid]
        return sessions(self._request(), owner.logon_id)[0], owner

    def put(self, **parts: Any) -> None:
        """Change the host without an event."""
        self._snapshots = (self.snapshot._replace(**parts),)

    def publish(self, *events: Callable[[EventHead], Event]) -> None:
        """Publish events; each is made of its head."""
        first = self.ring.number + 1
        heads = (EventHead(time.clock_gettime_ns(time.CLOCK_BOOTTIME), first + number) for number in range(len(events)))
        made = [make(head) for make, head in zip(events, heads, strict=False)]
        self.ring.publish(made, self.ring.number + len(made))
