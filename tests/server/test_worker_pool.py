"""Tests of server/worker_pool.py: no caller can take all threads, or the interpreter, from others."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from logonscope.errors import ServerTooBusyError
from logonscope.machine import Deadline
from logonscope.server.thread_calls import ClientDisconnectedError
from logonscope.server.worker_pool import RESERVED_THREADS, Claimant, Rank, WorkerPool
from tests.server.attacked import asking, attacked, request, running_as

WORKERS, OWN = 8, 2
"""Threads for everybody together, and for one ordinary caller."""

SETS, PATTERNS, ARGUMENT = 240, 15, 33_000
WORST = " OR ".join([f"CommandLine LIKE '%{'[ab]' * SETS}x%'"] * PATTERNS)
ONE_ROW = "SELECT Handle FROM Win32_Process WHERE Handle = '1'"
QUICKLY = 1.0
"""Seconds that an administrator's question of one row may take."""


class Hall:
    """Calls that stay in their threads until they are released, and who is there."""

    def __init__(self) -> None:
        self.here: list[str] = []
        self.most = 0
        self._open, self._lock = threading.Event(), threading.Lock()

    def visit(self, name: str) -> Callable[[], str]:
        def call() -> str:
            with self._lock:
                self.here.append(name)
                self.most = max(self.most, len(self.here))
            self._open.wait(20)
            return name

        return call

    def release(self) -> None:
        self._open.set()


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.release()


async def never() -> None:
    await asyncio.Event().wait()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0.005)


def test_of_one_caller_only_some_run(hall: Hall) -> None:
    async def run() -> None:
        shares = WorkerPool(WORKERS, "test")
        alice, bob = Claimant("alice"), Claimant("bob")
        tasks = [
            asyncio.ensure_future(shares.run(who, hall.visit(str(who.key)), Deadline(20), never))
            for who in [alice] * 10 + [bob] * 3
        ]
        await settled()
        assert sorted(hall.here) == ["alice"] * OWN + ["bob"] * OWN
        hall.release()
        assert await asyncio.gather(*tasks) == ["alice"] * 10 + ["bob"] * 3
        shares.shutdown()

    asyncio.run(run())


def test_an_administrators_request_without_a_thread_is_not_urgent_for_ever() -> None:
    async def run() -> None:
        shares, administrator = WorkerPool(WORKERS, "test"), Claimant("admin", Rank.ADMINISTRATOR)
        shares.shutdown()  # no thread can be started
        with pytest.raises(RuntimeError):
            await shares.run(administrator, str, Deadline(20), never)
        with pytest.raises(RuntimeError):
            shares.start(administrator, str, Deadline(20))
        assert not shares.has_urgent_work

    asyncio.run(run())


def test_callers_who_wait_are_taken_in_turns(hall: Hall) -> None:
    async def run() -> None:
        shares = WorkerPool(1, "test")
        names = ["alice", "alice", "alice", "bob"]
        tasks = [asyncio.ensure_future(shares.run(Claimant(n), hall.visit(n), Deadline(20), never)) for n in names]
        await settled()
        hall.release()
        await asyncio.gather(*tasks)
        shares.shutdown()

    asyncio.run(run())
    assert hall.here == ["alice", "alice", "bob", "alice"]


def test_a_thread_is_kept_for_an_administrator_and_one_for_root(hall: Hall) -> None:
    async def run() -> None:
        shares = WorkerPool(WORKERS, "test")
        crowd = [Claimant(number) for number in range(WORKERS + 5)]
        administrators = [Claimant(f"admin {number}", Rank.ADMINISTRATOR) for number in range(4)]
        root = Claimant(0, Rank.ROOT)
        tasks = [
            asyncio.ensure_future(shares.run(who, hall.visit(who.rank.name), Deadline(20), never))
            for who in (*crowd, *administrators, root)
        ]
        await settled()
        assert hall.here == ["ORDINARY"] * WORKERS + ["ADMINISTRATOR", "ROOT"]
        hall.release()
        await asyncio.gather(*tasks)
        shares.shutdown()

    asyncio.run(run())
    assert hall.most == len(hall.here) == WORKERS + 5 + 4 + 1
    assert RESERVED_THREADS == 2


def test_a_pool_is_stuck_once_all_its_threads_are_left_behind_for_long(hall: Hall) -> None:
    stuck: list[bool] = []

    async def soon() -> None:
        await asyncio.sleep(0.05)

    async def run() -> None:
        shares = WorkerPool(WORKERS, "test", stuck_seconds=0.05)
        busy = [
            asyncio.ensure_future(shares.run(Claimant(number), hall.visit("busy"), Deadline(20), never))
            for number in range(WORKERS // 2)
        ]
        left = [shares.run(Claimant(f"left {number}"), hall.visit("left"), Deadline(20), soon) for number in range(3)]
        await asyncio.gather(*left, return_exceptions=True)
        await settled()
        stuck.append(shares.is_stuck)
        hall.release()
        await asyncio.gather(*busy)
        await settled()
        other = Hall()
        left = [shares.run(Claimant(number), other.visit("left"), Deadline(20), soon) for number in range(WORKERS)]
        await asyncio.gather(*left, return_exceptions=True)
        stuck.append(shares.is_stuck)
        await settled()
        stuck.append(shares.is_stuck)
        other.release()
        await settled()
        stuck.append(shares.is_stuck)
        shares.shutdown()

    asyncio.run(run())
    assert stuck == [False, False, True, False]


def test_a_long_wait_is_refused_and_a_disconnected_client_dropped(hall: Hall) -> None:
    async def soon() -> None:
        await asyncio.sleep(0.05)

    async def run() -> None:
        shares, alice = WorkerPool(1, "test"), Claimant("alice")
        first = asyncio.ensure_future(shares.run(alice, hall.visit("first"), Deadline(20), never))
        await settled()
        with pytest.raises(ServerTooBusyError):
            await shares.run(alice, hall.visit("late"), Deadline(0.05), never)
        with pytest.raises(ClientDisconnectedError):
            await shares.run(alice, hall.visit("gone"), Deadline(20), soon)
        assert repr(shares) == "<WorkerPool of 1 workers: 1 running, 0 waiting>"
        hall.release()
        await first
        assert await shares.run(alice, hall.visit("next"), Deadline(20), never) == "next"
        shares.shutdown()

    asyncio.run(run())
    assert hall.here == ["first", "next"]


def test_ordinary_work_pauses_while_an_administrator_asks() -> None:
    """The processor time of the thread is measured: beside other programs, it can only be less."""

    async def run() -> tuple[float, float]:
        shares, deadline, used = WorkerPool(2, "test"), Deadline(20), [0.0]
        stop = threading.Event()

        def works() -> None:
            while not stop.is_set():
                deadline.check()
                used[0] = time.thread_time()

        working = asyncio.ensure_future(shares.run(Claimant("alice"), works, deadline, never))
        await asyncio.sleep(0.3)
        alone, began = used[0], time.monotonic()
        await shares.run(Claimant("root", Rank.ADMINISTRATOR), lambda: time.sleep(0.3), Deadline(20), never)
        beside, seconds = used[0] - alone, time.monotonic() - began
        stop.set()
        await working
        shares.shutdown()
        return beside, seconds

    beside, seconds = asyncio.run(run())
    assert beside < seconds / 3


@pytest.mark.parametrize("users", [1, 5])
def test_the_most_expensive_requests_do_not_delay_an_administrator(users: int) -> None:
    uids = [64_400 + number for number in range(users)]
    content = request(f"SELECT Handle FROM Win32_Process WHERE {WORST}")
    with attacked() as server, ExitStack() as crowd:
        server.ask(ONE_ROW)  # what is imported once
        for uid in uids:
            crowd.enter_context(running_as(uid, ["/bin/sh", "-c", "read x", "a" * ARGUMENT], 20 // users))
            crowd.enter_context(asking(server, uid, content, 40 // users))
        time.sleep(1)
        for _ in range(5):
            began = time.monotonic()
            assert b">1<" in server.ask(ONE_ROW)
            assert time.monotonic() - began < QUICKLY
            time.sleep(0.2)
