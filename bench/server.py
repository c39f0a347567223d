"""What does an answer cost over the wire? Every association by WS-Management on loopback, and one small pull."""

import re
import subprocess
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from bench.contest import call, contest
from bench.plan import Plan
from bench.recordings import pairs, recording, snapshot
from bench.sealed import SealedClient
from bench.served import Client, Served, served
from bench.table import Row, at_least, at_most, milliseconds
from bench.tools import UnavailableError, tool

SIZES = (5_000, 50_000)
CLASS, MAX_ELEMENTS = "Win32_SessionProcess", 32_000
OFTEN = 200
"""Small pulls of one turn."""

MIN_A_SECOND = 300_000
"""Aim: rows a second; OMI, in C++, gives 25,000 to 33,000 of this class."""

MAX_MILLISECONDS_PER_PULL = 2.0
"""Aim: milliseconds from a small Pull to its answer."""

SEALED_ROUNDS, MAX_SEALED_MICROSECONDS = 5, 9.0
"""Aim: microseconds of processor for a row whose message is encrypted."""

OURS, LOOP = f"`logonscope serve`, MaxElements {MAX_ELEMENTS:,}", "plain loop that makes the same tuples"
SMALL = "one Pull of one item, on a connection that is kept"
_END = f"</p:{CLASS}>".encode()
_WRITTEN = re.compile(r"(?:sendto|sendmsg|write|writev)\(.* = ([2-9]|\d\d+)$")  # one octet wakes our own loop up


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure enumerations of two sizes, and small pulls."""
    try:
        for size in SIZES:
            with served(recording(tools, size)) as server:
                with Client(server.port) as client:
                    yield from _enumerated(plan, server, client, size)
                with SealedClient(server.port) as client:
                    yield _sealed(server, client, size)
        with served(recording(tools, SIZES[0])) as server, Client(server.port) as client:
            yield from _pulled(plan, server, client, str(Path(tools, "writes")))
    except UnavailableError as why:
        yield Row(SMALL, OURS, f"not measured: {why}")


def _enumerated(plan: Plan, server: Served, client: Client, size: int) -> Iterator[Row]:
    question, first, host = f"{CLASS} by WS-Management, {size:,} recorded associations", list[float](), snapshot(size)
    enumeration(client, size, first)
    server.forget_peak()
    before, used, octets = server.memory(), server.cpu, client.octets
    loop = call(lambda: deque(pairs(host), 0))
    seconds = contest({OURS: partial(enumeration, client, size, first), LOOP: loop}, plan.rounds)
    mine, plain, told = seconds[OURS], seconds[LOOP], size * (plan.rounds + 1)
    measured = f"{milliseconds(mine)}, {size / mine:,.0f} rows a second; the first after {milliseconds(min(first))}"
    yield Row(question, OURS, measured, aim=at_least(size / mine, MIN_A_SECOND))
    yield Row(question, LOOP, milliseconds(plain), f"the server takes {mine / plain:.1f} x")
    cpu, more = (server.cpu - used) / told, server.memory(peak=True) - before
    measured = f"{cpu * 1e6:.1f} µs of processor, {(client.octets - octets) / told:.0f} octets"
    yield Row(question, "the server, a row", f"{measured}; its memory grew by at most {more / 1024:.1f} MiB")


def _sealed(server: Served, client: Client, size: int) -> Row:
    """Measure a row in messages that are encrypted with NTLM: the lowest of the rounds."""
    used = []
    for _ in range(SEALED_ROUNDS):
        before = server.cpu
        enumeration(client, size, [])
        used.append(server.cpu - before)
    micros = min(used) / size * 1e6
    question = f"{CLASS} by WS-Management, {size:,} recorded associations"
    measured = f"{micros:.1f} µs of processor"
    return Row(
        question, "the server, a row encrypted with NTLM", measured, aim=at_most(micros, MAX_SEALED_MICROSECONDS)
    )


def enumeration(client: Client, size: int, first: list[float]) -> float:
    """Enumerate to the end; return the seconds that took, and add those until the first rows came to ``first``."""
    begin, count = time.perf_counter(), 0
    for answer in client.enumerate(CLASS, MAX_ELEMENTS):
        before, count = count, count + answer.count(_END)
        if count and not before:
            first.append(time.perf_counter() - begin)
    took = time.perf_counter() - begin
    if count != size:
        raise UnavailableError(f"{count:,} rows came, of {size:,}")
    return took


def _pulled(plan: Plan, server: Served, client: Client, log: str) -> Iterator[Row]:
    pulls = client.enumerate(CLASS, 1)
    next(pulls)
    seconds = contest({SMALL: call(lambda: deque((next(pulls) for _ in range(OFTEN)), 0))}, plan.rounds)
    took = seconds[SMALL] / OFTEN * 1e3
    yield Row(SMALL, OURS, f"{took:.2f} ms", aim=at_most(took, MAX_MILLISECONDS_PER_PULL))
    try:
        writes = _writes(server, pulls, log) / OFTEN
    except UnavailableError as why:
        yield Row(SMALL, "writes of the server", f"not measured: {why}")
        return
    yield Row(SMALL, "writes of the server", f"{writes:g} an answer", aim="1: met" if writes == 1 else "1: MISSED")


def _writes(server: Served, pulls: Iterator[object], log: str) -> int:
    """Return how often the server writes to its client while it answers, as strace(1) sees it."""
    words = [
        tool("strace", "strace"),
        "-f",
        "-e",
        "trace=sendto,sendmsg,write,writev",
        "-o",
        log,
        "-p",
        str(server.pid),
    ]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as strace:
        try:
            said = strace.stderr.readline() if strace.stderr else ""
            if "attached" not in said:
                raise UnavailableError(said.strip())
            deque((next(pulls) for _ in range(OFTEN)), 0)
        finally:
            strace.terminate()
            strace.communicate()
    with open(log, encoding="utf-8", errors="replace") as file:
        return sum(_WRITTEN.search(line.rstrip()) is not None for line in file)
