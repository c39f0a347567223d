"""Changes of user, found from the kernel's events about uids and executed programs.

A change of uids counts only if the process then executes a program. So a daemon that drops its rights does not change
its user, nor does a set-user-ID program that gives up its rights for a while. The uids of a process are not known
before the first event about its uids, or about the uids of an ancestor.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from logonscope.sources.live.entries import Entry, ProcessReader, ReadFacts, State, is_same

MAX_ELEVATIONS = 4096
"""Maximum number of executions of set-user-ID programs that are remembered."""


class Elevation(NamedTuple):
    """A process executed a program with an effective uid that is not its real uid: as a rule, a set-user-ID program."""

    pid: int
    since: int  # monotonic ns
    until: int | None  # monotonic ns, when it executed another program, or ended
    name: str | None  # of the program
    effective: int  # uid


class Users(NamedTuple):
    """The uids of a process, and the uids with which its program was executed. Children inherit all of them."""

    real: int
    effective: int
    program_real: int | None
    program_effective: int | None
    # pid of the process (this one or an ancestor) whose Elevation is not followed by a complete change yet
    elevated_by: int | None = None


class UserStep(NamedTuple):
    """A process executed a program that has other uids than the process's program before."""

    kernel_ns: int  # monotonic
    state: State
    from_uid: int | None  # None: not known
    to_uid: int
    is_complete: bool  # the real uid changed, too
    program: str | None
    # if the change is complete: of the program that made it possible, or None; otherwise: of ``program``
    elevation: Elevation | None


class UserTracker:
    """Finds changes of user in the events of the index."""

    def __init__(self, reader: ProcessReader) -> None:
        self._reader = reader
        self._elevations: OrderedDict[int, Elevation] = OrderedDict()
        self.report: Callable[[UserStep], object] | None = None

    def __repr__(self) -> str:
        return f"<UserTracker, {len(self._elevations)} elevations>"

    def was_elevated(self, pid: int, moment: int) -> bool:
        """Return whether a process ran a set-user-ID program of root at a moment, in monotonic nanoseconds."""
        elevation = self._elevations.get(pid)
        # Only programs of root count: a set-user-ID program of another user, or in a user namespace, can have been made
        # by the user who executes it.
        if elevation is None or elevation.effective != 0 or moment < elevation.since:
            return False
        return elevation.until is None or moment <= elevation.until

    def note_uids(self, entry: Entry, real: int, effective: int) -> None:
        """Note that a process has other uids now."""
        users = entry.users
        if users is None:
            entry.users = Users(real, effective, None, None)
        else:
            entry.users = users._replace(real=real, effective=effective)

    def note_exec(self, entry: Entry, ns: int, state_of: Callable[[Entry], State]) -> None:
        """Note that a process executed a program; report a change of user."""
        self._end_elevation(entry.pid, ns)
        users = entry.users
        if users is None:
            return
        real, effective, program_real, program_effective, elevated_by = users
        if (real, effective) == (program_real, program_effective):
            return
        is_complete = real == effective
        elevation = None if elevated_by is None else self._elevations.get(elevated_by)
        entry.users = Users(real, effective, real, effective, None if is_complete else entry.pid)
        name = self._read_name(entry)
        if not is_complete:
            elevation = self._elevations[entry.pid] = Elevation(entry.pid, ns, None, name, effective)
            self._elevations.move_to_end(entry.pid)
            if len(self._elevations) > MAX_ELEVATIONS:
                self._elevations.popitem(last=False)
        from_uid = program_real if is_complete else real
        # Not reported: a program that runs again as the user from before the elevation, and a change to root if the
        # earlier uid is not known.
        is_change = from_uid != effective and (from_uid is not None or effective != 0)
        if self.report is not None and is_change:
            self.report(UserStep(ns, state_of(entry), from_uid, effective, is_complete, name, elevation))

    def note_end(self, pid: int, ns: int) -> None:
        """Note that a process has ended."""
        self._end_elevation(pid, ns)

    def _end_elevation(self, pid: int, ns: int) -> None:
        elevation = self._elevations.get(pid)
        if elevation is not None and elevation.until is None:
            self._elevations[pid] = elevation._replace(until=ns)

    def _read_name(self, entry: Entry) -> str | None:
        """Return the name of the program that a process runs now. It can be a later program than that of the event."""
        facts = self._reader.read(entry.pid)
        return facts.comm if isinstance(facts, ReadFacts) and is_same(entry, facts) else None
