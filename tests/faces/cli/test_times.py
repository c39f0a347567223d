"""Tests of faces/cli/times.py: times are parsed as users write them, and shown in the local zone."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from logonscope import InvalidParameterError
from logonscope.faces.cli.text import format_time, to_local_time
from logonscope.faces.cli.times import parse_time, shorten_time
from tests.environment import environment

PRESENT = datetime(2026, 3, 2, 12, 30, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def berlin() -> Iterator[None]:
    with environment("CET-1CEST,M3.5.0,M10.5.0/3"):
        yield


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-03-02T12:30:15"),
        ("today", "2026-03-01T23:00:00"),
        ("yesterday", "2026-02-28T23:00:00"),
        ("10:02", "2026-03-02T09:02:00"),
        ("9:02:07", "2026-03-02T08:02:07"),
        ("2h", "2026-03-02T10:30:15"),
        ("90m", "2026-03-02T11:00:15"),
        ("1d12h", "2026-03-01T00:30:15"),
        ("2W", "2026-02-16T12:30:15"),
        ("2h ago", "2026-03-02T10:30:15"),
        ("2026-01-01", "2025-12-31T23:00:00"),
        ("2025-07-01 10:02", "2025-07-01T08:02:00"),
        ("2026-01-01T10:02:03+00:00", "2026-01-01T10:02:03"),
        (" 2026-01-01T10:02Z ", "2026-01-01T10:02:00"),
    ],
)
def test_a_time_is_understood(text: str, moment: str) -> None:
    assert parse_time(text, PRESENT).astimezone(UTC).isoformat() == f"{moment}+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2x",
        "h",
        "25:00",
        "10:75",
        "2026-13-01",
        "2026-02-30",
        "999999999w",
        "1h30",
        "10",
        "9999-12-31T23:59-14:00",
        "0001-01-01T00:00+14:00",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"invalid time .*: expected a date, a time or an age"):
        parse_time(text, PRESENT)


def test_a_day_has_its_own_offset() -> None:
    assert parse_time("yesterday", datetime(2026, 3, 30, 12, tzinfo=UTC)).isoformat() == "2026-03-29T00:00:00+01:00"


def test_times_are_shown_in_the_local_zone_and_short_where_there_is_little_room() -> None:
    assert format_time(datetime(2026, 7, 1, 22, tzinfo=UTC)) == "2026-07-02 00:00"
    assert format_time(None) == ""
    recent, old = datetime(2026, 1, 1, 9, 2, tzinfo=UTC), datetime(2024, 1, 1, 9, 2, tzinfo=UTC)
    assert [shorten_time(moment, 16, PRESENT) for moment in (recent, old)] == ["2026-01-01 10:02", "2024-01-01 10:02"]
    assert [shorten_time(moment, 11, PRESENT) for moment in (recent, old)] == ["01-01 10:02", "2024-01-01"]
    assert shorten_time(None, 5, PRESENT) == ""


def test_a_zone_that_python_has_not_is_utc() -> None:
    with environment("UTC-24"):
        assert format_time(PRESENT) == "2026-03-02 12:30"
        assert to_local_time(datetime(2026, 1, 1)).tzinfo is UTC  # noqa: DTZ001 -- without a zone is what is tested
        assert parse_time("2026-01-01", PRESENT) == datetime(2026, 1, 1, tzinfo=UTC)
