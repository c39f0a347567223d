"""Logon sessions that began below a process of another logon session, as far as the caller may see both."""

from collections.abc import Iterator
from typing import NamedTuple

from logonscope.broker.request import Owned, Request
from logonscope.facts import Process
from logonscope.machine import Owner, ProcessQuery

_FACTS = frozenset({"start", "ppid"})


class SubSession(NamedTuple):
    """A logon session, and the one that it began in: its first process has a parent there."""

    outer: Owner
    inner: Owner
    first: Process
    parent: Process


def read_sub_sessions(request: Request) -> Iterator[SubSession]:
    """Yield each logon session whose first process has a running parent in another logon session.

    Where the parent has ended, or the service manager started the first process (run0, machinectl), nothing shows it.
    """
    system = request.ownership.system_owner.logon_id
    pairs = {pair[0].pid: pair for pair in request.read(ProcessQuery(_FACTS)).pairs if pair[1].logon_id is not None}
    firsts: dict[str | None, Owned] = {}
    for pair in pairs.values():
        known = firsts.get(pair[1].logon_id)
        if known is None or _start_key(pair[0]) < _start_key(known[0]):
            firsts[pair[1].logon_id] = pair
    for first, inner in firsts.values():
        parent, outer = pairs.get(first.ppid or 0, (None, inner))
        if parent is None or outer.logon_id in {inner.logon_id, system} or inner.logon_id == system:
            continue
        # a younger process that has the parent's pid is not the parent
        if parent.start is not None and first.start is not None and parent.start <= first.start:
            yield SubSession(outer, inner, first, parent)


def _start_key(process: Process) -> tuple[int, int]:
    return (1 << 63 if process.start is None else process.start), process.pid
