"""Memory that is free goes back to the kernel, so that a flood does not leave the server large for good.

glibc keeps freed memory for the next request for it, and keeps more once large blocks have come and gone: a check of a
password takes 19 MiB for a moment (argon2), a TLS handshake 300 KiB. Another C library keeps what it keeps.
"""

import asyncio
import ctypes
import gc
import resource
from collections.abc import Callable
from typing import cast

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of malloc.h."""

MOST_FREE, LARGE_BLOCK = 4 << 20, 1 << 20
"""Bytes: the most that stays free at the end of an arena; the smallest block that is unmapped once it is freed."""

GROWTH = 16 << 20
"""Bytes by which the resident set has to grow before free memory is returned again."""

INTERVAL = 20.0
"""Seconds between two looks at the resident set."""


def limit_free_memory() -> None:
    """Limit the free memory that glibc keeps (mallopt(3))."""
    mallopt = _function("mallopt")
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        mallopt(M_TRIM_THRESHOLD, MOST_FREE)


async def return_free_memory(interval: float = INTERVAL) -> None:
    """Return the pages that are free between used ones (malloc_trim(3)), whenever the resident set has grown.

    Connections that ended within their handshake are garbage in cycles of few objects with large buffers: Python counts
    objects, and would come to collect them late.
    """
    trim = _function("malloc_trim")
    low = resident_bytes()
    while trim is not None:
        await asyncio.sleep(interval)
        if resident_bytes() - low > GROWTH:
            gc.collect()
            trim(0)
            low = resident_bytes()
        low = min(low, resident_bytes())


def resident_bytes() -> int:
    """Return the size of the resident set (proc(5), statm)."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def _function(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; None where it has none of that name."""
    return cast("Callable[..., int] | None", getattr(ctypes.CDLL(None), name, None))
