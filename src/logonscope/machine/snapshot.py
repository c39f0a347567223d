"""What one look at a machine gives, and the seam below the broker: a Source hands over Snapshots."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from logonscope.facts import Account, Group, Login, Machine, Platform, Process, Socket, Vitals
from logonscope.machine.needs import Needs

PARTIAL = "this recording"
"""What a Trouble is about that says why a recording is partial."""


class Trouble(NamedTuple):
    """Something that could not be read: what, why, and what would help; reported once, not once a process."""

    what: str
    why: str
    do: str


class Snapshot(NamedTuple):
    """One look. Processes, users and groups are read while they are iterated, an account when it is asked for."""

    machine: Machine
    processes: Iterable[Process]
    logins: tuple[Login, ...]
    accounts: Mapping[int, Account]
    sockets: tuple[Socket, ...]
    troubles: list[Trouble]
    users: Iterable[Account] = ()
    groups: Iterable[Group] = ()
    platform: Platform | None = None
    vitals: Vitals | None = None


class Action(NamedTuple):
    """Something to do to one process, told from a later one with its pid by its start."""

    pid: int
    start: int  # clock ticks since boot, as in Process
    nice: int | None = None  # set it to this; None: end the process at once
    uid: int | None = None  # as whom; None: with the rights of this very process


class Source(NamedTuple):
    """Somewhere that facts come from.

    ``observe`` raises nothing for a process that ends half way. ``act`` raises ProcessLookupError where the process is
    gone, PermissionError where the kernel does not let that uid do it, and OSError where it fails otherwise.
    """

    label: str
    observe: Callable[[Needs], Snapshot]
    partial: str | None = None  # why it does not hold the whole host: a recording that was made without elevation
    act: Callable[[Action], None] | None = None  # None: nothing can be done to this host, as to a recording
