"""Kernel events: batches, the records of process events in them, and the parser of process connector messages."""

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

FORK, EXEC, UID, GID, SID, EXIT = 0x1, 0x2, 0x4, 0x40, 0x80, 0x80000000
"""Kinds of process events: linux/cn_proc.h, enum proc_cn_event."""

MESSAGE_BYTES = 76
"""A netlink header (16 bytes), a connector header (20) and a process event (40)."""

# The headers, and the cpu of the event, are skipped. The fields are: the kind of event, the kernel's monotonic
# nanoseconds, and the first four words of the event's data.
_MESSAGE = struct.Struct("=36xI4xQIIII8x")

Record = tuple[int, int, int, int, int, int]
"""Kind, nanoseconds of the monotonic clock, and four numbers.

The numbers of a FORK are the parent's thread, the parent, the child's thread and the child. The numbers of the other
kinds begin with the thread and the process. In an EXIT, the status of wait(2) follows; in a UID, the real uid and the
effective uid follow. The parent in a FORK is the real parent: with CLONE_PARENT, that is not the process that called
clone(2).
"""


class LoginWrite(NamedTuple):
    """A thread wrote its login uid. ``process`` is its process; None: the path of the written file does not show it."""

    thread: int
    process: int | None


class Writes(NamedTuple):
    """Writes to login uids and cgroups that were read together."""

    logins: frozenset[LoginWrite] = frozenset()
    moves: frozenset[str] = frozenset()  # cgroups to which processes were moved, as in /proc/PID/cgroup
    until: int = 0  # monotonic ns: the writes were made before this moment
    are_lost: bool = False  # writes may be missing here, mostly because their queue was full


NO_WRITES = Writes()


class Batch(NamedTuple):
    """Kernel events that were read together: all process events were read first, then all writes.

    If a fork is in this batch, all earlier writes of the thread that forked are in this batch, or were read before.
    """

    records: Sequence[Record] = ()
    writes: Writes = NO_WRITES
    boot_offset: int = 0  # ns between the monotonic clock and the clock since boot, which also counts suspended time
    lost: int = 0  # process events that the kernel dropped
    is_partial: bool = False  # there are more process events: they were too many for one batch

    @property
    def is_empty(self) -> bool:
        """Return whether nothing has happened, and nothing was lost."""
        writes = self.writes
        return not (self.records or self.lost or writes.logins or writes.moves or writes.are_lost)


NO_EVENTS = Batch()


def pack_messages(records: Sequence[Record]) -> bytes:
    """Return messages of records, with empty headers."""
    return b"".join(_MESSAGE.pack(*record) for record in records)


def parse_messages(data: bytes | memoryview) -> Iterator[Record]:
    """Return the records in messages of the process connector, of MESSAGE_BYTES each."""
    return _MESSAGE.iter_unpack(data)
