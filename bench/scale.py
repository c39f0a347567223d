"""Does a process cost the same on a large host? Every (pid, LogonId) by the number of processes."""

from collections.abc import Iterator

from bench.contest import call, contest
from bench.crowd import SAY, Kind, crowd
from bench.pairs import LOOP, OURS, ours
from bench.peers import bare_loop
from bench.plan import Plan
from bench.table import Row, at_most
from bench.tools import UnavailableError

SLACK = 1.2
"""Aim: how much more than the bare loop's the cost of a process may grow; what the loop's grows is the kernel's."""


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure crowds of growing size."""
    kinds: tuple[Kind, ...] = ("own", "none")
    for kind in kinds:
        yield from _growing(plan, tools, kind)


def _growing(plan: Plan, tools: str, kind: Kind) -> Iterator[Row]:
    question = f"every (pid, LogonId): cost of one process, by size of the host, {SAY[kind]}"
    first: tuple[float, float] | None = None  # on the smallest host
    for size in plan.sizes:
        try:
            mine, bare = _each(size, plan, tools, kind)
        except UnavailableError as why:
            yield Row(question, f"{size:,} more processes", f"not measured: {why}")
            continue
        measured = f"{mine * 1e6:.1f} µs; the bare loop {bare * 1e6:.1f} µs"
        if first is None:
            first = mine, bare
            yield Row(question, f"{size:,} more processes", measured)
            continue
        growth, of_loop = mine / first[0], bare / first[1]
        said = f"grew {growth:.2f} x, the loop {of_loop:.2f} x"
        yield Row(
            question,
            f"{size:,} more processes",
            measured,
            said,
            f"{growth / of_loop:.2f} x the loop's growth, {at_most(growth / of_loop, SLACK)}",
        )


def _each(size: int, plan: Plan, tools: str, kind: Kind) -> tuple[float, float]:
    """Return the seconds a process of Logonscope and of the bare loop."""
    with crowd(tools, size, kind):
        count = len(ours())
        seconds = contest({OURS: call(ours), LOOP: call(bare_loop)}, plan.rounds)
    return seconds[OURS] / count, seconds[LOOP] / count
