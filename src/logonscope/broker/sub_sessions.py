"""Logon sessions that began below a process of another logon session, as far as the caller may see both."""

from collections.abc import Iterator
from typing import NamedTuple

from logonscope.broker.request import Request, group_by_logon_id
from logonscope.facts import Process
from logonscope.machine import Owner, ProcessQuery

_FACTS = frozenset({"start", "ppid"})


class SubSession(NamedTuple):
    """A logon session (inner), and the logon session in which it began (outer)."""

    outer: Owner
    inner: Owner
    first_process: Process  # of the inner logon session
    parent: Process  # the parent of ``first_process``, in the outer logon session


def read_sub_sessions(request: Request) -> Iterator[SubSession]:
    """Yield each logon session whose first process has a running parent in another logon session.

    Neither of the two logon sessions is the System session. If the parent has ended, or if the service manager started
    the first process (run0, machinectl), nothing shows that the logon session began in another one.
    """
    system = request.ownership.system_owner.logon_id
    groups = group_by_logon_id(request.read(ProcessQuery(_FACTS)).pairs)
    pairs = {pair[0].pid: pair for members in groups.values() for pair in members}
    for members in groups.values():
        first_process = request.ownership.first_process(process for process, _ in members)
        if first_process is None or first_process.start is None:
            continue
        inner = pairs[first_process.pid][1]
        parent, outer = pairs.get(first_process.ppid or 0, (None, inner))
        if parent is None or outer.logon_id in {inner.logon_id, system} or inner.logon_id == system:
            continue
        # a younger process that has the parent's pid is not the parent
        if parent.start is not None and parent.start <= first_process.start:
            yield SubSession(outer, inner, first_process, parent)
