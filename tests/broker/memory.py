"""What does an operation ask of a source? A host in memory that gives just what it is asked for, and remembers it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from logonscope.broker import Broker, Caller
from logonscope.facts import FACTS_OF, Process
from logonscope.machine import Action, Needs, Snapshot, Source
from logonscope.sources.named import groups_named, users_named

_TOGETHER = {fact: facts for facts in FACTS_OF.values() for fact in facts} | {"name": ("name", "comm")}
"""The facts of one file come together."""

_ALWAYS = {"pid", "unread"}


class Memory:
    """A source whose n-th look sees the n-th of some snapshots; the last one stays."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self.asked: list[Needs] = []
        self.done: list[Action] = []
        self._snapshots = snapshots

    def broker(self, caller: Caller) -> Broker:
        """Return the operations on this host, for a caller."""
        return Broker(Source("memory", self.observe, act=self.done.append), caller)

    def observe(self, needs: Needs) -> Snapshot:
        """Give what is asked for, no fact and no row more."""
        now = self._snapshots[min(len(self.asked), len(self._snapshots) - 1)]
        self.asked.append(needs)
        logins = now.logins if needs.logins else ()
        ports = needs.ports or ()
        return now._replace(
            processes=_asked(now.processes, needs),
            logins=tuple(found for found in logins if needs.login_ids is None or found.id in needs.login_ids),
            sockets=tuple(
                found
                for found in now.sockets
                if (needs.all_sockets or found.port in ports) and found.inode in (needs.inodes or {found.inode})
            ),
            troubles=list(now.troubles),
            users=list(users_named(now.users, needs)),
            groups=list(groups_named(now.groups, now.users, needs)),
            platform=now.platform if needs.platform else None,
            vitals=now.vitals if needs.vitals else None,
        )

    @property
    def pids_asked(self) -> list[int]:
        """Return the pids that were asked for, look by look; a look at the whole host is an error."""
        asked: list[int] = []
        for needs in self.asked:
            assert needs.pids is not None, f"the whole host was read: {needs}"
            asked.extend(needs.pids)
        return asked


def _asked(processes: Iterable[Process], needs: Needs) -> Iterator[Process]:
    names = None if needs.names is None else {name.lower() for name in needs.names}
    for process in processes:
        if needs.pids is not None and process.pid not in needs.pids:
            continue
        if needs.ses is not None and process.ses is not None and process.ses not in needs.ses:
            continue
        if needs.logged_in is not None and not needs.logged_in.may_be(process.ses, process.loginuid):
            continue
        if names is not None and names.isdisjoint({(process.name or "").lower(), (process.comm or "").lower()}):
            continue
        if needs.sieve is None or needs.sieve.keeps(_with(needs.sieve.facts, process, needs)):
            yield _with(needs.process, process, needs)


def _with(asked: Iterable[str], process: Process, needs: Needs) -> Process:
    """Return a process with the facts that are asked for, and those that come with them."""
    facts = {fact for one in asked for fact in _TOGETHER.get(one, (one,))} | _ALWAYS
    if needs.logged_in is not None:
        facts.add("loginuid")
    if needs.ses is not None or "loginuid" in facts:
        facts.add("ses")
    if needs.names is not None:
        facts |= {"name", "comm"}
    forgotten: dict[str, Any] = dict.fromkeys(set(Process._fields) - facts)
    if needs.cgroup_of is not None and process.ses is not None and process.ses not in needs.cgroup_of:
        forgotten["cgroup"] = None
    if process.unread:
        forgotten["unread"] = {fact: why for fact, why in process.unread.items() if fact in facts} or None
    return process._replace(**forgotten)


def asking(ask: Callable[[Broker], object], memory: Memory, caller: Caller) -> list[Needs]:
    """Ask something and return what the source was asked for."""
    memory.asked.clear()
    ask(memory.broker(caller))
    return list(memory.asked)
