"""Blocking calls in a thread pool, awaited by the event loop at most until the deadline of their request."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from logonscope.errors import Hint, HintCode, TimedOutError
from logonscope.machine import Deadline

Result = TypeVar("Result")

CHECK_INTERVAL = 0.5
"""Seconds between two checks of the deadline."""

QUICK_SECONDS = 0.02
"""Seconds before the client is watched: a call that returns by then does not end any earlier if the client leaves."""

LATE_CHECKS = 4
"""Checks after the deadline before a call counts as hung: one that observes the deadline has returned by then."""


class ClientDisconnectedError(Exception):
    """The client closed its connection before it got the answer."""


def _nothing() -> None:
    """Do nothing."""


async def run_in_thread(
    pool: ThreadPoolExecutor,
    call: Callable[[], Result],
    deadline: Deadline,
    wait_for_disconnect: Callable[[], Awaitable[object]],
    on_end: Callable[[], object] = _nothing,
) -> Result:
    """Run a blocking call in a thread and return its result.

    Args:
        pool: the threads.
        call: the blocking call; it checks the deadline itself.
        deadline: the deadline of the request; it is cancelled when the client disconnects.
        wait_for_disconnect: waits until the client disconnects.
        on_end: called when the call has returned, even if the request ended earlier.

    Raises:
        ClientDisconnectedError: the client disconnected before the call returned.
        TimedOutError: the call hangs past its deadline; its thread is abandoned.
    """
    working = asyncio.get_running_loop().run_in_executor(pool, call)
    working.add_done_callback(partial(_notify, on_end))
    # Most calls return at once: then no task has to watch the client, which would cost a quarter of a small request.
    await asyncio.wait((working,), timeout=QUICK_SECONDS)
    if working.done():
        return working.result()
    leaving: asyncio.Future[object] = asyncio.ensure_future(wait_for_disconnect())
    try:
        late_checks = 0
        while not working.done():
            await asyncio.wait((working, leaving), timeout=CHECK_INTERVAL, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done() and not working.done():
                deadline.cancel()
                raise ClientDisconnectedError
            # The call may move its deadline while it works, so only checks in a row count.
            late_checks = late_checks + 1 if deadline.is_over else 0
            if late_checks > LATE_CHECKS:
                raise TimedOutError(
                    "the request did not end after its timeout and was abandoned", Hint(HintCode.CHECK_ACCESS)
                )
        return working.result()
    finally:
        leaving.cancel()
        if not working.done():
            working.add_done_callback(_retrieve_exception)


def _notify(on_end: Callable[[], object], _future: "asyncio.Future[Any]") -> None:
    on_end()


def _retrieve_exception(abandoned: "asyncio.Future[Any]") -> None:
    """Retrieve the exception of an abandoned call: asyncio logs an error for each that is never retrieved."""
    if not abandoned.cancelled():
        abandoned.exception()
