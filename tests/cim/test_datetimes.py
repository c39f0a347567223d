"""Tests of cim/datetimes.py: points and intervals are unchanged by writing and reading; other texts are rejected."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.datetimes import format_datetime, parse_datetime
from logonscope.errors import TypeMismatchError

LONGEST = timedelta(days=99_999_999, hours=23, minutes=59, seconds=59, microseconds=999_999)


def at(minutes: int) -> timezone:
    """Return the zone that is so many minutes ahead of UTC."""
    return timezone(timedelta(minutes=minutes))


def read(text: str) -> datetime | timedelta | None:
    """Return the moment that a text means; None where it is refused."""
    try:
        return parse_datetime(text)
    except TypeMismatchError:
        return None


SAMPLES = {
    "20110328152159.578125-420": datetime(2011, 3, 28, 15, 21, 59, 578125, at(-420)),
    "20180718201202.422084-240": datetime(2018, 7, 18, 20, 12, 2, 422084, at(-240)),
    "20220705104545.715073+120": datetime(2022, 7, 5, 10, 45, 45, 715073, at(120)),
    "20260101100200.000000+000": datetime(2026, 1, 1, 10, 2, tzinfo=UTC),
    "00010101000000.000000+999": datetime(1, 1, 1, tzinfo=at(999)),
    "99991231235959.999999-999": datetime(9999, 12, 31, 23, 59, 59, 999999, at(-999)),
    "00000000000000.000000:000": timedelta(),
    "00000001120032.000000:000": timedelta(days=1, hours=12, seconds=32),
    "00000000000000.000001:000": timedelta(microseconds=1),
    "99999999235959.999999:000": LONGEST,
}
"""What live systems show, the example of a documented interval, and the ends of both ranges."""


@pytest.mark.parametrize("text", SAMPLES)
def test_a_text_is_its_moment_and_the_moment_its_text(text: str) -> None:
    moment = parse_datetime(text)
    assert moment == SAMPLES[text]
    assert format_datetime(moment) == text


@given(st.datetimes(), st.integers(-999, 999))
def test_a_point_in_a_zone_of_whole_minutes_keeps_its_zone(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=at(minutes))
    text = format_datetime(moment)
    assert len(text) == 25
    found = parse_datetime(text)
    assert isinstance(found, datetime)
    assert (found.replace(tzinfo=None), found.utcoffset()) == (naive, timedelta(minutes=minutes))


@given(st.timedeltas(timedelta(), LONGEST))
def test_an_interval_is_unchanged(interval: timedelta) -> None:
    text = format_datetime(interval)
    assert len(text) == 25
    assert parse_datetime(text) == interval


zones = st.builds(timezone, st.timedeltas(timedelta(days=-1, microseconds=1), timedelta(days=1, microseconds=-1)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=zones))  # noqa: DTZ001 -- zones are drawn
def test_a_zone_that_the_form_has_no_room_for_is_written_as_utc(moment: datetime) -> None:
    found = parse_datetime(format_datetime(moment))
    assert found == moment
    offset = moment.utcoffset() or timedelta()
    fits = not offset % timedelta(minutes=1) and abs(offset) <= timedelta(minutes=999)
    assert isinstance(found, datetime)
    assert found.utcoffset() == (offset if fits else timedelta())


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+00:00:01",
        "9999-12-31T23:59:59.999999-16:40",
    ],
)
def test_a_point_that_utc_has_no_year_for_is_refused_or_can_be_written(text: str) -> None:
    moment = read(text)
    assert moment is None or parse_datetime(format_datetime(moment)) == moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-01T10:02:00Z", datetime(2026, 1, 1, 10, 2, tzinfo=UTC)),
        ("2026-01-01T10:02:00.25+02:00", datetime(2026, 1, 1, 10, 2, 0, 250000, at(120))),
        ("2026-01-01 10:02:00-05:30", datetime(2026, 1, 1, 10, 2, tzinfo=at(-330))),
        ("20260101T100200Z", datetime(2026, 1, 1, 10, 2, tzinfo=UTC)),
        ("20260101100200.000000-000", datetime(2026, 1, 1, 10, 2, tzinfo=UTC)),
    ],
)
def test_a_point_may_be_given_as_iso_8601_has_it(text: str, moment: datetime) -> None:
    found = parse_datetime(text)
    assert found == moment
    assert isinstance(found, datetime)
    assert found.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize("text", ["2026-01-15", "2026-01-15T10:02", "2026-07-15T10:02:00.5", "20260115T100200"])
def test_a_point_without_a_time_zone_is_refused(text: str) -> None:
    with pytest.raises(TypeMismatchError) as refused:
        parse_datetime(text, "StartTime")
    assert refused.value.message == f"invalid value '{text}' for StartTime: the time zone is missing"
    assert refused.value.hint == "add the time zone, for example 2026-01-01T10:02:00+02:00; Z is UTC"


@pytest.mark.parametrize(
    "text",
    [
        "19980416******.000000+***",
        "199*",
        "20260101100200.000000+***",
        "20260101100200.******+000",
        "**************.******+***",
        "********000000.000000:000",
    ],
)
def test_a_field_that_is_not_known_has_no_place_in_time(text: str) -> None:
    with pytest.raises(TypeMismatchError):
        parse_datetime(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1",
        "00000101000000.000000+000",  # no year 0
        "20261301100200.000000+000",
        "20260229100200.000000+000",
        "20260101250000.000000+000",
        "20260101106000.000000+000",
        "20260101100260.000000+000",
        "20260101100200.000000+1000",
        "20260101100200.000000+00",
        "20260101100200.00000+000",
        "20260101100200.000000",
        "20260101100200.000000 000",
        " 20260101100200.000000+000",
        "20260101100200.000000+000\n",
        "٢٠٢٦٠١٠١١٠٠٢٠٠.٠٠٠٠٠٠+٠٠٠",  # noqa: RUF001 -- digits, but not CIM's
        "00000001240000.000000:000",  # hours are 00 to 23 (WMI, interval format)
        "00000001006000.000000:000",
        "00000001000060.000000:000",
        "00000001000000.000000:001",
        "00000001000000.000000",
        "-0000001000000.000000:000",
        "2026-01-01T10:02:00+24:00",
        "2026-13-01",
        "0001-01-01" + " " * 60 + "T",
    ],
)
def test_what_is_no_datetime_is_refused_and_both_forms_are_named(text: str) -> None:
    with pytest.raises(TypeMismatchError) as refused:
        parse_datetime(text, "the parameter Since")
    assert refused.value.message == f"invalid value '{text[:64]}' for the parameter Since: expected a datetime"
    assert refused.value.hint == "give 20260101100200.000000+000 or 2026-01-01T10:02:00+00:00"


def test_a_text_of_any_length_is_refused_in_a_line() -> None:
    with pytest.raises(TypeMismatchError) as refused:
        parse_datetime("2026-01-01T10:02:00." + "0" * 100_000)
    assert len(str(refused.value)) < 200


texts = (
    st.text(max_size=70)
    | st.text("0123456789.+-:*TZW ", max_size=40)
    | st.from_regex(r"\A[0-9]{14}\.[0-9]{6}([+-][0-9]{3}|:000)\Z")
    | st.builds("{}{}".format, st.datetimes(timezones=zones), st.text(max_size=2))
)


@given(texts)
def test_anything_is_a_moment_that_can_be_written_or_a_type_mismatch_and_nothing_else(text: str) -> None:
    moment = read(text)
    assert moment is None or parse_datetime(format_datetime(moment)) == moment
