"""Plain data of the live index: processes, changes of them, counts, and the interface of the reader of processes."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from logonscope.sources.live.users import Users

SLACK_TICKS = 1
"""Clock ticks by which the start of a process may be later than the time of its event: two clocks are compared.

The start is mostly earlier than the event, by a microsecond, and by much more if the kernel did something else in
between.
"""


class ReadFacts(NamedTuple):
    """Facts of one process, all read through one directory of /proc, so that they are of the same process."""

    start: int  # clock ticks since the boot
    parent: int
    ses: int | None
    loginuid: int | None
    cgroup: str | None
    comm: str = ""
    is_zombie: bool = False  # the first thread has ended; there may be others
    has_other_threads: bool = False

    @property
    def owner_facts(self) -> "OwnerFacts":
        """Return the facts that decide the owner."""
        return self[2:5]


class Unread:
    """A process that exists, but whose reading hangs, or is not tried because too many others hang."""

    def __repr__(self) -> str:
        return "<Unread>"


UNREAD = Unread()

Reading = ReadFacts | Unread | None
"""What was read of a process; None: there is no such process, or its owner facts cannot be read."""


class ThreadFacts(NamedTuple):
    """Facts of one thread."""

    process: int
    ses: int
    loginuid: int
    is_only: bool  # the process has no other thread


class ProcessReader(Protocol):
    """Reads processes of the machine, each in limited time. None: the process or thread is gone or unreadable."""

    def read(self, pid: int) -> Reading:
        """Read a process, which may be a zombie."""
        ...

    def read_each(self, pids: Iterable[int]) -> Iterable[tuple[int, Reading]]:
        """Yield each pid with what was read of its process, in the order of ``pids``."""
        return ((pid, self.read(pid)) for pid in pids)

    def read_thread(self, thread: int) -> ThreadFacts | None:
        """Read a thread, which may be the first one of a process."""
        ...

    def existing(self, pids: Collection[int]) -> AbstractSet[int]:
        """Return those of the pids that exist, zombies included; the result can have other pids, too."""
        ...

    def members(self, cgroup: str) -> Iterable[int]:
        """Return the pids of the processes in a cgroup."""
        ...

    def pids(self) -> Iterable[int]:
        """Return the pids of all processes."""
        ...


OwnerFacts = tuple[int | None, int | None, str | None]
"""The facts that decide the owner of a process: kernel id, login uid and cgroup; None: not known."""


class Place:
    """The processes that share a kernel id, a login uid and a cgroup, and so have one owner; a fact can be unknown."""

    __slots__ = ("cgroup", "loginuid", "pids", "ses")

    def __init__(self, ses: int | None, loginuid: int | None, cgroup: str | None) -> None:
        self.ses = ses
        self.loginuid = loginuid
        self.cgroup = cgroup
        self.pids = set[int]()  # of the processes in the index

    def __repr__(self) -> str:
        return f"<Place ses={self.ses} cgroup={self.cgroup} of {len(self.pids)} processes>"

    @property
    def owner_facts(self) -> OwnerFacts:
        """Return the facts that decide the owner."""
        return self.ses, self.loginuid, self.cgroup

    @property
    def is_known(self) -> bool:
        """Return whether kernel id and cgroup are known; the login uid can be unknown."""
        return self.ses is not None and self.cgroup is not None


class Entry:
    """A process in the index."""

    __slots__ = ("born", "doubt", "ended", "parent", "pid", "place", "start", "status", "users")

    def __init__(self, pid: int, start: int, born: int, parent: int, place: Place) -> None:
        self.pid = pid
        self.start = start  # clock ticks since the boot
        # monotonic ns of the fork; 0 if the fork was not seen. After the batch of the fork it is set to 0, except for a
        # fork in doubt (index.py, _fork_in_doubt).
        self.born = born
        self.parent = parent
        self.place = place
        self.doubt = 0  # not 0: its children may not have its place; see doubt.py
        # monotonic ns of the end of its first thread; END_NOT_SEEN: see outlived.py; 0: the first thread runs
        self.ended = 0
        self.status: int | None = None  # of wait(2); None: it runs, or no event reported its end
        self.users: Users | None = None  # None: no event reported its uids, or those of an ancestor

    def __repr__(self) -> str:
        return f"<Entry {self.pid} of {self.place}>"


def is_same(entry: Entry, facts: ReadFacts) -> bool:
    """Return whether facts are those of this process, not of a later one with its pid."""
    return facts.start <= entry.start + SLACK_TICKS


class State(NamedTuple):
    """What is known of a process at one moment."""

    pid: int
    start: int
    parent: tuple[int, int] | None  # pid and start
    ses: int | None
    loginuid: int | None
    cgroup: str | None


class Change(NamedTuple):
    """A process started (``before`` is None), changed, or ended (``after`` is None).

    If it executed a program, ``before`` equals ``after``.
    """

    kernel_ns: int  # monotonic
    before: State | None
    after: State | None
    status: int | None = None


def state_of(entry: Entry, parent: Entry | None) -> State:
    """Return the state of a process in the index, and of its parent there."""
    place = entry.place
    key = None if parent is None else (parent.pid, parent.start)
    return _new(State, (entry.pid, entry.start, key, place.ses, place.loginuid, place.cgroup))


def new_change(ns: int, before: State | None, after: State | None, status: int | None = None) -> Change:
    """Return a change; takes half the time of ``Change(...)``, and runs for every event of the machine."""
    return _new(Change, (ns, before, after, status))


_new = tuple.__new__


class Counts:
    """Counts of what the index could not get from events."""

    def __init__(self) -> None:
        self.logons_not_determined = 0  # processes that ended before their logon could be known
        self.doubtful_reads = 0  # processes that were read because their parent's logon may not be theirs
        self.mended = 0  # differences that a comparison with /proc found
        self.lost_events = 0
        self.losses = 0  # how often events were lost: of processes, or of writes to login uids and cgroups

    def __repr__(self) -> str:
        return f"<Counts {vars(self)}>"
