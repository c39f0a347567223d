"""Tests of machine/kernel_numbers.py: the kernel's numbers become times and terminal names."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from logonscope.facts import Machine, Process
from logonscope.machine import boot_time, datetime_of_microseconds, local_datetime, start_time, terminal_name
from logonscope.machine.kernel_numbers import split_status
from tests.environment import environment

BOOT = 1_700_000_000
MACHINE = Machine("testhost", None, BOOT, 100, 4096, "6.1", None, audit=True, uid_min=1000)


def at(seconds: float) -> datetime:
    """Return the time so many seconds after the boot."""
    return datetime.fromtimestamp(BOOT + seconds, UTC)


def test_a_start_is_the_boot_time_plus_ticks() -> None:
    assert start_time(Process(1, start=12_345), MACHINE) == at(123.45)
    assert start_time(Process(1, start=0), MACHINE) == boot_time(MACHINE) == at(0)
    assert start_time(Process(1), MACHINE) is None


def test_a_time_in_microseconds_may_be_unknown() -> None:
    assert datetime_of_microseconds(BOOT * 1_000_000 + 500_000) == at(0.5)
    assert datetime_of_microseconds(None) is None


def test_without_a_boot_time_no_start_is_known() -> None:
    machine = MACHINE._replace(btime=None)
    assert start_time(Process(1, start=1), machine) is None
    assert boot_time(machine) is None


def test_an_impossible_boot_time_is_not_known() -> None:
    assert boot_time(MACHINE._replace(btime=1 << 62)) is None


@pytest.mark.parametrize("seconds", [float(1 << 63), -float(1 << 63), float("nan"), float("inf"), 253_402_300_800.0])
def test_an_impossible_time_is_not_known(seconds: float) -> None:
    assert local_datetime(seconds) is None
    assert start_time(Process(1, start=1 << 63), MACHINE) is None


def test_a_time_has_an_offset() -> None:
    found = local_datetime(BOOT + 0.5)
    assert found == at(0.5)
    assert found is not None
    assert isinstance(found.utcoffset(), timedelta)


NAMES = [
    (0, 0, None),
    (4, 1, "tty1"),
    (4, 63, "tty63"),
    (4, 64, "ttyS0"),
    (4, 67, "ttyS3"),
    (5, 1, "console"),
    (136, 0, "pts/0"),
    (136, 255, "pts/255"),
    (137, 0, "pts/256"),
    (143, 255, "pts/2047"),
    (136, 300, "pts/300"),
    (136, 1_048_575, "pts/1048575"),
    (188, 2, "ttyUSB2"),
    (166, 0, "ttyACM0"),
    (229, 0, "hvc0"),
    (204, 64, "ttyAMA0"),
    (204, 80, "204:80"),
    (3, 7, "3:7"),
]


@pytest.mark.parametrize(("major", "minor", "name"), NAMES)
def test_a_terminal_has_the_name_that_ps_gives_it(major: int, minor: int, name: str | None) -> None:
    assert terminal_name(os.makedev(major, minor)) == name


def test_where_the_terminal_is_not_known_it_has_no_name() -> None:
    assert terminal_name(None) is None


def test_a_large_number_that_the_kernel_prints_as_negative_is_the_same_terminal() -> None:
    number = os.makedev(136, 600_000)
    assert terminal_name(number - (1 << 32)) == terminal_name(number) == "pts/600000"


def test_in_a_zone_that_python_has_not_a_time_is_in_utc() -> None:
    with environment("UTC-24"):
        found = local_datetime(BOOT)
    assert found == at(0)


@pytest.mark.parametrize(
    ("status", "expected"),
    [(0, (0, None)), (3 << 8, (3, None)), (9, (None, 9)), (139, (None, 11)), (None, (None, None))],
)
def test_a_status_is_an_exit_code_or_a_signal(status: int | None, expected: tuple[int | None, int | None]) -> None:
    assert split_status(status) == expected
