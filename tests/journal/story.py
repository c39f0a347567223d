"""What happened on a machine that never was: random events with the truth about every moment beside them.

The machine boots at BOOT and its clock never steps, unless a test says so. The truth is kept by the story itself, as
intervals; nothing of the journal is used for it.
"""

import heapq
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import UNSET, FailedLogon, Login, Machine, Process, UserChange
from logonscope.journal.clock import Reading
from logonscope.machine import Owner
from logonscope.machine.events import (
    Event,
    EventHead,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)

BOOT = 1_700_000_000
MACHINE = Machine("web1", boot_id="boot-1", btime=BOOT, ticks=100, machine_id="machine-1")
SYSTEM = Owner(str(UNSET), "none")


class Life(NamedTuple):
    """A process from its start to its end, in ms since the boot; end None: it runs."""

    pid: int
    ticks: int
    logon_id: str
    end: int | None


class StoryClock:
    """Both clocks of the story."""

    def __init__(self) -> None:
        self.ms = 1000
        self.set_by = 0  # microseconds by which a user set the clock

    def __call__(self) -> Reading:
        """Return both clocks."""
        return Reading(self.ms, BOOT * 1_000_000 + self.ms * 1000 + self.set_by, 0)


def owner_of(number: int) -> Owner:
    """Return the owner of a login with a kernel id; 0: the System session."""
    if not number:
        return SYSTEM
    login = Login(str(number), 1000 + number % 7, leader=number, user=f"user{1000 + number % 7}", audit=number)
    return Owner(str(number), "audit", login)


class Story:
    """Random events: ``events`` yields them in their order, and ``lives`` grows with them."""

    def __init__(self, seed: int = 1, logins: int = 12) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- a test
        self._owners = [owner_of(number) for number in range(logins + 1)]
        self.lives: list[Life] = []
        self.ms = 2000
        self._pid = 300
        self._number = 0
        self._ends: list[tuple[int, int, Any]] = []  # due, number of the life, its process and owner
        self._busy: set[int] = set()

    def head(self, ms: int) -> EventHead:
        """Return the head of an event."""
        self._number += 1
        return EventHead(ms * 1_000_000, self._number, self._number)

    def restart_numbers(self) -> None:
        """Begin to count events anew, as a new process does."""
        self._number = 0

    def start_logons(self) -> Iterator[Event]:
        """Yield the starts of all logins."""
        for owner in self._owners[1:]:
            assert owner.login is not None
            session = LogonSession(
                owner.logon_id or "", owner.login.user, owner.login.uid, 10, service="sshd", remote_address="192.0.2.7",
                remote_host="192.0.2.7", key_fingerprint=f"SHA256:key{owner.login.uid}",
            )  # fmt: skip
            yield LogonStarted(self.head(self.ms), session, owner)

    def end_logon(self, number: int) -> Event:
        """Return the end of a login."""
        owner = self._owners[number]
        return LogonEnded(self.head(self.ms), LogonSession(owner.logon_id or ""), owner)

    def events(self, count: int, step_ms: float = 40.0) -> Iterator[Event]:
        """Yield the events of so many new processes; many end soon, some run for ever."""
        for _ in range(count):
            self.ms += int(self._random.expovariate(1 / step_ms))
            yield from self._due_ends()
            yield from self._new_process()

    def late_changes(self) -> Iterator[Event]:
        """Yield a change to root, and one of the program, of the processes that will end; half a second later."""
        self.ms += 500
        for position, (due, number, (process, owner)) in enumerate(self._ends):
            changes: dict[str, Any] = (
                {"uids": (0,) * 4} if position % 2 else {"name": "vi", "exe": "/bin/vi", "comm": "vi"}
            )
            changed = process._replace(**changes)
            self._ends[position] = due, number, (changed, owner)
            yield ProcessChanged(self.head(self.ms), (process, owner), (changed, owner))

    def reports(self) -> Iterator[Event]:
        """Yield two refused logons, and a change to root through sudo in each login with a process that will end."""
        self.ms += 100
        for user, is_known in (("user1001", True), ("hunter2", False)):
            attempt = FailedLogon(
                "sshd", 77, user, is_known, "198.51.100.9", 50_001, None, "password", "ssh", attempts=2,
                source="journal", line="Failed password",
            )  # fmt: skip
            yield LogonFailed(self.head(self.ms), attempt, SYSTEM)
        seen = set[str | None]()
        for _, _, (process, owner) in self._ends:
            if owner.login is not None and owner.logon_id not in seen:
                seen.add(owner.logon_id)
                uid = owner.login.uid
                change = UserChange(uid, f"user{uid}", 0, "root", True, "id", "sudo", f"/usr/bin/id {uid}", "kernel")
                yield UserChanged(self.head(self.ms), process, owner, change)

    def _due_ends(self) -> Iterator[Event]:
        while self._ends and self._ends[0][0] <= self.ms:
            due, number, (process, owner) = heapq.heappop(self._ends)
            self.lives[number] = self.lives[number]._replace(end=due)
            self._busy.discard(process.pid)
            yield ProcessEnded(self.head(due), process, owner, self._random.choice((0, 0, 0, 256)))

    def _new_process(self) -> Iterator[Event]:
        while self._pid in self._busy or self._pid < 300:
            self._pid = (self._pid + 1) % 4000
        pid, self._pid = self._pid, self._pid + 1
        self._busy.add(pid)
        owner = self._random.choice(self._owners) if self._random.random() < 0.6 else SYSTEM
        ses = UNSET if owner is SYSTEM else int(owner.logon_id or 0)
        uid = 0 if owner.login is None else owner.login.uid
        parent = Process(
            pid, ses=ses, loginuid=uid if owner.login else UNSET, cgroup="/", comm="bash", ppid=1, tty_nr=0,
            start=self.ms // 10, uids=(uid,) * 4, gids=(uid,) * 4, pid_namespaces=1, cmdline=b"bash\0-l\0",
            exe="/bin/bash", name="bash",
        )  # fmt: skip
        yield ProcessStarted(self.head(self.ms), parent, owner, None)
        number = min(int(self._random.paretovariate(0.6)), 300)
        argv = b"/usr/bin/p%d\0--job=%d\0" % (number, self._random.randrange(5000))
        process = parent._replace(comm=f"p{number}"[:15], name=f"p{number}", exe=f"/usr/bin/p{number}", cmdline=argv)
        yield ProcessChanged(self.head(self.ms), (parent, owner), (process, owner))
        self.lives.append(Life(pid, self.ms // 10, owner.logon_id or "", None))
        kind = self._random.random()
        if kind < 0.95:
            lasted = int(self._random.expovariate(1 / (20 if kind < 0.8 else 20_000)))
            heapq.heappush(self._ends, (self.ms + lasted + 10, len(self.lives) - 1, (process, owner)))

    def running_at(self, ms: int) -> set[tuple[int, int, str]]:
        """Return pid, start and LogonId of the processes that ran at a moment: by looking at every life."""
        return {
            (life.pid, life.ticks, life.logon_id)
            for life in self.lives
            if life.ticks * 10 <= ms and (life.end is None or life.end > ms)
        }
