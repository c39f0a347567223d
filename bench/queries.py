"""What does WQL cost? To understand a query, to answer one beside a plain loop, and in memory."""

import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import logonscope
from bench.contest import Field, Turn, call, contest
from bench.plan import Plan
from bench.recordings import pairs, recording, snapshot
from bench.table import Row, at_most, milliseconds
from bench.tools import UnavailableError
from logonscope.broker import Caller, Request
from logonscope.broker.plan import plan as plan_of
from logonscope.broker.query import query
from logonscope.cim.instances import ClassRows
from logonscope.machine import Source
from logonscope.ownership import LINUX
from logonscope.sources.recording import RecordedSource

COMMONEST = (
    "SELECT * FROM Win32_SessionProcess",
    "SELECT * FROM Win32_LogonSession",
    "SELECT * FROM Win32_LoggedOnUser",
    "SELECT * FROM Win32_LogonSession WHERE LogonType = 2 OR LogonType = 10",
    "SELECT * FROM Win32_Process WHERE Name = 'sshd'",
    "SELECT Handle, Name, CommandLine FROM Win32_Process WHERE Name LIKE '%ssh%' AND NOT ProcessId < 1000",
    "SELECT name FROM win32_process WHERE handle = 0 OR handle = 4",
    "ASSOCIATORS OF {Win32_Process.Handle='4312'} WHERE AssocClass = Win32_SessionProcess",
    "ASSOCIATORS OF {Win32_LogonSession.LogonId=41} WHERE AssocClass = Win32_LoggedOnUser Role = Dependent",
    "REFERENCES OF {Win32_Process.Handle=4312}",
)
"""The queries that scripts ask most."""

ALL_PAIRS = "SELECT * FROM Win32_SessionProcess"
SOME = "SELECT Handle, Name FROM Win32_Process WHERE Name LIKE '%sh' AND ProcessId > 100"
ROWS, INSTANCES, LOOP, PYWBEM = (
    "Logonscope's rows", "host.query: an Instance of each", "plain loop that makes the same tuples",
    "plain loop, and pywbem's CIMInstance of each",
)  # fmt: skip
MAX_RATIO_TO_LOOP = 1.5
RECORDED = 20_000
MAX_RECORDED = 100_000
MAX_GROWTH = 1.2
OFTEN = 200


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure understanding, answering and memory, on recorded hosts."""
    small = recording(tools, RECORDED)
    yield from _understood(plan, small)
    yield from _answered(plan, small)
    yield from _held(small, recording(tools, MAX_RECORDED))


def _understood(plan: Plan, host: str) -> Iterator[Row]:
    request = _request(RecordedSource.open(host))

    def turn(text: str) -> Turn:
        return call(lambda: [plan_of(request, text) for _ in range(OFTEN)])

    seconds = contest({text: turn(text) for text in COMMONEST}, plan.rounds)
    for text, took in seconds.items():
        yield Row("parse, bind and plan", f"`{text}`", f"{took / OFTEN * 1e6:.0f} µs")


def _answered(plan: Plan, host: str) -> Iterator[Row]:
    question = f"`{ALL_PAIRS}` over {RECORDED:,} recorded processes"
    source, connected = RecordedSource.open(host), logonscope.connect(host)
    loop = partial(pairs, snapshot(RECORDED))
    field = Field()
    field.enter(ROWS, lambda: call(lambda: [deque(found.rows, 0) for found in _results(source, ALL_PAIRS)]))
    field.enter(LOOP, lambda: call(lambda: deque(loop(), 0)))
    field.enter(INSTANCES, lambda: call(lambda: deque(connected.query(ALL_PAIRS), 0)))
    field.enter(PYWBEM, lambda: _as_pywbem(loop))
    seconds = contest(field.turns, plan.rounds)
    mine, plain = seconds[ROWS], seconds[LOOP]
    yield Row(question, ROWS, f"{milliseconds(mine)}, {RECORDED / mine:,.0f} rows a second")
    said = f"Logonscope's rows take {mine / plain:.2f} x"
    yield Row(question, LOOP, milliseconds(plain), said, at_most(mine / plain, MAX_RATIO_TO_LOOP))
    shown = seconds[INSTANCES]
    yield Row(question, INSTANCES, f"{milliseconds(shown)}, {RECORDED / shown:,.0f} rows a second")
    if PYWBEM in seconds:
        said = f"takes {seconds[PYWBEM] / shown:.1f} x those instances"
        yield Row(question, PYWBEM, milliseconds(seconds[PYWBEM]), said)
    yield from (Row(question, name, why) for name, why in field.absent.items())


def _held(small: str, large: str) -> Iterator[Row]:
    question = f"memory of `{SOME}`, without that of the recording"
    first = None
    for host, size in ((small, RECORDED), (large, MAX_RECORDED)):
        source = RecordedSource.open(host)
        deque(_rows(source, SOME), 0)  # what is imported and compiled once
        tracemalloc.start()
        count = sum(1 for _ in _rows(source, SOME))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        measured = f"{peak / 1024:.0f} KiB, {count:,} rows"
        if first is None:
            first = peak
            yield Row(question, f"{size:,} recorded processes", measured)
        else:
            growth = peak / first
            aim = at_most(growth, MAX_GROWTH)
            yield Row(question, f"{size:,} recorded processes", measured, f"{growth:.2f} x", aim)


def _results(source: Source, text: str) -> Iterator[ClassRows]:
    return (found for found in query(_request(source), text) if isinstance(found, ClassRows))


def _rows(source: Source, text: str) -> Iterator[tuple[Any, ...]]:
    for found in _results(source, text):
        yield from found.rows


def _request(source: Source) -> Request:
    return Request(source, LINUX, Caller("root", 0, administrator=True))


def _as_pywbem(loop: Callable[[], Iterator[Any]]) -> Turn:
    """Return the turn that makes pywbem's objects of what the plain loop gives.

    Raises:
        UnavailableError: pywbem is not installed.
    """
    try:
        from pywbem import CIMInstance, CIMInstanceName  # noqa: PLC0415 -- a peer that may be missing
    except ImportError:
        raise UnavailableError("no pywbem here: pip install pywbem") from None

    def objects() -> Iterator[Any]:
        for (_, logon), (_, handle) in loop():
            antecedent = CIMInstanceName("Win32_LogonSession", {"LogonId": logon}, namespace="root/cimv2")
            dependent = CIMInstanceName("Win32_Process", {"Handle": handle}, namespace="root/cimv2")
            yield CIMInstance("Win32_SessionProcess", {"Antecedent": antecedent, "Dependent": dependent})

    return call(lambda: deque(objects(), 0))
