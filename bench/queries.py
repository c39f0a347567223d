"""What does WQL cost? To understand a query, to answer one beside a plain loop, and in memory."""

import tracemalloc
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import logonscope
from bench.contest import Field, Turn, call, contest
from bench.plan import Plan
from bench.table import Row, at_most, milliseconds
from bench.tools import UnavailableError
from logonscope.broker import Broker, Caller
from logonscope.broker.plan import plan as plan_of
from logonscope.broker.query import query
from logonscope.cim.instances import Result
from logonscope.facts import Account, Login, Machine, Process, Snapshot
from logonscope.ownership import join, owners
from logonscope.sources.recorded import recorded, save

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
MOST_OF_LOOP = 1.5
RECORDED = 20_000
MOST_RECORDED = 100_000
MOST_GROWTH = 1.2
OFTEN = 200


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure understanding, answering and memory, on recorded hosts."""
    small = _recording(tools, RECORDED)
    yield from _understood(plan, small)
    yield from _answered(plan, small)
    yield from _held(small, _recording(tools, MOST_RECORDED))


def _understood(plan: Plan, host: str) -> Iterator[Row]:
    broker = _broker(host)

    def turn(text: str) -> Turn:
        return call(lambda: [plan_of(broker, text) for _ in range(OFTEN)])

    seconds = contest({text: turn(text) for text in COMMONEST}, plan.rounds)
    for text, took in seconds.items():
        yield Row("parse, bind and plan", f"`{text}`", f"{took / OFTEN * 1e6:.0f} µs")


def _answered(plan: Plan, host: str) -> Iterator[Row]:
    question = f"`{ALL_PAIRS}` over {RECORDED:,} recorded processes"
    broker, connected = _broker(host), logonscope.connect(host)
    snapshot = _snapshot(RECORDED)

    def pairs() -> Iterator[tuple[Any, ...]]:
        owner = owners(join(snapshot.logins))
        return (
            (("Win32_LogonSession", owner(process).logon), ("Win32_Process", str(process.pid)))
            for process in snapshot.processes
        )

    field = Field()
    field.enter(ROWS, lambda: call(lambda: [deque(found.rows, 0) for found in _results(broker, ALL_PAIRS)]))
    field.enter(LOOP, lambda: call(lambda: deque(pairs(), 0)))
    field.enter(INSTANCES, lambda: call(lambda: deque(connected.query(ALL_PAIRS), 0)))
    field.enter(PYWBEM, lambda: _as_pywbem(pairs))
    seconds = contest(field.turns, plan.rounds)
    mine, loop = seconds[ROWS], seconds[LOOP]
    yield Row(question, ROWS, f"{milliseconds(mine)}, {RECORDED / mine:,.0f} rows a second")
    said = f"Logonscope's rows take {mine / loop:.2f} x"
    yield Row(question, LOOP, milliseconds(loop), said, at_most(mine / loop, MOST_OF_LOOP))
    shown = seconds[INSTANCES]
    yield Row(question, INSTANCES, f"{milliseconds(shown)}, {RECORDED / shown:,.0f} rows a second")
    if PYWBEM in seconds:
        said = f"takes {seconds[PYWBEM] / shown:.1f} x those instances"
        yield Row(question, PYWBEM, milliseconds(seconds[PYWBEM]), said)
    yield from (Row(question, name, why) for name, why in field.absent.items())


def _held(small: str, large: str) -> Iterator[Row]:
    question = f"memory of `{SOME}`, beside what the recording takes"
    first = None
    for host, size in ((small, RECORDED), (large, MOST_RECORDED)):
        broker = _broker(host)
        deque(_rows(broker, SOME), 0)  # what is imported and compiled once
        tracemalloc.start()
        count = sum(1 for _ in _rows(broker, SOME))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        measured = f"{peak / 1024:.0f} KiB, {count:,} rows"
        if first is None:
            first = peak
            yield Row(question, f"{size:,} recorded processes", measured)
        else:
            growth = peak / first
            aim = at_most(growth, MOST_GROWTH)
            yield Row(question, f"{size:,} recorded processes", measured, f"{growth:.2f} x", aim)


def _results(broker: Broker, text: str) -> Iterator[Result]:
    return (found for found in query(broker, text) if isinstance(found, Result))


def _rows(broker: Broker, text: str) -> Iterator[tuple[Any, ...]]:
    for found in _results(broker, text):
        yield from found.rows


def _broker(host: str) -> Broker:
    return Broker(recorded(host), Caller("root", 0, administrator=True))


def _recording(folder: str, size: int) -> str:
    path = str(Path(folder, f"{size}.lsr"))
    save(_snapshot(size), path, replace=True)
    return path


def _snapshot(size: int) -> Snapshot:
    """Return a host with two logins of many processes."""
    machine = Machine("bench", "boot", 1_700_000_000, 100, 4096, "6.1", "Debian", audit=True, uid_min=1000)
    logins = tuple(
        Login(str(ses), uid, audit=ses, since=1_700_000_100_000_000, cls="user", type="tty", service="sshd",
              scope=f"session-{ses}.scope", state="active", gone=False)
        for ses, uid in ((41, 1000), (37, 1001))
    )  # fmt: skip
    processes = [
        Process(
            10 + at, ses=41 if at % 2 else 37, loginuid=1000 + (at + 1) % 2, cgroup="/",
            comm="bash" if at % 3 else "ssh", state="S", ppid=1, tty_nr=0, priority=20, nice=0, threads=1,
            start=1000 + at, tgid=10 + at,
            uids=(1000,) * 4, gids=(1000,) * 4, cmdline=b"-bash\0", name="bash" if at % 3 else "ssh",
        )
        for at in range(size)
    ]  # fmt: skip
    accounts = {uid: Account(f"u{uid}", uid, uid, "", "/", "/bin/sh") for uid in (0, 1000, 1001)}
    return Snapshot(machine, processes, logins, accounts, (), [], tuple(accounts.values()))


def _as_pywbem(pairs: Any) -> Turn:
    """Return the turn that makes pywbem's objects of what the plain loop gives.

    Raises:
        UnavailableError: pywbem is not installed.
    """
    try:
        from pywbem import CIMInstance, CIMInstanceName  # noqa: PLC0415 -- a peer that may be missing
    except ImportError:
        raise UnavailableError("no pywbem here: pip install pywbem") from None

    def objects() -> Iterator[Any]:
        for (_, logon), (_, handle) in pairs():
            antecedent = CIMInstanceName("Win32_LogonSession", {"LogonId": logon}, namespace="root/cimv2")
            dependent = CIMInstanceName("Win32_Process", {"Handle": handle}, namespace="root/cimv2")
            yield CIMInstance("Win32_SessionProcess", {"Antecedent": antecedent, "Dependent": dependent})

    return call(lambda: deque(objects(), 0))
