"""Where is the work done that blocks? In a bounded pool of threads; nobody waits longer than for the deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from logonscope.errors import Hint, HintCode, TimedOutError
from logonscope.machine import Deadline

Result = TypeVar("Result")

LOOK = 0.5
"""Seconds between two looks at the deadline."""

PATIENCE = 4
"""Looks after the deadline: what can still be told was told by then, and what hangs is left behind."""


class GoneError(Exception):
    """Nobody waits for the answer any more."""


async def done(
    pool: ThreadPoolExecutor, call: Callable[[], Result], deadline: Deadline, gone: Callable[[], Awaitable[object]]
) -> Result:
    """Return what a call in a thread returns.

    Args:
        pool: of threads.
        call: what blocks; it looks at the deadline itself.
        deadline: is cancelled where nobody waits any more.
        gone: waits until the client has gone.

    Raises:
        GoneError: the client went away before there was an answer.
        TimedOutError: the call did not heed its deadline; it is left behind.
    """
    working = asyncio.get_running_loop().run_in_executor(pool, call)
    leaving: asyncio.Future[object] = asyncio.ensure_future(gone())
    try:
        late = 0
        while not working.done():
            await asyncio.wait((working, leaving), timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done() and not working.done():
                deadline.cancel()
                raise GoneError
            late = late + 1 if deadline.is_over else 0
            if late > PATIENCE:
                raise TimedOutError("something hangs, and is left behind", Hint(HintCode.LOOK_OVER))
        return working.result()
    finally:
        leaving.cancel()
        if not working.done():
            working.add_done_callback(_forget)


def _forget(left: "asyncio.Future[Any]") -> None:
    """Take note of what became of a call that nobody waits for."""
    if not left.cancelled():
        left.exception()
