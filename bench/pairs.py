"""What does every (pid, LogonId) cost, in process, beside a bare loop, C, ps and psutil?"""

import sys
from collections.abc import Iterator

import logonscope
from bench.contest import Field, call, command, contest
from bench.crowd import SAY, Kind, crowd
from bench.peers import Pairs, bare_loop, c_floor, c_turn, psutil_again, psutil_first
from bench.plan import Plan
from bench.table import Row, at_least, at_most, milliseconds
from bench.tools import UnavailableError, compiled, tool

MAX_RATIO_TO_LOOP, MAX_RATIO_TO_C, MIN_RATIO_TO_PSUTIL = 1.15, 2.0, 5.0
"""Aims: how much longer than the floors, and how much faster than psutil."""

OURS, LOOP, C, PS = "Logonscope", "bare Python loop, same files", "C, same files", "`ps -eo pid,lsession`"
PSUTIL, AGAIN = "psutil: pid, ppid, start, uids, name; no session", "psutil again, in the same process"


def ours() -> Pairs:
    """Ask Logonscope, as a script does."""
    return list(logonscope.connect().session_processes())


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure both kinds of crowd."""
    kinds: tuple[Kind, ...] = ("own", "none")
    for kind in kinds:
        question = f"every (pid, LogonId), {plan.size:,} more processes, {SAY[kind]}"
        try:
            yield from _measured(question, plan, tools, kind)
        except UnavailableError as why:
            yield Row(question, OURS, f"not measured: {why}")


def _measured(question: str, plan: Plan, tools: str, kind: Kind) -> Iterator[Row]:
    field = Field()
    field.enter(OURS, lambda: call(ours))
    field.enter(LOOP, lambda: call(bare_loop))
    field.enter(C, lambda: c_turn(compiled("pairs", tools)))
    field.enter(PS, lambda: command([tool("ps", "procps"), "-eo", "pid,lsession"]))
    field.enter(PSUTIL, lambda: psutil_first)
    field.enter(AGAIN, lambda: psutil_again)
    with crowd(tools, plan.size, kind) as pids:
        compared = _compared(pids, field, tools)
        count = len(ours())
        seconds = contest(field.turns, plan.rounds)
    mine = seconds[OURS]
    yield Row(question, OURS, f"{milliseconds(mine)}, {mine / count * 1e6:.1f} µs a process")
    for name, most in ((LOOP, MAX_RATIO_TO_LOOP), (C, MAX_RATIO_TO_C)):
        if name in seconds:
            ratio = mine / seconds[name]
            said = f"Logonscope takes {ratio:.2f} x"
            yield Row(question, name, milliseconds(seconds[name]), said, at_most(ratio, most))
    for name in (PS, PSUTIL, AGAIN):
        if name in seconds:
            ratio = seconds[name] / mine
            aim = at_least(ratio, MIN_RATIO_TO_PSUTIL) if name == PSUTIL else ""
            yield Row(question, name, milliseconds(seconds[name]), f"takes {ratio:.1f} x Logonscope's", aim)
    yield from (Row(question, name, why) for name, why in field.absent.items())
    yield compared._replace(question=question)


def _compared(pids: list[int], field: Field, tools: str) -> Row:
    """Compare what all say of every process that all saw, but for those that changed meanwhile.

    Raises:
        SystemExit: they disagree about the crowd, or did not see it: there is nothing to be timed.
    """
    before = dict(ours())
    said = {LOOP: dict(bare_loop())}
    if C in field.turns:
        said[C] = dict(c_floor(compiled("pairs", tools)))
    after = ours()
    steady = {pid: logon for pid, logon in after if before.get(pid) == logon}
    seen = {pid for pid in steady if all(pid in pairs for pairs in said.values())}
    differing = [pid for pid in sorted(seen) if any(pairs[pid] != steady[pid] for pairs in said.values())]
    if not seen.issuperset(pids) or not set(pids).isdisjoint(differing):
        raise SystemExit(f"bench: {' and '.join([OURS, *said])} do not agree about the crowd")
    for pid in differing:
        others = ", ".join(f"{name} {pairs[pid]}" for name, pairs in said.items())
        print(f"process {pid}: {OURS} {steady[pid]}, {others}", file=sys.stderr)
    verdict = f"all agree: {'MISSED' if differing else 'met'}"
    return Row("", "the pairs, compared", f"{len(seen):,} processes, {len(differing)} differ", aim=verdict)
