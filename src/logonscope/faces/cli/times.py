"""Times as short texts for the terminal, and the parsing of times that users type."""

import re
from datetime import UTC, datetime, timedelta

from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.text import format_time, to_local_time

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_AGE = "([0-9]{1,9})([smhdw])"
_CLOCK = "[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
_MAX_AGE_WITHOUT_YEAR = timedelta(days=300)


def shorten_time(moment: datetime | None, cells: int, now: datetime) -> str:
    """Return a time as text.

    If there are fewer than 16 cells, a recent time has no year, and any other time has no time of day.
    """
    if moment is None or cells >= len("2026-01-01 10:02"):
        return format_time(moment)
    is_recent = abs(now - moment) < _MAX_AGE_WITHOUT_YEAR
    return format_time(moment, "%m-%d %H:%M" if is_recent else "%Y-%m-%d")


def parse_time(text: str, now: datetime) -> datetime:
    """Return the time that a user typed: a date, a time of today, both, or an age.

    Args:
        text: "2026-01-01", "2026-01-01 10:02", ISO 8601 with an offset, "10:02", "today", "yesterday 14:00", "now",
            "2h", "-2h", "2h ago", "1d12h".
        now: the current time, which decides what "today" is; an age is subtracted from it.

    Raises:
        InvalidParameterError: the text is none of these.
    """
    word = text.strip().lower().removesuffix(" ago").removeprefix("-")
    local_now = to_local_time(now)
    # without a zone, because another day may have another offset (daylight saving time)
    today = local_now.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        if word in {"now", "today", "yesterday"}:
            yesterday = to_local_time(today - timedelta(days=1))
            return {"now": local_now, "today": to_local_time(today), "yesterday": yesterday}[word]
        # the parts of an age must be the whole word: "1h30" is invalid
        ages = re.findall(_AGE, word)
        if ages and "".join(map("".join, ages)) == word:
            return local_now - timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in ages))
        day_word, _, clock = word.rpartition(" ")
        if re.fullmatch(_CLOCK, clock) and day_word in {"", "today", "yesterday"}:
            hour, minute, *second = map(int, clock.split(":"))
            day = today - timedelta(days=1) if day_word == "yesterday" else today
            return to_local_time(day.replace(hour=hour, minute=minute, second=second[0] if second else 0))
        if re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
            moment = datetime.fromisoformat(text.strip())
            if moment.tzinfo is None:
                return to_local_time(moment)
            moment.astimezone(UTC)  # raises where the year in UTC is not 1 to 9999
            return moment
    except (ValueError, OverflowError):
        pass  # a date that does not exist, such as 2026-02-30
    raise InvalidParameterError(
        f"invalid time {text!r}: expected a date, a time or an age, such as 2026-01-01, 10:02 or 2h"
    )


def parse_moment(text: str, now: datetime) -> tuple[datetime, str]:
    """Return the past moment that a user typed, and a note about it ("": there is nothing to note).

    Raises:
        InvalidParameterError: the text is no time, or it is in the future.
    """
    moment = parse_time(text, now)
    if moment > now:
        raise InvalidParameterError(
            f"invalid time {text!r}: {format_time(moment)} is in the future", "give an earlier one"
        )
    # at the end of daylight saving time, "02:30" happens twice; an age, or a time with an offset, has one meaning
    if re.search(_CLOCK, text) and not re.search(_OFFSET, text.strip()):
        wall_time = moment.replace(tzinfo=None)
        earlier, later = wall_time.replace(fold=0).astimezone(), wall_time.replace(fold=1).astimezone()
        if earlier.utcoffset() != later.utcoffset() and earlier < later <= now:
            shown = f"{later.isoformat()}, not {earlier.isoformat()}"
            return later, f"{format_time(later)} happened twice; the later one is shown: {shown}"
    return moment, ""
