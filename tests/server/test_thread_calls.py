"""Tests of server/thread_calls.py: no request waits longer than its deadline, and a call ends with its client."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from logonscope.errors import NotFoundError, TimedOutError
from logonscope.machine import Deadline
from logonscope.server.thread_calls import ClientDisconnectedError, ThreadCall


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    await asyncio.sleep(0.01)


def waited(
    pool: ThreadPoolExecutor,
    call: Callable[[], object],
    deadline: Deadline,
    gone: Callable[[], Awaitable[object]] = never,
) -> object:
    async def run() -> object:
        return await ThreadCall(pool, call, deadline, list).wait(gone)

    return asyncio.run(run())


def test_what_a_call_returns_and_raises_comes_through(pool: ThreadPoolExecutor) -> None:
    def missing() -> None:
        raise NotFoundError("x")

    assert waited(pool, lambda: threading.current_thread() is not threading.main_thread(), Deadline()) is True
    with pytest.raises(NotFoundError):
        waited(pool, missing, Deadline())


def test_a_disconnect_ends_the_work(pool: ThreadPoolExecutor) -> None:
    deadline, ended = Deadline(60), threading.Event()

    def works() -> None:
        while not deadline.is_over:
            time.sleep(0.01)
        ended.set()

    with pytest.raises(ClientDisconnectedError):
        waited(pool, works, deadline, at_once)
    assert ended.wait(10)


def test_what_does_not_heed_its_deadline_is_left_behind(pool: ThreadPoolExecutor) -> None:
    released = threading.Event()
    began = time.monotonic()
    try:
        with pytest.raises(TimedOutError, match="was abandoned"):
            waited(pool, lambda: released.wait(60), Deadline(0.01))
        assert time.monotonic() - began < 30
    finally:
        released.set()
