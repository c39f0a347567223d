"""What does an instance cost, beside the bare reading of its facts, and beside pywbem's objects? And one of many?"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import logonscope
from bench.contest import Field, Turn, call, contest
from bench.crowd import SAY, Kind, crowd
from bench.logins import login_record
from bench.peers import bare_loop
from bench.plan import Plan
from bench.table import Row, at_most, milliseconds
from bench.tools import UnavailableError

MAX_RATIO_TO_LOOP = {"Win32_SessionProcess": 1.4, "Win32_Process": 1.1}
"""Aims: how much longer than the bare reading of the same facts."""

MAX_GROWTH = 1.2
"""Aim: how much more one process costs among many than among few."""

OURS, LOOP, PYWBEM = "Logonscope", "bare Python loop, same files", "bare loop, and pywbem's CIMInstance of each"
ASSOCIATION, PROCESS = "Win32_SessionProcess", "Win32_Process"
GET = "host.get('Win32_Process.Handle=\"PID\"')"
OFTEN = 50
"""Calls of one turn where one takes microseconds."""


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure instances of both classes with both kinds of crowd, then one instance on hosts of growing size."""
    kinds: tuple[Kind, ...] = ("own", "none")
    for kind in kinds:
        for class_name in (ASSOCIATION, PROCESS):
            question = f"host.enumerate('{class_name}'), {plan.size:,} more processes, {SAY[kind]}"
            try:
                with crowd(tools, plan.size, kind):
                    yield from _enumerated(question, class_name, plan)
            except UnavailableError as why:
                yield Row(question, OURS, f"not measured: {why}")
    yield from _got(plan, tools)


def _enumerated(question: str, class_name: str, plan: Plan) -> Iterator[Row]:
    host, loop = logonscope.connect(), bare_loop if class_name == ASSOCIATION else bare_processes

    def ours() -> list[logonscope.Instance]:
        return list(host.enumerate(class_name))

    field = Field()
    field.enter(OURS, lambda: call(ours))
    field.enter(LOOP, lambda: call(loop))
    field.enter(PYWBEM, lambda: _as_pywbem(class_name))
    count = len(ours())
    seconds = contest(field.turns, plan.rounds)
    mine = seconds[OURS]
    yield Row(question, OURS, f"{milliseconds(mine)}, {count / mine:,.0f} rows a second")
    ratio = mine / seconds[LOOP]
    yield Row(
        question,
        LOOP,
        milliseconds(seconds[LOOP]),
        f"Logonscope takes {ratio:.2f} x",
        at_most(ratio, MAX_RATIO_TO_LOOP[class_name]),
    )
    if PYWBEM in seconds:
        said = f"takes {seconds[PYWBEM] / mine:.1f} x Logonscope's"
        yield Row(question, PYWBEM, milliseconds(seconds[PYWBEM]), said)
    yield from (Row(question, name, why) for name, why in field.absent.items())


def _got(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure one process by its key, and its logon session, with few and with many other processes."""
    tied = "host.associators('Win32_Process.Handle=\"PID\"'"
    of_session = f"{tied}, result_class='Win32_LogonSession')"
    for question, ask in ((GET, _get), (of_session, _session), (f"{tied})", _tied)):
        first: tuple[float, float] | None = None
        for size in (plan.few, max(plan.sizes)):
            who = f"{size:,} other processes"
            try:
                mine, bare = _one(plan, tools, size, ask)
            except UnavailableError as why:
                yield Row(question, who, f"not measured: {why}")
                continue
            measured = f"{mine * 1e6:.0f} µs; its files alone {bare * 1e6:.0f} µs"
            if first is None:
                first = mine, bare
                yield Row(question, who, measured)
                continue
            growth, of_files = mine / first[0], bare / first[1]
            said = f"grew {growth:.2f} x, its files {of_files:.2f} x"
            yield Row(
                question, who, measured, said, f"{growth / of_files:.2f} x, {at_most(growth / of_files, MAX_GROWTH)}"
            )


def _one(plan: Plan, tools: str, size: int, ask: Callable[[logonscope.Host, int], object]) -> tuple[float, float]:
    """Return the seconds that one answer takes on a host of this size, and those of reading the process's files."""
    host = logonscope.connect()

    def ours(pid: int) -> None:
        for _ in range(OFTEN):
            ask(host, pid)

    def bare(pid: int) -> None:
        for _ in range(OFTEN):
            bare_process(pid)

    # With a record, as nearly every login has: without one, all processes of the host describe a logon session.
    with crowd(tools, 1, "own") as (pid,), login_record(pid), crowd(tools, size, "own"):
        seconds = contest({OURS: call(partial(ours, pid)), LOOP: call(partial(bare, pid))}, plan.rounds)
    return seconds[OURS] / OFTEN, seconds[LOOP] / OFTEN


def _get(host: logonscope.Host, pid: int) -> object:
    return host.get(f'Win32_Process.Handle="{pid}"')


def _session(host: logonscope.Host, pid: int) -> object:
    return list(host.associators(f'Win32_Process.Handle="{pid}"', result_class="Win32_LogonSession"))


def _tied(host: logonscope.Host, pid: int) -> object:
    return list(host.associators(f'Win32_Process.Handle="{pid}"'))


def bare_processes() -> list[tuple[Any, ...]]:
    """Read the files that Win32_Process is made of, and take them apart: no check, no unit, no text made fit."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                found.append(bare_process(int(name)))
            except OSError:
                continue
    return found


def bare_process(pid: int) -> tuple[Any, ...]:
    """Read and take apart the files of one process."""
    folder = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY)
    try:
        return _bare(pid, folder)
    finally:
        os.close(folder)


def _bare(pid: int, folder: int) -> tuple[Any, ...]:
    session = _read("sessionid", folder)
    cgroup = _read("cgroup", folder) if session == b"4294967295" else b""
    head, _, tail = _read("stat", folder).rpartition(b")")
    stat = list(map(int, tail.split()[1:22]))
    status = dict(line.split(b":\t", 1) for line in _read("status", folder).splitlines() if b":\t" in line)
    io = dict(line.split(b": ", 1) for line in _read("io", folder).splitlines())
    command = _read("cmdline", folder).replace(b"\0", b" ").decode("utf-8", "replace")
    try:
        executable = os.readlink("exe", dir_fd=folder)
    except OSError:
        executable = None
    opened = os.stat("fd", dir_fd=folder).st_size
    memory = [
        int(status[key].split()[0]) for key in (b"VmPeak", b"VmHWM", b"VmRSS", b"RssAnon", b"VmSwap") if key in status
    ]
    return pid, session, cgroup, head, *stat, *memory, *map(int, io.values()), command, executable, opened


def _read(name: str, folder: int) -> bytes:
    file = os.open(name, os.O_RDONLY, dir_fd=folder)
    try:
        return os.read(file, 65536)
    finally:
        os.close(file)


def _as_pywbem(class_name: str) -> Turn:
    """Return the turn that reads by the bare loop and makes pywbem's objects of what it gives.

    Raises:
        UnavailableError: pywbem is not installed.
    """
    try:
        from pywbem import CIMInstance, CIMInstanceName, Uint64  # noqa: PLC0415 -- a peer that may be missing
    except ImportError:
        raise UnavailableError("no pywbem here: pip install pywbem") from None

    def pairs() -> list[Any]:
        return [
            CIMInstance(
                ASSOCIATION,
                {
                    "Antecedent": CIMInstanceName("Win32_LogonSession", {"LogonId": logon}, namespace="root/cimv2"),
                    "Dependent": CIMInstanceName("Win32_Process", {"Handle": str(pid)}, namespace="root/cimv2"),
                },
            )
            for pid, logon in bare_loop()
        ]

    def processes() -> list[Any]:
        return [
            CIMInstance(PROCESS, {f"Property{at}": value(given) for at, given in enumerate(row)})
            for row in bare_processes()
        ]

    def value(given: object) -> object:
        return Uint64(abs(given)) if isinstance(given, int) else str(given)

    return call(pairs if class_name == ASSOCIATION else processes)
