"""Conversion of times: text in DMTF's datetime format (DSP0004 5.2.4) to parts and back, and FILETIMEs to datetime."""

from datetime import datetime, timedelta

TimePart = int | str | None
"""A part of a time; None is an unknown part, written as asterisks."""


def from_1601(ns100: int | str) -> datetime:
    """Return the naive datetime in UTC that is ``ns100`` times 100 nanoseconds after the start of 1601."""
    return datetime(1601, 1, 1) + timedelta(microseconds=int(ns100) // 10)  # noqa: DTZ001 -- scripts expect it naive


def from_time(
    year: TimePart = None, month: TimePart = None, day: TimePart = None, hours: TimePart = None,
    minutes: TimePart = None, seconds: TimePart = None, microseconds: TimePart = None, timezone: TimePart = None,
) -> str:  # fmt: skip
    """Return a time as text, yyyymmddHHMMSS.mmmmmmsUUU: timezone is in minutes, None becomes asterisks."""
    date = _digits(year, 4) + "".join(_digits(part, 2) for part in (month, day, hours, minutes, seconds))
    offset = "" if timezone is None else str(timezone)
    sign = "-" if offset.startswith("-") else "+"
    return f"{date}.{_digits(microseconds, 6)}{sign}{_digits(offset.lstrip('+-') or None, 3)}"


def to_time(wmi_time: str) -> tuple[int | str | None, ...]:
    """Parse the text of a time to (year, month, day, hours, minutes, seconds, microseconds, timezone).

    Asterisks become None. The timezone is text without its sign, as the module ``wmi`` returns it.
    """
    slices = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14), (15, 21))
    parts = (wmi_time[start:end] for start, end in slices)
    offset = wmi_time[22:]
    return *(int(part) if part.isdecimal() else None for part in parts), None if offset == "***" else offset


def _digits(number: TimePart, width: int) -> str:
    return "*" * width if number is None else str(number).rjust(width, "0")
