"""Parser of time zone rules, as in the variable TZ: tzset(3), RFC 8536."""

import re
from typing import NamedTuple

_NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_TIME = r"[+-]?[0-9]{1,3}(?::[0-9]{2}){0,2}"
_CHANGE = rf"M([0-9]{{1,2}})\.([1-5])\.([0-6])(?:/({_TIME}))?"
_RULE = re.compile(rf"({_NAME})({_TIME})(?:({_NAME})({_TIME})?(?:,([^,]+),([^,]+))?)?")
_HOUR = 3600


class ZoneChange(NamedTuple):
    """When standard or daylight time begins: month, week (5: the last), day (0: Sunday), and seconds after midnight."""

    month: int
    week: int
    day: int
    seconds: int


class ZoneRule(NamedTuple):
    """The rule of a time zone; offsets are minutes by which local time is ahead of UTC."""

    standard_name: str
    standard_offset: int
    daylight_name: str | None = None  # None: there is no daylight saving time
    daylight_offset: int | None = None
    daylight_change: ZoneChange | None = None  # None: there is no change, or a ZoneChange cannot express it
    standard_change: ZoneChange | None = None


def parse_zone_rule(text: str | None) -> ZoneRule | None:
    """Return the rule that a text describes; None if the text is not a rule."""
    match = _RULE.fullmatch(text or "")
    if match is None:
        return None
    # in TZ, an offset is added to local time to get UTC, so its sign is the opposite of that in a ZoneRule
    standard = -_seconds(match[2]) // 60
    if match[3] is None:
        return ZoneRule(match[1].strip("<>"), standard)
    daylight = standard + 60 if match[4] is None else -_seconds(match[4]) // 60
    return ZoneRule(
        match[1].strip("<>"), standard, match[3].strip("<>"), daylight, _parse_change(match[5]), _parse_change(match[6])
    )


def _parse_change(text: str | None) -> ZoneChange | None:
    match = re.fullmatch(_CHANGE, text or "")
    if match is None or not 1 <= int(match[1]) <= 12:
        return None
    seconds = 2 * _HOUR if match[4] is None else _seconds(match[4])
    # A time before 0:00 or from 24:00 on, as in the rule of Greenland (-1:00), means another day than the rule names. A
    # ZoneChange cannot express this: the other day can be in another week.
    return ZoneChange(int(match[1]), int(match[2]), int(match[3]), seconds) if 0 <= seconds < 24 * _HOUR else None


def _seconds(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    hours, minutes, seconds = (*map(int, text.lstrip("+-").split(":")), 0, 0)[:3]
    return sign * (hours * _HOUR + minutes * 60 + seconds)
