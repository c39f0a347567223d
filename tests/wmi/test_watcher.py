"""Tests of wmi/watcher.py: scripts that wait for events of real processes, as with the module ``wmi``."""

import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import logonscope
from logonscope import wmi
from logonscope.wmi.watcher import watch_query
from tests.wmi.scripts import raises

INVALID_PARAMETER = 0x80041008


@pytest.fixture
def here() -> Any:
    """Return the namespace root/cimv2 of this machine."""
    return wmi.WMI(host=logonscope.connect(direct=True))


def event_of(watcher: Any, pid: int) -> Any:
    """Return the event about a process; other processes come and go, too."""
    while (event := watcher(20_000)).ProcessId != pid:
        pass
    return event


def test_a_script_waits_for_a_process_and_for_its_end(here: Any) -> None:
    creation, end = here.Win32_Process.watch_for("creation", Name="sleep"), here.watch_for(
        notification_type="Deletion", wmi_class="Win32_Process", delay_secs=1
    )  # fmt: skip
    process = subprocess.Popen(["sleep", "3.5"])
    begun = event_of(creation, process.pid)
    assert (begun.event_type, begun.Name, begun.previous) == ("creation", "sleep", None)
    assert abs(datetime.now(UTC).replace(tzinfo=None) - begun.timestamp) < timedelta(seconds=60)
    assert begun.path().Class == "Win32_Process"
    process.wait()
    assert event_of(end, process.pid).event_type == "deletion"
    creation.close()
    end.close()


def test_without_an_event_the_wait_ends_with_a_timeout(here: Any) -> None:
    watcher = here.Win32_Process.watch_for("creation", Name="no such program")
    with raises(wmi.x_wmi_timed_out, "no event within 100 ms", 0x80041069):
        watcher(timeout_ms=100)
    watcher.close()
    with raises(wmi.x_wmi, "the events have ended", 0x80041015):
        watcher()


def test_a_query_of_the_script_and_an_extrinsic_class(here: Any) -> None:
    raw = here.watch_for("SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_Process'")
    process = subprocess.Popen(["sleep", "2.5"])
    assert event_of(raw, process.pid).Name in {"sleep", "python3", "python"}  # before its program was executed
    process.wait()
    raw.close()
    trace, where = "Win32_ProcessStartTrace", {"ProcessName": "x"}
    started = watch_query(trace, "operation", 1, ("ProcessID",), where, is_extrinsic=True)
    assert started == "SELECT ProcessID FROM Win32_ProcessStartTrace WHERE ProcessName = 'x'"


def test_what_cannot_be_watched_is_an_error(here: Any) -> None:
    with raises(wmi.x_wmi, "invalid notification type 'birth': expected operation, creation", INVALID_PARAMETER):
        here.Win32_Process.watch_for("birth")
    with raises(wmi.x_wmi, "nothing to watch", INVALID_PARAMETER):
        here.watch_for()
