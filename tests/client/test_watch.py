"""client/watch.py: iterators of events, with and without asyncio, and how they end."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest

from logonscope.client.watch import Watch, check_events
from logonscope.errors import InvalidParameterError, TimedOutError


class Reader:
    """A reader of what a test adds."""

    description = "a test"

    def __init__(self) -> None:
        self._results: deque[tuple[str, Any]] = deque()
        self._changed = threading.Condition()
        self.is_closed = False

    def add(self, *results: Any) -> None:
        with self._changed:
            self._results += [(f"after {result}", result) for result in results]
            self._changed.notify_all()

    def read(self, seconds: float | None = None) -> Sequence[tuple[str, Any]]:
        with self._changed:
            self._changed.wait_for(lambda: self._results or self.is_closed, seconds)
            results = list(self._results)
            self._results.clear()
            return results

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()


def test_it_yields_results_and_keeps_the_cursor_of_the_last() -> None:
    reader = Reader()
    reader.add("a", "b")
    with Watch(reader) as watch:
        assert next(watch) == "a"
        assert watch.cursor == "after a"
        assert watch.wait(5) == "b"
        assert watch.wait(0.01) is None
    assert reader.is_closed


def test_a_wait_without_an_event_times_out_and_the_next_one_goes_on() -> None:
    reader = Reader()
    watch = Watch(reader, timeout=0.02)
    with pytest.raises(TimedOutError, match=r"no event within 0\.02 s"):
        next(watch)
    reader.add("a")
    assert next(watch) == "a"
    with pytest.raises(InvalidParameterError, match="invalid timeout"):
        Watch(reader, timeout=0)


def test_another_thread_can_end_it() -> None:
    closed: list[int] = []
    watch = Watch(Reader(), on_close=lambda: closed.append(1))
    threading.Timer(0.05, watch.close).start()
    assert list(watch) == []
    watch.close()
    assert closed == [1]


def test_what_was_read_ahead_ends_with_close() -> None:
    reader = Reader()
    reader.add("a", "b")
    with Watch(reader) as watch:
        assert next(watch) == "a"
    assert watch.is_closed
    assert list(watch) == []
    assert watch.cursor == "after a"


def test_a_close_that_is_under_way_ends_the_iteration() -> None:
    class SlowReader(Reader):
        def close(self) -> None:
            with pytest.raises(StopIteration):
                next(watch)
            super().close()

    reader = SlowReader()
    reader.add("a", "b")
    watch = Watch(reader)
    assert next(watch) == "a"
    watch.close()
    assert reader.is_closed


def test_async_iteration_ends_with_close_and_blocks_no_loop() -> None:
    reader, ticks = Reader(), list[float]()

    async def tick() -> None:
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    async def run() -> list[Any]:
        ticker = asyncio.create_task(tick())
        threading.Timer(0.1, reader.add, ["a", "b"]).start()
        found: list[Any] = []
        async with Watch(reader) as watch:
            async for result in watch:
                found.append(result)
                if len(found) == 2:
                    threading.Timer(0.05, watch.close).start()
        ticker.cancel()
        return found

    assert asyncio.run(run()) == ["a", "b"]
    assert len(ticks) > 3


def test_a_close_before_the_wait_ends_the_async_iteration() -> None:
    class Closing(Reader):
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if name == "is_closed" and not value:
                watch.close()
            return value

    watch = Watch(Closing())

    async def run() -> list[Any]:
        return [result async for result in watch]

    assert asyncio.run(run()) == []


def test_a_cancelled_wait_loses_no_event() -> None:
    reader = Reader()

    async def run() -> Any:
        async with Watch(reader) as watch:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(anext(watch), 0.05)
            reader.add("a")
            return await asyncio.wait_for(anext(watch), 20)

    assert asyncio.run(run()) == "a"


def test_async_waits_time_out() -> None:
    async def run() -> Any:
        async with Watch(Reader(), timeout=0.02) as watch:
            return await anext(watch)

    with pytest.raises(TimedOutError, match="no event within"):
        asyncio.run(run())


def test_unknown_names_of_events_are_rejected() -> None:
    assert check_events("Lost") == frozenset({"Lost"})
    assert check_events(None) is None
    with pytest.raises(InvalidParameterError, match="invalid event 'Login': expected Lo"):
        check_events(["Login"])
