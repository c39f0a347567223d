"""Datetimes of CIM (DSP0004 5.2.4): points yyyymmddHHMMSS.mmmmmmsUUU and intervals ddddddddHHMMSS.mmmmmm:000.

sUUU is the offset of local time from UTC: a sign and minutes. A field of asterisks means "not known". A value with such
a field cannot be compared with others, and is rejected. A point without a time zone is rejected, too.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from logonscope.errors import TypeMismatchError

_POINT = r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{6})([+-])(\d{3})"
_INTERVAL = r"(\d{8})([01]\d|2[0-3])([0-5]\d)([0-5]\d)\.(\d{6}):000"
# Longer texts are rejected at once: datetime.fromisoformat would accept any number of digits after the decimal point.
_MAX_LENGTH = 64
ZONE_HINT = "add the time zone, for example 2026-01-01T10:02:00+02:00; Z is UTC"
FORMAT_HINT = "give 20260101100200.000000+000 or 2026-01-01T10:02:00+00:00"
"""Hints for a time without a time zone, and for a text in another format."""


def parse_datetime(text: str, what: str = "a datetime property") -> datetime | timedelta:
    """Parse a point in time or an interval in the DMTF format, or a point in the ISO 8601 format.

    Args:
        text: the text.
        what: the name of the value, for the error message.

    Raises:
        TypeMismatchError: the text has none of these formats, has no time zone, or names a date that does not exist.
    """
    try:
        if match := re.fullmatch(_POINT, text, re.ASCII):
            *numbers, sign, minutes = match.groups()
            offset = timedelta(minutes=int(sign + minutes))
            year, month, day, hour, minute, second, micro = map(int, numbers)
            return datetime(year, month, day, hour, minute, second, micro, timezone(offset))
        if match := re.fullmatch(_INTERVAL, text, re.ASCII):
            days, hours, minute, second, micro = map(int, match.groups())
            return timedelta(days=days, hours=hours, minutes=minute, seconds=second, microseconds=micro)
        if len(text) <= _MAX_LENGTH:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise TypeMismatchError(f"invalid value '{text}' for {what}: the time zone is missing", ZONE_HINT)
            moment.astimezone(UTC)  # raises if the year in UTC is not 1 to 9999: format_datetime may write it in UTC
            return moment
    except (ValueError, OverflowError):
        pass
    raise TypeMismatchError(f"invalid value '{text[:_MAX_LENGTH]}' for {what}: expected a datetime", FORMAT_HINT)


def format_datetime(moment: datetime | timedelta) -> str:
    """Return a point or an interval in the DMTF format.

    The format holds offsets from UTC in whole minutes, up to 999; a point with another offset is written in UTC.
    """
    if isinstance(moment, timedelta):
        minutes, seconds = divmod(moment.seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{moment.days:08}{hours:02}{minutes:02}{seconds:02}.{moment.microseconds:06}:000"
    offset = moment.utcoffset() or timedelta()
    offset_minutes, remainder = divmod(offset, timedelta(minutes=1))
    if remainder or abs(offset_minutes) > 999:
        moment, offset_minutes = moment.astimezone(UTC), 0
    return f"{moment.year:04}{moment:%m%d%H%M%S}.{moment.microsecond:06}{offset_minutes:+04d}"
