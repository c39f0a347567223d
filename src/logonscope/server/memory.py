"""Return of free memory to the kernel, so that the server does not stay large after a flood of requests.

glibc keeps freed memory for later allocations, and keeps more after large blocks were freed: a password check takes
19 MiB for a moment (argon2), a TLS handshake 300 KiB. With another C library nothing is done.
"""

import asyncio
import ctypes
import gc
import resource
from collections.abc import Callable
from typing import cast

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3), from malloc.h."""

MAX_FREE_BYTES = 4 << 20
"""Bytes of free memory that glibc may keep at the end of an arena."""

LARGE_BLOCK = 1 << 20
"""Bytes of the smallest block that is unmapped as soon as it is freed."""

GROWTH = 16 << 20
"""Bytes by which the resident set must grow before free memory is returned again."""

INTERVAL = 20.0
"""Seconds between two checks of the resident set."""


def limit_free_memory() -> None:
    """Limit the free memory that glibc keeps (mallopt(3))."""
    mallopt = _c_function("mallopt")
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        mallopt(M_TRIM_THRESHOLD, MAX_FREE_BYTES)


async def return_free_memory(interval: float = INTERVAL) -> None:
    """Return free pages between used ones to the kernel (malloc_trim(3)) whenever the resident set has grown.

    Connections that ended during their handshake leave reference cycles of few objects with large buffers. Python
    counts objects, not bytes, and would collect these cycles late. So they are collected here.
    """
    # Growth is measured from the lowest size since the last trim, so that slow growth is found as well.
    trim = _c_function("malloc_trim")
    lowest = resident_bytes()
    while trim is not None:
        await asyncio.sleep(interval)
        if resident_bytes() - lowest > GROWTH:
            gc.collect()
            trim(0)
            lowest = resident_bytes()
        lowest = min(lowest, resident_bytes())


def resident_bytes() -> int:
    """Return the size of the resident set (proc(5), statm)."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def _c_function(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; None if the library has no such function."""
    return cast("Callable[..., int] | None", getattr(ctypes.CDLL(None), name, None))
