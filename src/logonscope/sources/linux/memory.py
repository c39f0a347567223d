"""Reader of the clock and of the memory sizes in /proc/meminfo."""

import os
import time

from logonscope.facts import Vitals


def read_vitals(root: str) -> Vitals:
    """Return the current time and memory sizes; sizes that cannot be read are None."""
    now = time.time_ns() // 1000
    local = time.localtime(now // 1_000_000)
    try:
        with open(os.path.join(root, "proc/meminfo"), "rb", buffering=0) as file:
            sizes = parse_meminfo(file.read(1 << 16))
    except OSError:
        sizes = {}
    return Vitals(
        time=now,
        utc_offset=local.tm_gmtoff // 60,
        daylight=None if local.tm_isdst < 0 else bool(local.tm_isdst),
        memory=sizes.get("MemTotal"),
        memory_available=sizes.get("MemAvailable"),
        swap=sizes.get("SwapTotal"),
        swap_free=sizes.get("SwapFree"),
    )


def parse_meminfo(data: bytes) -> dict[str, int]:
    """Parse /proc/meminfo: name -> bytes; lines of another form are skipped."""
    sizes = {}
    for line in data.splitlines():
        words = line.split()
        if len(words) == 3 and words[0].endswith(b":") and words[1].isdigit() and words[2] == b"kB":
            sizes[words[0][:-1].decode("ascii", "replace")] = int(words[1]) * 1024
    return sizes
