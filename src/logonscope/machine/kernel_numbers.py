"""What people read in the kernel's numbers: points in time, and names of terminals."""

from datetime import UTC, datetime

from logonscope.facts import Machine, Process

_NAMES = {
    (4, range(64)): "tty{}",
    (4, range(64, 256)): "ttyS{}",
    (188, range(1 << 20)): "ttyUSB{}",
    (166, range(1 << 20)): "ttyACM{}",
    (229, range(1 << 20)): "hvc{}",
    (204, range(64, 80)): "ttyAMA{}",
}
"""Device numbers of terminals (admin-guide/devices.txt of the kernel)."""


def started_at(process: Process, machine: Machine) -> datetime | None:
    """Return when a process started: the boot time plus its clock ticks, so that repeated reads agree."""
    if process.start is None or machine.btime is None:
        return None
    return moment(machine.btime + process.start / machine.ticks)


def boot_time(machine: Machine) -> datetime | None:
    """Return when the host booted."""
    return None if machine.btime is None else moment(machine.btime)


def moment(seconds: float) -> datetime | None:
    """Return a time since the epoch in the local zone; None beyond the calendar, where only a damaged record leads."""
    try:
        utc = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    try:
        return utc.astimezone()
    except (ValueError, OverflowError):  # TZ=UTC-24: Python has no offset of a whole day
        return utc


def terminal_name(tty_nr: int | None) -> str | None:
    """Name a terminal as ps does: pts/3, tty1, ttyS0; None for 0, which is "no terminal"."""
    if not tty_nr:
        return None
    number = tty_nr & 0xFFFFFFFF
    major, minor = (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)
    if 136 <= major <= 143:
        return f"pts/{((major - 136) << 8) | minor}"
    if (major, minor) == (5, 1):
        return "console"
    for (of, minors), name in _NAMES.items():
        if major == of and minor in minors:
            return name.format(minor - minors.start)
    return f"{major}:{minor}"
