"""Tests of sources/linux/memory.py: clock and memory sizes, also where they cannot be read."""

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Vitals
from logonscope.sources.linux.memory import parse_meminfo, read_vitals
from tests.hosts import HostFolder

MEMINFO = b"""\
MemTotal:        8000000 kB
MemFree:         1000000 kB
MemAvailable:    6000000 kB
SwapTotal:       2000000 kB
SwapFree:        1500000 kB
HugePages_Total:       4
Hugepagesize:       2048 kB
"""


def test_memory_is_in_bytes(host: HostFolder) -> None:
    host.write("proc/meminfo", MEMINFO)
    found = read_vitals(str(host.root))
    assert (found.memory, found.memory_available) == (8_000_000 << 10, 6_000_000 << 10)
    assert (found.swap, found.swap_free) == (2_000_000 << 10, 1_500_000 << 10)


def test_the_clock_is_read_even_without_the_memory(host: HostFolder) -> None:
    before = time.time_ns() // 1000
    found = read_vitals(str(host.root))
    assert before <= found.time <= time.time_ns() // 1000
    assert found == Vitals(time=found.time, utc_offset=found.utc_offset, daylight=found.daylight)
    assert found.utc_offset == time.localtime().tm_gmtoff // 60


def test_a_machine_without_swap_has_none_of_it_and_an_old_kernel_does_not_say_what_is_available(
    host: HostFolder,
) -> None:
    host.write("proc/meminfo", "MemTotal: 10 kB\nMemFree: 5 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
    found = read_vitals(str(host.root))
    assert (found.memory, found.memory_available, found.swap, found.swap_free) == (10240, None, 0, 0)


def test_this_machine() -> None:
    found = read_vitals("/")
    assert found.memory == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < (found.memory_available or 0) < (found.memory or 0)


@pytest.mark.parametrize(
    ("zone", "offset", "daylight"),
    [
        ("UTC0", 0, False),
        ("IST-5:30", 330, False),
        ("AAA3:30", -210, False),
        ("AAA3BBB,J1/0,J365/24", -120, True),
        ("LINT-14", 840, False),
    ],
)
def test_the_zone_is_the_local_one(zone: str, offset: int, daylight: bool) -> None:
    script = "from logonscope.sources.linux.memory import read_vitals; print(*read_vitals('/')[1:3])"
    environment = {**os.environ, "TZ": zone}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == f"{offset} {daylight}\n"


def test_lines_of_another_form_are_passed_over() -> None:
    assert parse_meminfo(MEMINFO)["Hugepagesize"] == 2048 << 10
    odd = b"MemTotal: 1 kB\nHugePages_Total: 4\nA: -1 kB\nB: x kB\nC 1 kB\nD: 1 MB\nE: 1 kB more\n\n\xff: 2 kB\nF: 3"
    assert parse_meminfo(odd) == {"MemTotal": 1024, "\ufffd": 2048}


@given(st.binary(max_size=100))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    assert all(size >= 0 for size in parse_meminfo(data + b"\nX: 1 kB\n").values())
