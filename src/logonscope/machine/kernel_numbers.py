"""Conversion of the kernel's numbers into points in time, names of terminals, exit codes and signals."""

import time
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from logonscope.facts import Machine, Process

_TERMINAL_NAMES = {
    (4, range(64)): "tty{}",
    (4, range(64, 256)): "ttyS{}",
    (188, range(1 << 20)): "ttyUSB{}",
    (166, range(1 << 20)): "ttyACM{}",
    (229, range(1 << 20)): "hvc{}",
    (204, range(64, 80)): "ttyAMA{}",
}
"""(major, minors) of terminal devices -> name (admin-guide/devices.txt of the kernel)."""


def start_time(process: Process, machine: Machine) -> datetime | None:
    """Return when a process started: boot time plus clock ticks since the boot; None if one of these is not known."""
    if process.start is None or machine.btime is None:
        return None
    return local_datetime(machine.btime + process.start / machine.ticks)


def boot_time(machine: Machine) -> datetime | None:
    """Return when the host booted."""
    return None if machine.btime is None else local_datetime(machine.btime)


def local_datetime(seconds: float) -> datetime | None:
    """Return a time since the epoch in the local zone.

    None: the calendar has no such time; a damaged record can have such a number.
    """
    try:
        local = time.localtime(seconds)
        return datetime.fromtimestamp(seconds, _zone(local.tm_gmtoff, local.tm_zone))
    except (ValueError, OverflowError, OSError):
        return None


def datetime_of_microseconds(microseconds: int | None) -> datetime | None:
    """Return a time in microseconds since the epoch in the local zone; None: not known, or see ``local_datetime``."""
    return None if microseconds is None else local_datetime(microseconds / 1e6)


def split_status(status: int | None) -> tuple[int | None, int | None]:
    """Return the exit code and the signal in a status of wait(2). One is None; both are None if the status is None."""
    if status is None:
        return None, None
    # wait(2): the low bits are the signal, the next byte the exit code
    signal = status & 0x7F
    return (None, signal) if signal else (status >> 8 & 0xFF, None)


@lru_cache(64)
def _zone(offset: int, name: str) -> timezone:
    """Return the time zone with an offset in seconds. ``datetime.astimezone`` would make a new object each time."""
    try:
        return timezone(timedelta(seconds=offset), name)
    except ValueError:  # TZ=UTC-24: Python has no offset of a whole day
        return UTC


def terminal_name(tty_nr: int | None) -> str | None:
    """Return the name of a terminal as ps shows it: pts/3, tty1, ttyS0; None for 0 (no terminal) and for None."""
    if not tty_nr:
        return None
    # new_encode_dev() of the kernel: the major number is in bits 8 to 19, the minor number in the others. The
    # kernel shows the number as signed
    number = tty_nr & 0xFFFFFFFF
    major, minor = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    if 136 <= major <= 143:
        return f"pts/{((major - 136) << 8) | minor}"
    if (major, minor) == (5, 1):
        return "console"
    for (device_major, minors), name in _TERMINAL_NAMES.items():
        if major == device_major and minor in minors:
            return name.format(minor - minors.start)
    return f"{major}:{minor}"
