"""A model of the kernel's processes: their ids, what the kernel reports of them, and their true history."""

from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet

from logonscope.facts import UNSET
from logonscope.sources.live.entries import UNREAD, ProcessReader, ReadFacts, Reading, ThreadFacts
from logonscope.sources.live.records import EXEC, EXIT, FORK, Batch, LoginWrite, Record, Writes

TICK = 10_000_000
STEP = 5 * TICK
"""Nanoseconds of one operation: longer than the slack with which the index compares starts."""

PIDS = 14
"""The pids are 1 to PIDS - 1, so that they are used again soon."""

CGROUPS = (
    "/init.scope",
    "/system.slice/a.service",
    "/user.slice/user-1.slice/session-c1.scope",
    "/user.slice/user-2.slice/session-c2.scope",
)


def is_login_cgroup(cgroup: str) -> bool:
    """Return whether a cgroup is that of a login."""
    return "session-" in cgroup


class Task:
    """A thread: its ids are its own, the cgroup is that of its process."""

    def __init__(self, tid: int, ses: int, loginuid: int) -> None:
        self.tid, self.ses, self.loginuid = tid, ses, loginuid


class Group:
    """A process."""

    def __init__(self, pid: int, start: int, parent: "Group | None", first: Task, cgroup: str) -> None:
        self.pid, self.start, self.parent, self.first, self.cgroup = pid, start, parent, first, cgroup
        self.threads = [first]  # those that run
        self.is_manager = False
        self.is_subreaper = False
        self.is_hanging = False  # in the execution of a program: it does nothing, and its reading hangs

    @property
    def ids(self) -> tuple[int, int, str]:
        """Return what /proc shows of it."""
        return self.first.ses, self.first.loginuid, self.cgroup


class KernelModel(ProcessReader):
    """Processes, the queues of their events, and a reader of /proc."""

    def __init__(self) -> None:
        self.now = STEP
        self.groups: dict[int, Group] = {}  # alive and zombies
        self.history: dict[tuple[int, int], tuple[int, int, str]] = {}  # pid and start -> ids, the last ones at the end
        self.records: list[Record] = []
        self.logins: set[LoginWrite] = set()
        self.moves: set[str] = set()
        self.next_ses = 1
        self.lost = 0
        self.before_read: Callable[[], object] = lambda: None
        init = Group(1, 0, None, Task(1, UNSET, UNSET), CGROUPS[0])
        init.is_manager = init.is_subreaper = True
        self.groups[1] = init

    # ---- operations; each number chooses one of what there is

    def fork(self, chosen: int, *, clone_parent: bool = False, into: str | None = None) -> None:
        """Fork by some thread."""
        group, task = self._task(chosen)
        pid = self._free_id()
        if group is None or pid is None:
            return
        parent = group.parent if clone_parent and group.parent is not None else group
        # with CLONE_PARENT the event has the first thread of the parent
        thread = task.tid if parent is group else parent.first.tid
        cgroup = into if into is not None and group.is_manager else group.cgroup
        child = Group(pid, self._tick(), parent, Task(pid, task.ses, task.loginuid), cgroup)
        self.groups[pid] = child
        self._note(child)
        # the kernel may be busy with something else before it sends the event
        self.records.append((FORK, self._tick() if chosen % 2 else self.now, thread, parent.pid, pid, pid))

    def thread(self, chosen: int) -> None:
        """Start a thread."""
        group, task = self._task(chosen)
        tid = self._free_id()
        if group is not None and tid is not None:
            group.threads.append(Task(tid, task.ses, task.loginuid))

    def login(self, chosen: int, uid: int) -> None:
        """Write a login uid: each gives a new kernel id."""
        group, task = self._task(chosen)
        if group is None or group.pid == 1:
            return
        self._tick()
        task.ses, task.loginuid = self.next_ses, uid
        self.next_ses += 1
        self._note(group)
        self.logins.add(LoginWrite(task.tid, None if uid % 3 == 0 else group.pid))

    def move(self, chosen: int, cgroup: int) -> None:
        """Move a process to a cgroup."""
        group, _ = self._task(chosen)
        if group is not None and group.pid != 1:
            self._tick()
            group.cgroup = CGROUPS[cgroup % len(CGROUPS)]
            self._note(group)
            self.moves.add(group.cgroup)

    def execute(self, chosen: int) -> None:
        """Execute a program: the thread becomes the process, and the other threads end."""
        group, task = self._task(chosen)
        if group is None or group.pid == 1:
            return
        if task is not group.first and group.first in group.threads:
            self.records.append((EXIT, self._tick(), group.pid, group.pid, 0, 17))
        group.first = Task(group.pid, task.ses, task.loginuid)
        group.threads = [group.first]
        self._note(group)
        self.records.append((EXEC, self._tick(), group.pid, group.pid, 0, 0))

    def hang(self, chosen: int) -> None:
        """Begin to execute a program that hangs."""
        group, _ = self._task(chosen)
        if group is not None and group.pid != 1:
            group.threads = [group.first] if group.first in group.threads else group.threads[:1]
            group.is_hanging = len(group.threads) == 1 and group.first in group.threads

    def go_on(self, chosen: int) -> None:
        """Have a process execute its program."""
        hanging = [group for group in self.groups.values() if group.is_hanging]
        if hanging:
            group = hanging[chosen % len(hanging)]
            group.is_hanging = False
            self.records.append((EXEC, self._tick(), group.pid, group.pid, 0, 0))

    def end_thread(self, chosen: int) -> None:
        """End one thread; the process ends with the last one. Its children get another parent."""
        group, task = self._task(chosen)
        if group is None or group.pid == 1:
            return
        group.threads.remove(task)
        if not group.threads:
            adopter = group.parent or self.groups[1]
            while not adopter.is_subreaper or not adopter.threads:
                adopter = adopter.parent or self.groups[1]
            for child in self.groups.values():
                if child.parent is group:
                    child.parent = adopter
        if task is group.first:
            self.records.append((EXIT, self._tick(), group.pid, group.pid, 0, 17))

    def reap(self, chosen: int) -> None:
        """Reap a zombie."""
        zombies = [group for group in self.groups.values() if not group.threads]
        if zombies:
            del self.groups[zombies[chosen % len(zombies)].pid]

    def become_subreaper(self, chosen: int) -> None:
        """Make a process adopt its orphaned descendants."""
        group, _ = self._task(chosen)
        if group is not None:
            group.is_subreaper = True

    def lose(self, chosen: int) -> None:
        """Lose some process events."""
        kept = chosen % (len(self.records) + 1)
        self.lost += len(self.records) - kept
        del self.records[kept:]

    # ---- what a reader of events gets

    def take_records(self) -> list[Record]:
        """Return the process events since the last call."""
        records, self.records = self.records, []
        return records

    def take_writes(self) -> Writes:
        """Return the writes since the last call."""
        writes = Writes(frozenset(self.logins), frozenset(self.moves), self._tick())
        self.logins, self.moves = set(), set()
        return writes

    def take_batch(self) -> Batch:
        """Return all events since the last call; what happens in between comes with the next one."""
        records, lost = self.take_records(), self.lost
        self.lost = 0
        self.before_read()
        return Batch(records, self.take_writes(), lost=lost)

    # ---- ProcessReader

    def read(self, pid: int) -> Reading:
        """Read a process."""
        self.before_read()
        group = self.groups.get(pid)
        if group is None:
            return None
        if group.is_hanging:
            return UNREAD
        parent = 0 if group.parent is None else group.parent.pid
        is_zombie = group.first not in group.threads
        comm, has_others = "systemd" if group.is_manager else "x", len({*group.threads, group.first}) > 1
        return ReadFacts(group.start // TICK, parent, *group.ids, comm, is_zombie, has_others)

    def read_thread(self, thread: int) -> ThreadFacts | None:
        """Read a thread."""
        self.before_read()
        for group in self.groups.values():
            for task in {*group.threads, group.first}:
                if task.tid == thread:
                    return ThreadFacts(group.pid, task.ses, task.loginuid, len({*group.threads, group.first}) == 1)
        return None

    def existing(self, pids: Collection[int]) -> AbstractSet[int]:
        """Return those of the processes that there are."""
        del pids
        self.before_read()
        return set(self.groups)

    def members(self, cgroup: str) -> Iterable[int]:
        """Return the processes in a cgroup."""
        self.before_read()
        return [group.pid for group in self.groups.values() if group.cgroup == cgroup]

    def pids(self) -> Iterable[int]:
        """Return all processes."""
        self.before_read()
        return list(self.groups)

    def _tick(self) -> int:
        self.now += STEP
        return self.now

    def _note(self, group: Group) -> None:
        self.history[group.pid, group.start // TICK] = group.ids

    def _task(self, chosen: int) -> "tuple[Group | None, Task]":
        tasks = [(group, task) for group in self.groups.values() if not group.is_hanging for task in group.threads]
        return tasks[chosen % len(tasks)]

    def _free_id(self) -> int | None:
        used = {task.tid for group in self.groups.values() for task in group.threads} | set(self.groups)
        return next((pid for pid in range(2, PIDS) if pid not in used), None)
