"""Tests of server/event_wait.py: a wait ends by a wake-up of any thread, by the clock, or by the client."""

import asyncio
import threading
from collections.abc import Callable
from typing import cast

import pytest

from logonscope.dispatch.watches import EventWaiter
from logonscope.server.event_wait import EventWait
from logonscope.server.thread_calls import ClientDisconnectedError


class Waiter:
    """Something that waits for events, for so many seconds at most."""

    pause_seconds = 0.0

    def __init__(self, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        self.call: Callable[[], object] = bool

    def notify(self, call: Callable[[], object]) -> None:
        self.call = call


async def forever() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    pass


def test_a_thread_ends_it_and_each_wake_up_counts_once() -> None:
    async def wait() -> int:
        waiter, waits = Waiter(60), 0
        events = EventWait(cast(EventWaiter, waiter), forever)
        for _ in range(3):
            thread = threading.Thread(target=lambda: [waiter.call() for _ in range(5)])
            thread.start()
            await asyncio.wait_for(events.until_due(), 30)
            thread.join()
            waits += 1
            waiter.wait_seconds = 0.01
            await events.until_due()
            waiter.wait_seconds = 60
        events.close()
        return waits

    assert asyncio.run(wait()) == 3


def test_the_clock_ends_it() -> None:
    async def wait() -> None:
        events = EventWait(cast(EventWaiter, Waiter(0.01)))
        await asyncio.wait_for(events.until_due(), 30)
        events.close()

    asyncio.run(wait())


def test_a_client_that_leaves_ends_it() -> None:
    async def wait() -> None:
        events = EventWait(cast(EventWaiter, Waiter(60)), at_once)
        with pytest.raises(ClientDisconnectedError):
            await asyncio.wait_for(events.until_due(), 30)

    asyncio.run(wait())
