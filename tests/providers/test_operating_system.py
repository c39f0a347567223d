"""Tests of providers/operating_system.py: the operating system and its current values."""

import time
from datetime import UTC, datetime

import pytest

import logonscope
from logonscope.facts import Platform
from tests import example
from tests.hosts import user
from tests.providers.asked import GIB, PLATFORM, VITALS, one, web1

LINUX = "Win32_OperatingSystem=@"
GIB_IN_KIB = GIB >> 10


def test_all_that_is_known_of_the_operating_system() -> None:
    known = {name: value for name, value in web1().get(LINUX).properties().items() if value is not None}
    assert known == {
        "Caption": "Debian GNU/Linux 12 (bookworm)", "Name": "Debian GNU/Linux 12 (bookworm)", "OSType": 36,
        "Version": "6.1.0-32-amd64", "BuildNumber": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.0-32",
        "OSArchitecture": "64-bit", "CSName": "web1", "CSCreationClassName": "Win32_ComputerSystem",
        "CreationClassName": "Win32_OperatingSystem", "LastBootUpTime": datetime(2026, 1, 1, tzinfo=UTC),
        "LocalDateTime": datetime(2026, 1, 1, 11, 40, tzinfo=UTC), "CurrentTimeZone": 120, "NumberOfProcesses": 16,
        "NumberOfUsers": 2, "MaxNumberOfProcesses": 4_194_304, "TotalVisibleMemorySize": 8 * GIB_IN_KIB,
        "FreePhysicalMemory": 6 * GIB_IN_KIB, "TotalVirtualMemorySize": 10 * GIB_IN_KIB,
        "FreeVirtualMemory": 7 * GIB_IN_KIB, "SizeStoredInPagingFiles": 2 * GIB_IN_KIB,
        "FreeSpaceInPagingFiles": GIB_IN_KIB, "Distributed": False, "Primary": True,
    }  # fmt: skip


def test_what_is_counted_is_what_the_caller_sees() -> None:
    counts = ("NumberOfProcesses", "NumberOfUsers")
    assert one(web1(user(1001)), LINUX, *counts) == (16, 1)
    assert one(web1(user(4242)), LINUX, *counts) == (16, 0)


def test_a_host_without_vitals_says_nothing_of_its_memory_and_its_clock() -> None:
    names = ("LocalDateTime", "CurrentTimeZone", "FreePhysicalMemory", "TotalVirtualMemorySize", "FreeVirtualMemory")
    assert one(web1(vitals=None), LINUX, *names) == (None,) * 5
    assert one(web1(vitals=VITALS._replace(swap=None, swap_free=None)), LINUX, *names[2:]) == (
        6 * GIB_IN_KIB,
        None,
        None,
    )


def test_a_host_that_does_not_know_when_it_booted() -> None:
    assert one(web1(machine=example.MACHINE._replace(btime=None)), LINUX, "LastBootUpTime") is None


def test_a_system_without_a_name_is_called_by_its_kernel() -> None:
    machine = example.MACHINE._replace(system=None, kernel="6.1\x1b")
    assert one(web1(machine=machine), LINUX, "Caption", "Version") == ("Linux 6.1\ufffd", "6.1\ufffd")


@pytest.mark.parametrize(
    ("architecture", "bits"),
    [
        ("x86_64", "64-bit"),
        ("aarch64", "64-bit"),
        ("s390x", "64-bit"),
        ("i686", "32-bit"),
        ("armv7l", "32-bit"),
        (None, None),
    ],
)
def test_the_architecture_is_64_or_32_bits_wide(architecture: str | None, bits: str | None) -> None:
    assert one(web1(platform=PLATFORM._replace(architecture=architecture)), LINUX, "OSArchitecture") == bits


@pytest.mark.parametrize("architecture", ["alpha", "parisc64", "e2k", "something-new"])
def test_of_an_architecture_that_is_not_known_nothing_is_claimed(architecture: str) -> None:
    assert one(web1(platform=Platform(architecture=architecture)), LINUX, "OSArchitecture") in {None, "64-bit"}


def test_this_operating_system() -> None:
    found = logonscope.connect().get(LINUX)
    assert abs(found.LocalDateTime.timestamp() - time.time()) < 60
    assert found.LocalDateTime.utcoffset().total_seconds() / 60 == found.CurrentTimeZone
    assert (
        abs((found.LocalDateTime - found.LastBootUpTime).total_seconds() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60
    )
    assert 0 < found.FreePhysicalMemory < found.TotalVisibleMemorySize
