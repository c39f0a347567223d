"""When is it? CIM's datetime (DSP0004 5.2.4): a point yyyymmddHHMMSS.mmmmmmsUUU, an interval ddddddddHHMMSS.mmmmmm:000.

UUU are the minutes that local time is ahead of UTC. A field of asterisks means "not known"; such a value has no place
among points in time and is refused, as is one without its zone: whose local time it is, nobody says.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from logonscope.errors import TypeMismatchError

_POINT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-])(\d{3})", re.ASCII)
_INTERVAL = re.compile(r"(\d{8})([01]\d|2[0-3])([0-5]\d)([0-5]\d)\.(\d{6}):000", re.ASCII)
_LONGEST = 64
ZONED = "add it, as in 2026-01-01T10:02:00+02:00; Z is UTC"
FORMS = "give 20260101100200.000000+000 or 2026-01-01T10:02:00+00:00"


def parse_datetime(text: str, what: str = "a datetime") -> datetime | timedelta:
    """Return the point or the interval that a text names, in DMTF's form or a point in ISO 8601's.

    Raises:
        TypeMismatchError: it is neither.
    """
    try:
        if match := _POINT.fullmatch(text):
            *numbers, sign, minutes = match.groups()
            offset = timedelta(minutes=int(sign + minutes))
            year, month, day, hour, minute, second, micro = map(int, numbers)
            return datetime(year, month, day, hour, minute, second, micro, timezone(offset))
        if match := _INTERVAL.fullmatch(text):
            days, hours, minute, second, micro = map(int, match.groups())
            return timedelta(days=days, hours=hours, minutes=minute, seconds=second, microseconds=micro)
        if len(text) <= _LONGEST:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise TypeMismatchError(f"{what} is a datetime, and '{text}' lacks its zone", ZONED)
            moment.astimezone(UTC)  # one that UTC has no year for cannot be written
            return moment
    except (ValueError, OverflowError):
        pass
    raise TypeMismatchError(f"{what} is a datetime, not '{text[:_LONGEST]}'", FORMS)


def format_datetime(moment: datetime | timedelta) -> str:
    """Return DMTF's form of a point or an interval.

    A zone that is not a whole number of minutes from UTC, or 1,000 minutes or more, is written as UTC.
    """
    if isinstance(moment, timedelta):
        minutes, seconds = divmod(moment.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{moment.days:08}{hours:02}{minutes:02}{seconds:02}.{moment.microseconds:06}:000"
    offset = moment.utcoffset() or timedelta()
    away, rest = divmod(offset, timedelta(minutes=1))
    if rest or abs(away) > 999:
        moment, away = moment.astimezone(UTC), 0
    return f"{moment.year:04}{moment:%m%d%H%M%S}.{moment.microsecond:06}{away:+04d}"
