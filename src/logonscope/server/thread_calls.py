"""Calls that block, in a pool of threads; no request waits for one longer than for its deadline."""

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


def _nothing() -> None:
    """Do nothing."""


async def done(
    pool: ThreadPoolExecutor,
    call: Callable[[], Result],
    deadline: Deadline,
    gone: Callable[[], Awaitable[object]],
    on_end: Callable[[], object] = _nothing,
) -> Result:
    """Return what a call in a thread returns.

    Args:
        pool: of threads.
        call: what blocks; it looks at the deadline itself.
        deadline: is cancelled where nobody waits any more.
        gone: waits until the client has gone.
        on_end: called once the call has ended, also where nobody waits for it any more.

    Raises:
        GoneError: the client went away before there was an answer.
        TimedOutError: the call did not heed its deadline; it is left behind.
    """
    working = asyncio.get_running_loop().run_in_executor(pool, call)
    working.add_done_callback(lambda _: on_end())
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
