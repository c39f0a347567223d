"""Tests of sources/linux/login_clock.py: both clocks of a record give the same moment on the clock of starts."""

import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Machine
from logonscope.sources.linux.login_clock import LoginClock, TimeRange, suspended_and_offset

BOOT = 1_700_000_000
MACHINE = Machine("testhost", btime=BOOT)


def moments(tmp_path: object, *, real: float | None = None, monotonic: float | None = None) -> TimeRange | None:
    """Return when a record was made, of a folder's host."""
    given = {"REALTIME": real and (BOOT + real), "MONOTONIC": monotonic}
    record = {name: str(int(seconds * 1e6)) for name, seconds in given.items() if seconds is not None}
    return LoginClock(MACHINE, str(tmp_path)).creation(record)


def test_either_clock_does(tmp_path: object) -> None:
    assert moments(tmp_path, real=60) == TimeRange(60, 62)  # btime is a whole number of seconds
    assert moments(tmp_path, monotonic=60) == TimeRange(60, 60.02)
    assert moments(tmp_path) is None


def test_the_monotonic_clock_has_priority(tmp_path: object) -> None:
    assert moments(tmp_path, real=90_000, monotonic=60) == TimeRange(60, 60.02)
    assert moments(tmp_path, real=1, monotonic=60) == TimeRange(60, 60.02)


@pytest.mark.parametrize("value", ["", "x", "-5", "٤"])
def test_what_is_no_time_is_none(tmp_path: object, value: str) -> None:
    clock = LoginClock(MACHINE, str(tmp_path))
    assert clock.creation({"REALTIME": value, "MONOTONIC": value}) is None


def test_without_a_boot_time_the_wall_clock_is_not_used(tmp_path: object) -> None:
    clock = LoginClock(MACHINE._replace(btime=None), str(tmp_path))
    assert clock.creation({"REALTIME": "5000000"}) is None
    assert clock.creation({"REALTIME": "5000000", "MONOTONIC": "7000000"}) == TimeRange(7, 7.02)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(-1e5, 1e5))
def test_a_moment_lies_between_the_two_whatever_was_slept_or_set(monotonic: float, slept: float, step: float) -> None:
    """The record was made at ``monotonic + s`` on the clock of starts, for some s that was slept until then."""
    clock = LoginClock(MACHINE, "/nowhere")
    clock._suspended = slept  # noqa: SLF001 -- this machine cannot be sent to sleep
    for share in (0.0, 0.5, 1.0):
        true = monotonic + share * slept
        record = {"MONOTONIC": str(int(monotonic * 1e6)), "REALTIME": str(int((BOOT + 1e6 + true + step) * 1e6))}
        found = LoginClock.creation(clock, record)
        assert found is not None
        assert found.latest >= true - 1e-3
        if step >= -1e6:  # a clock that was set back tells an earlier moment, which is allowed for
            assert found.earliest <= found.latest + 1e-3


def test_this_machine_never_slept_longer_than_it_runs() -> None:
    slept, offset = suspended_and_offset()
    assert -1 <= slept <= time.clock_gettime(time.CLOCK_BOOTTIME)
    assert offset == 0.0


def test_in_a_time_namespace_starts_are_shifted_and_the_shift_is_known() -> None:
    """unshare(1) makes one with a shifted boottime; the offset that the kernel shows there is the one that is used."""
    code = "from logonscope.sources.linux.login_clock import suspended_and_offset as f; print(*f())"
    shifted = ["unshare", "--time", "--boottime", "5000", "--fork", sys.executable, "-c", code]
    done = subprocess.run(shifted, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip(f"no time namespaces here: {done.stderr.strip()[-80:]}")
    slept, offset = map(float, done.stdout.split())
    assert offset == 5000.0
    assert slept == pytest.approx(suspended_and_offset()[0], abs=1)
