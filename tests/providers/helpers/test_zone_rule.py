"""providers/helpers/zone_rule.py: rules of time zones, held against the C library's own reading of them."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.providers.helpers.zone_rule import ZoneChange, ZoneRule, parse_zone_rule

TWO, THREE = 7200, 10800
RULES = {
    "UTC0": ZoneRule("UTC", 0),
    "CET-1CEST,M3.5.0,M10.5.0/3": ZoneRule(
        "CET", 60, "CEST", 120, ZoneChange(3, 5, 0, TWO), ZoneChange(10, 5, 0, THREE)
    ),
    "<+0530>-5:30": ZoneRule("+0530", 330),
    "<-03>3<-02>,M3.5.0/-2,M10.5.0/-1": ZoneRule("-03", -180, "-02", -120),
    "IST-1GMT0,M10.5.0,M3.5.0/1": ZoneRule("IST", 60, "GMT", 0, ZoneChange(10, 5, 0, TWO), ZoneChange(3, 5, 0, 3600)),
    "EST5EDT": ZoneRule("EST", -300, "EDT", -240),
    "NZST-12NZDT,J1/2,J90": ZoneRule("NZST", 720, "NZDT", 780),
}


@pytest.mark.parametrize("text", RULES)
def test_a_rule(text: str) -> None:
    assert parse_zone_rule(text) == RULES[text]


@pytest.mark.parametrize("text", [None, "", "UTC", "X0", ":/etc/passwd", "CET-1CEST,M3.5.0", "CET-1\n", "\x1b[2J0"])
def test_no_rule(text: str | None) -> None:
    assert parse_zone_rule(text) is None


@given(st.text(max_size=30))
def test_no_text_makes_it_fail(text: str) -> None:
    parse_zone_rule(text)


@pytest.mark.parametrize("text", RULES)
def test_the_c_library_reads_the_same_offset(text: str) -> None:
    program = "import time; print(time.timezone // -60, time.altzone // -60, *time.tzname)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "TZ": text}, capture_output=True, text=True, check=True
    )
    standard, daylight, *names = done.stdout.split()
    rule = RULES[text]
    # Ireland's winter time is a daylight saving time of minus one hour: Python sorts its two by their offset
    other_offset = rule.standard_offset if rule.daylight_offset is None else rule.daylight_offset
    assert sorted([rule.standard_offset, other_offset]) == sorted([int(standard), int(daylight)])
    assert {rule.standard_name, rule.daylight_name or rule.standard_name} == set(names)
