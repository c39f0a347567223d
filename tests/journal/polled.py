"""Events of real processes for tests, from comparing two readings of this machine.

What starts and ends between two readings is missing, as any listener may miss it; what is there has the facts that the
kernel shows.
"""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from logonscope.facts import Process
from logonscope.journal.clock import Clock, read_clocks
from logonscope.journal.keeper import Keeper
from logonscope.journal.policy import Policy
from logonscope.machine import NO_PARTS, Look, Owner, ProcessQuery
from logonscope.machine.events import (
    Event,
    EventHead,
    LogonEnded,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource

FACTS = LINUX.description_facts | {"exe", "cmdline", "name", "gids", "tgid"}
Owned = tuple[Process, Owner]


class PolledMachine:
    """This machine, whose events are the differences between two readings."""

    def __init__(self) -> None:
        self.source = LinuxSource()
        self.machine = self.source.machine(Look(), NO_PARTS)
        self._before: dict[tuple[int, int], Owned] = {}
        self._number = 0

    def read(self, pids: frozenset[int] | None = None) -> list[Owned]:
        """Return every process with its owner, or those with these pids."""
        look = Look()
        processes = [
            part for part in self.source.processes(look, ProcessQuery(FACTS, pids=pids)) if part.start is not None
        ]
        index = LINUX.index(self.source.logins(look), self.machine)
        return [(process, index.owner(process)) for process in processes]

    def events(self) -> Iterator[Event]:
        """Yield what has changed since the call before."""
        before, self._before = self._before, {key(process): (process, owner) for process, owner in self.read()}
        logons = {owner.logon_id: owner for _, owner in before.values()}
        now = {owner.logon_id: (owner, process) for process, owner in self._before.values()}
        for logon_id, (owner, process) in now.items():
            if logon_id is not None and logon_id not in logons:
                session = LINUX.describe(owner, [process], self.machine, None)
                yield LogonStarted(self._head(), session, owner)
        parents = {process.pid: process.start or 0 for process, _ in self._before.values()}
        for pair, (process, owner) in self._before.items():
            old = before.get(pair)
            if old is None:
                ppid = process.ppid or 0
                parent = (ppid, parents[ppid]) if ppid in parents else None
                yield ProcessStarted(self._head(), process, owner, parent)
            elif old != (process, owner):
                yield ProcessChanged(self._head(), old, (process, owner))
        for pair, (process, owner) in before.items():
            if pair not in self._before:
                yield ProcessEnded(self._head(), process, owner, 0)
        for logon_id, owner in logons.items():
            if logon_id is not None and logon_id not in now:
                session = LINUX.describe(owner, [], self.machine, None)
                yield LogonEnded(self._head(), session, owner)

    def _head(self) -> EventHead:
        self._number += 1
        return EventHead(time.clock_gettime_ns(time.CLOCK_BOOTTIME), self._number)


def key(process: Process) -> tuple[int, int]:
    """Return what identifies a process."""
    return process.pid, process.start or 0


def make_keeper(
    folder: Path, machine: PolledMachine, policy: Policy | None = None, clock: Clock = read_clocks
) -> Keeper:
    """Return a keeper of the journal in a folder, whose thread is not started."""
    return Keeper(str(folder), machine.machine, LINUX, policy or Policy(), account_name=account_name, read_clock=clock)


def account_name(uid: int) -> str | None:
    """Return the name of a uid as the test's accounts have it."""
    return {0: "root"}.get(uid, f"user{uid}")


def feed(keeper: Keeper, events: Iterable[Event]) -> None:
    """Write events into a journal."""
    for event in events:
        keeper.put(event)
    keeper.flush()
