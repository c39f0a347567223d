"""A simulated machine of logins and processes, which knows by birth to which logon session each process belongs.

It is the oracle of test_histories.py: it shares no code with what is tested, and it knows the past, which a look at the
machine does not. Its host is a folder, changed as events happen.
"""

from dataclasses import dataclass, field
from pathlib import Path

from logonscope.machine import Source
from tests.hosts import BOOT, TICKS, HostFolder

UNSET = 4294967295
SCOPE_BASE, NUMBERED_BASE = 1 << 32, 1 << 34
GRACE = 120
"""Seconds that a helper of a login's PAM stack may be older than the login's record."""


@dataclass
class Person:
    """A login as it happened."""

    name: str  # what logind calls it; "" where no login service was told of it
    uid: int
    key: int  # the kernel id that its processes carry; UNSET without one
    owns: bool  # the kernel set that id for this login
    leader: int
    leader_start: int
    created: float  # seconds since the boot: when the record was made
    scope: str  # cgroup
    inode: int = 0
    daemon: int | None = None  # the sshd inside another login that it came through
    recorded: bool = True

    @property
    def logon(self) -> str:
        """Return the LogonId that the rules of the design give to what runs in its scope."""
        if self.owns:
            return str(self.key)
        if self.name.startswith("c"):
            return str(SCOPE_BASE + int(self.name[1:]))
        return str(NUMBERED_BASE + self.inode % (1 << 32))


@dataclass
class Task:
    """A process that is alive."""

    pid: int
    start: int
    person: Person | None
    cgroup: str
    ses: int

    @property
    def logon(self) -> str:
        """Return the LogonId of its logon session, by birth."""
        person = self.person
        if person is None:
            return str(UNSET)
        if person.owns or self.cgroup == person.scope:
            return person.logon
        return str(UNSET if self.ses == UNSET else self.ses)  # it left the scope of a login that shares an id


@dataclass
class World:
    """A machine, what runs on it, and what has happened there."""

    host: HostFolder
    container: bool
    now: float = 1000.0
    keys: int = 40
    pids: int = 2000
    names: int = 0
    graves: int = 0
    tasks: dict[int, Task] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    daemons: dict[int, Person] = field(default_factory=dict)  # sshds that were started inside a login
    free_pids: list[int] = field(default_factory=list)

    @classmethod
    def made(cls, root: Path, *, container: bool) -> "World":
        """Return a machine just after its boot: an init and an sshd."""
        host = HostFolder(root)
        host.write("sys/fs/cgroup/user.slice/cgroup.procs", "")
        if container:
            host.write("run/host/container-manager", "systemd-nspawn\n")
        world = cls(host, container)
        host.process(700, "sshd", start=5, cgroup="/system.slice/ssh.service")
        world.tasks[700] = Task(700, 5, None, "/system.slice/ssh.service", UNSET)
        return world

    @property
    def source(self) -> Source:
        """Return what reads the machine."""
        return self.host.source

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def spawn(self, person: Person | None, ppid: int, comm: str, cgroup: str, *, reuse: bool = False) -> Task:
        """Start a process; its pid may be one that was another's before."""
        if reuse and self.free_pids:
            pid = self.free_pids.pop()
        else:
            self.pids += 1
            pid = self.pids
        self.now += 0.05
        start, ses = int(self.now * TICKS), UNSET if person is None else person.key
        loginuid = UNSET if ses == UNSET else person.uid if person else UNSET
        self.host.process(pid, comm, ppid=ppid, ses=ses, loginuid=loginuid, cgroup=cgroup, start=start)
        self.tasks[pid] = Task(pid, start, person, cgroup, ses)
        self._write_members(cgroup)
        return self.tasks[pid]

    def log_in(self, uid: int, *, daemon: int | None = None, helper: bool = False, reuse: bool = False) -> Person:
        """Log a user in through the machine's sshd, or through one that was started inside a login.

        pam_loginuid has nothing to set where the sshd carries this very uid: the login inherits the kernel id.
        """
        first = self.daemons.get(daemon) if daemon else None
        inherits = first is not None and first.uid == uid
        if not inherits:
            self.keys += 1
        key = first.key if first and inherits else self.keys
        # systemd makes no second unit of one name, so a scope that is left counts as taken too
        taken = any(one.name == str(key) and (one.recorded or self.members(one.scope)) for one in self.people)
        name = self._next_name() if self.container or taken else str(key)
        scope = f"/user.slice/user-{uid}.slice/session-{name}.scope"
        person = Person(name, uid, key, not inherits, 0, 0, 0, scope, daemon=daemon)
        leader = self.spawn(person, daemon or 700, "sshd", scope, reuse=reuse)
        person.leader, person.leader_start = leader.pid, leader.start
        if helper:
            self.spawn(person, 1, "pam_mount", "/system.slice/ssh.service")
        self.now += 0.5
        person.created = self.now
        person.inode = self._write_members(scope)
        self._write_record(person)
        self.people.append(person)
        return person

    def switch_user(self, uid: int) -> Person:
        """Have a daemon run su -: a login without a kernel id."""
        name = self._next_name()
        scope = f"/user.slice/user-{uid}.slice/session-{name}.scope"
        person = Person(name, uid, UNSET, owns=False, leader=0, leader_start=0, created=self.now, scope=scope)
        leader = self.spawn(person, 1, "su", scope)
        person.leader, person.leader_start, person.created = leader.pid, leader.start, self.now
        person.inode = self._write_members(scope)
        self._write_record(person)
        self.people.append(person)
        return person

    def run_job(self, uid: int) -> Person:
        """Have cron run a job, of which no login service is told."""
        self.keys += 1
        unit = "/system.slice/cron.service"
        person = Person("", uid, self.keys, owns=True, leader=0, leader_start=0, created=self.now, scope=unit,
                        recorded=False)  # fmt: skip
        person.leader = self.spawn(person, 1, "cron", unit).pid
        self.people.append(person)
        return person

    def start_daemon(self, person: Person) -> int:
        """Start an sshd inside a login that owns its kernel id, outside its scope."""
        daemon = self.spawn(person, 1, "sshd", f"/system.slice/run-{self.pids}.scope")
        self.daemons[daemon.pid] = person
        return daemon.pid

    def leave_scope(self, person: Person) -> None:
        """Start a process of a login in a scope of its user's manager."""
        self.spawn(person, 1, "tmux", f"/user.slice/user-{person.uid}.slice/user@{person.uid}.service/run-1.scope")

    def end(self, pid: int) -> None:
        """End a process; its children become init's. logind drops a login whose scope is empty."""
        task = self.tasks.pop(pid)
        self.daemons.pop(pid, None)
        self.host.end(pid)
        self.free_pids.append(pid)
        self._write_members(task.cgroup)
        for person in self.people:
            if person.leader == pid and person.leader_start == task.start:
                person.leader_start = -1
            if person.daemon == pid:
                self._adopt(person)
        self.tidy()

    def tidy(self) -> None:
        """Have logind drop the logins whose leader is gone and whose scope is empty, and systemd their scopes."""
        for person in self.people:
            if person.name and person.leader_start == -1 and not self.members(person.scope):
                self._bury(person.scope)
                self.forget(person)

    def _bury(self, scope: str) -> None:
        """Remove a cgroup; its inode stays taken, as the kernel never gives one of a cgroup out again."""
        folder = self.host.root / f"sys/fs/cgroup{scope}"
        if folder.exists():
            self.graves += 1
            folder.rename(self.host.root / f"grave{self.graves}")

    def forget(self, person: Person) -> None:
        """Have logind lose the record of a login."""
        if person.recorded:
            self.host.forget(person.name)
            person.recorded = False

    def is_provable(self, person: Person) -> bool:
        """Return whether the machine still shows that a login does not own the kernel id that it shares."""
        if person.owns or person.key == UNSET:
            return True
        if not self.container and person.name.startswith("c"):
            return True
        if not person.recorded:
            return False
        leader_lives = person.leader_start != -1
        if leader_lives and person.daemon in self.daemons:
            return True
        before = (person.created - GRACE) * TICKS
        if leader_lives:
            before = max(before, person.leader_start)
        carriers = [task for task in self.tasks.values() if task.ses == person.key and task.pid != person.leader]
        if any(task.start < before for task in carriers):
            return True
        return any(
            other.recorded and other.key != UNSET and other.key > person.key and other.created < person.created - GRACE
            and self._shows_key(other) for other in self.people
        )  # fmt: skip

    def _shows_key(self, person: Person) -> bool:
        """Return whether record, leader or scope name the kernel id of a login."""
        return not self.container or person.leader_start != -1 or bool(self.members(person.scope))

    def _adopt(self, person: Person) -> None:
        """Give the leader of a login whose sshd has ended to init."""
        person.daemon = None
        task = self.tasks.get(person.leader)
        if task is not None and task.start == person.leader_start:
            self.host.end(task.pid)
            self.host.process(task.pid, "sshd", ppid=1, ses=task.ses, loginuid=person.uid, cgroup=task.cgroup,
                              start=task.start)  # fmt: skip

    def is_in_scope(self, person: Person) -> bool:
        """Return whether a process of the login is in its scope: only such a process can start another one there."""
        return any(task.person is person and task.cgroup == person.scope for task in self.tasks.values())

    def members(self, cgroup: str) -> list[int]:
        """Return the processes in a cgroup."""
        return [task.pid for task in self.tasks.values() if task.cgroup == cgroup]

    def _write_members(self, cgroup: str) -> int:
        return self.host.group(cgroup, *self.members(cgroup))

    def _next_name(self) -> str:
        self.names += 1
        return f"c{self.names}"

    def _write_record(self, person: Person) -> None:
        says_key = person.key != UNSET and not self.container
        self.host.login(
            person.name, uid=person.uid, leader=person.leader, audit=person.key if says_key else None,
            realtime=int((BOOT + person.created) * 1e6), monotonic=int(person.created * 1e6),
        )  # fmt: skip
