"""Blocking calls in a thread pool, awaited by the event loop until their end, or some seconds after their deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Generic, TypeVar

from logonscope.errors import Hint, HintCode, TimedOutError
from logonscope.machine import Deadline

Result = TypeVar("Result")

CHECK_INTERVAL = 0.5
"""Seconds between two checks of the deadline."""

QUICK_SECONDS = 0.02
"""Seconds after which the client's connection is watched. A disconnect does not cancel a call that takes less time."""

LATE_CHECKS = 4
"""Checks after the deadline before a call counts as hung: a call that observes the deadline has returned by then."""


class ClientDisconnectedError(Exception):
    """The client closed its connection before it got the answer."""


def _nothing() -> None:
    """Do nothing."""


class ThreadCall(Generic[Result]):
    """A blocking call that runs in a thread; used by the event loop.

    asyncio's own way (run_in_executor, and wait with a timeout) makes two futures, a task and several callbacks, and
    takes twice as long.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        call: Callable[[], Result],
        deadline: Deadline,
        on_end: Callable[[], object],
    ) -> None:
        """Start the call.

        Args:
            pool: the threads.
            call: the blocking call; it checks the deadline itself.
            deadline: the deadline of the request; it is cancelled when the client disconnects.
            on_end: called in the event loop when the call has returned, even if the request ended earlier.
        """
        self._loop = asyncio.get_running_loop()
        self._deadline, self._on_end = deadline, on_end
        self.is_over = False
        self._value: Result
        self._error: BaseException | None = None
        self._wake: Callable[[], object] = _nothing
        pool.submit(self._run, call)

    @property
    def has_failed(self) -> bool:
        """Return whether the call has raised an error."""
        return self._error is not None

    def result(self) -> Result:
        """Return the value of the call, which has returned, or raise its error."""
        if self._error is not None:
            raise self._error
        return self._value

    def when_over(self, on_result: Callable[[], object], on_delay: Callable[[], object]) -> None:
        """Call ``on_result`` as soon as the call returns; or ``on_delay`` if it has not returned in QUICK_SECONDS."""
        timer = self._loop.call_later(QUICK_SECONDS, self._report_delay, on_delay)
        self._wake = partial(self._report_result, timer, on_result)

    async def wait(self, wait_for_disconnect: Callable[[], Awaitable[object]]) -> Result:
        """Wait for the call, and return its value or raise its error.

        Args:
            wait_for_disconnect: waits until the client disconnects.

        Raises:
            ClientDisconnectedError: the client disconnected before the call returned.
            TimedOutError: the call hangs past its deadline; its thread is abandoned.
        """
        # Most calls return at once. A task that watches the client would be a large part of the cost of such a request.
        if await self._is_over_within(QUICK_SECONDS):
            return self.result()
        return await self.wait_long(wait_for_disconnect)

    async def wait_long(self, wait_for_disconnect: Callable[[], Awaitable[object]]) -> Result:
        """Wait as ``wait`` does, and watch the client from the beginning."""
        disconnection: asyncio.Future[object] = asyncio.ensure_future(wait_for_disconnect())
        disconnection.add_done_callback(self._on_disconnect)
        try:
            late_checks = 0
            while not await self._is_over_within(CHECK_INTERVAL):
                if disconnection.done():
                    self._deadline.cancel()
                    raise ClientDisconnectedError
                # The call may move its deadline while it works, so only checks in a row count.
                late_checks = late_checks + 1 if self._deadline.is_over else 0
                if late_checks > LATE_CHECKS:
                    raise TimedOutError(
                        "the request did not end after its timeout and was abandoned", Hint(HintCode.CHECK_ACCESS)
                    )
            return self.result()
        finally:
            disconnection.cancel()

    async def _is_over_within(self, seconds: float) -> bool:
        """Wait until the call returns, the client disconnects, or the seconds pass; return whether the call is over."""
        if not self.is_over:
            woken: asyncio.Future[None] = self._loop.create_future()
            self._wake = partial(_resolve, woken)
            timer = self._loop.call_later(seconds, self._wake)
            try:
                await woken
            finally:
                timer.cancel()
                self._wake = _nothing
        return self.is_over

    def _run(self, call: Callable[[], Result]) -> None:
        """Run the call; called in the thread."""
        try:
            self._value = call()
        except BaseException as error:  # noqa: BLE001 -- raised again by ``result``
            self._error = error
        # The event loop is already closed if the server has stopped without waiting for this call, which hung.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self.is_over = True
        # The callbacks may refer to this call. They are dropped: without a reference cycle, the result of the call is
        # freed as soon as it was used.
        on_end, wake = self._on_end, self._wake
        self._on_end = self._wake = _nothing
        on_end()
        wake()

    def _on_disconnect(self, _: object) -> None:
        self._wake()

    def _report_delay(self, on_delay: Callable[[], object]) -> None:
        self._wake = _nothing
        on_delay()

    @staticmethod
    def _report_result(timer: asyncio.TimerHandle, on_result: Callable[[], object]) -> None:
        timer.cancel()
        on_result()


def _resolve(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
