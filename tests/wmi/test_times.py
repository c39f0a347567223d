"""Tests of wmi/times.py: times are formatted and parsed as scripts expect."""

from datetime import datetime, timedelta

import pytest

from logonscope import wmi


def test_a_time_is_written_from_its_parts() -> None:
    assert wmi.from_time(2026, 1, 2, 3, 4, 5, 6, -60) == "20260102030405.000006-060"
    assert wmi.from_time(year="2026", timezone=0) == "2026**********.******+000"
    assert wmi.from_time() == "**************.******+***"


def test_a_time_is_taken_apart() -> None:
    assert wmi.to_time("20260102030405.000006-060") == (2026, 1, 2, 3, 4, 5, 6, "060")
    assert wmi.to_time("2026**********.******+***") == (2026, *[None] * 7)


@pytest.mark.parametrize("ns100", [116444736000000000, "116444736000000000"])
def test_a_count_from_1601_becomes_a_moment(ns100: int | str) -> None:
    assert wmi.from_1601(ns100).isoformat() == "1970-01-01T00:00:00"


@pytest.mark.parametrize("microseconds", [1, 5, 999_999])
def test_no_microsecond_is_lost(microseconds: int) -> None:
    moment = datetime(2026, 11, 29, microsecond=microseconds)  # noqa: DTZ001 -- as the module returns it
    ns100 = (moment - datetime(1601, 1, 1)) // timedelta(microseconds=1) * 10  # noqa: DTZ001
    assert wmi.from_1601(ns100) == moment
