"""Times: how they are shown to people, and how people write them."""

import re
from datetime import datetime, timedelta

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.text import format_time, to_local_time

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGE = re.compile("([0-9]{1,9})([smhdw])")
_MAX_AGE_WITHOUT_YEAR = timedelta(days=300)


def shorten_time(moment: datetime | None, cells: int, present: datetime) -> str:
    """Return a time in few cells: without its year where it is recent, else without its time of day."""
    if moment is None or cells >= len("2026-01-01 10:02"):
        return format_time(moment)
    is_recent = abs(present - moment) < _MAX_AGE_WITHOUT_YEAR
    return format_time(moment, "%m-%d %H:%M" if is_recent else "%Y-%m-%d")


def parse_time(text: str, present: datetime) -> datetime:
    """Return the time that a person means: a date, a time of today, both, or how long ago.

    Args:
        text: "2026-01-01", "2026-01-01 10:02", ISO 8601 with an offset, "10:02", "today", "yesterday", "now", "2h",
            "1d12h".
        present: what "2h" is counted back from.

    Raises:
        InvalidParameterError: it is none of these.
    """
    word = text.strip().lower().removesuffix(" ago")
    here = to_local_time(present)
    today = here.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)  # each day has its own offset
    try:
        if word in {"now", "today", "yesterday"}:
            return {"now": here, "today": to_local_time(today), "yesterday": to_local_time(today - timedelta(days=1))}[
                word
            ]
        ages = _AGE.findall(word)
        if ages and "".join(map("".join, ages)) == word:
            return here - timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in ages))
        if re.fullmatch("[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", word):
            hour, minute, *second = map(int, word.split(":"))
            return to_local_time(today.replace(hour=hour, minute=minute, second=second[0] if second else 0))
        if re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
            found = datetime.fromisoformat(text.strip())
            return found if found.tzinfo else to_local_time(found)
    except (ValueError, OverflowError):
        pass  # a date that no calendar has
    raise InvalidParameterError(f"invalid time {text!r}: expected a date, a time or an age, as 2026-01-01, 10:02 or 2h")
