"""Tests of providers/process.py: each property of Win32_Process is the kernel's value, in Windows' units."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

import logonscope
from logonscope.errors import NotFoundError
from logonscope.facts import UNSET
from logonscope.machine import EVERYTHING, Selection
from logonscope.providers.process import PROVIDER
from tests import example
from tests.hosts import BOOT, HostFolder, user
from tests.providers.asked import KIB, TIB, everything, fixed, one, python3, rough, web1

PYTHON3 = "Win32_Process=4312"

WHOLE = {
    "Name": "python3", "Caption": "python3", "Description": "python3", "Handle": "4312", "ProcessId": 4312,
    "ParentProcessId": 4300, "SessionId": 41, "CommandLine": "python3 -m http.server 8080",
    "ExecutablePath": "/usr/bin/python3", "CreationDate": datetime(2026, 1, 1, 10, 40, tzinfo=UTC),
    "KernelModeTime": 12_500_000, "UserModeTime": 25_000_000, "Priority": 8, "ExecutionState": 4, "ThreadCount": 1,
    "HandleCount": 3, "PageFaults": 13, "WorkingSetSize": 700 * KIB, "PeakWorkingSetSize": 800, "PageFileUsage": 50,
    "PrivatePageCount": 650 * KIB, "VirtualSize": 8000 * KIB, "PeakVirtualSize": 9000 * KIB,
    "ReadTransferCount": 1, "WriteTransferCount": 2, "ReadOperationCount": 3, "WriteOperationCount": 4,
    "CSName": "web1", "CSCreationClassName": "Win32_ComputerSystem", "CreationClassName": "Win32_Process",
    "OSName": "Debian GNU/Linux 12 (bookworm)", "OSCreationClassName": "Win32_OperatingSystem",
    "WindowsVersion": "6.1.0-32-amd64",
}  # fmt: skip


def test_all_that_linux_can_answer_of_a_process_and_no_more() -> None:
    known = {name: value for name, value in web1().get(PYTHON3).properties().items() if value is not None}
    assert known == WHOLE


@pytest.mark.parametrize(("state", "execution_state"), [*zip("RSDITtZXP", (3, 4, 4, 4, 8, 8, 7, 7, None), strict=True)])
def test_the_kernels_letter_is_an_execution_state(state: str, execution_state: int | None) -> None:
    assert one(python3(state=state), PYTHON3, "ExecutionState") == execution_state


@pytest.mark.parametrize(("nice", "priority", "base"), [(0, 20, 8), (19, 39, 4), (-20, 0, 24), (0, -51, 24)])
def test_nice_values_and_realtime_policies_are_priorities(nice: int, priority: int, base: int) -> None:
    assert one(python3(nice=nice, priority=priority), PYTHON3, "Priority") == base
    assert one(python3(nice=None), PYTHON3, "Priority") is None


def test_the_session_id_is_0_in_the_system_session_and_null_without_a_number_of_the_kernel() -> None:
    found = dict(everything(web1(), "Win32_Process", "ProcessId", "SessionId"))
    assert (found[1], found[3901], found[4120], found[6001]) == (0, None, 42, 63)
    assert one(web1(user(1001)), "Win32_Process=4312", "SessionId") is None


def test_page_faults_are_counted_modulo_2_to_the_32() -> None:
    assert one(python3(minflt=(1 << 32) - 1, majflt=3), PYTHON3, "PageFaults") == 2
    assert one(python3(majflt=None), PYTHON3, "PageFaults") is None


def test_a_figure_that_its_type_cannot_hold_is_null() -> None:
    huge = python3(vm_hwm=5 * TIB, vm_swap=5 * TIB, vm_rss=5 * TIB, rss_anon=5 * TIB)
    names = ("PeakWorkingSetSize", "PageFileUsage", "WorkingSetSize", "PrivatePageCount")
    assert one(huge, PYTHON3, *names) == (None, None, 5 * TIB, 10 * TIB)


def test_times_are_100_nanoseconds_whatever_the_clock_ticks() -> None:
    machine = example.MACHINE._replace(ticks=250)
    assert one(web1(machine=machine), PYTHON3, "UserModeTime", "KernelModeTime") == (10_000_000, 5_000_000)
    assert one(python3(utime=None), PYTHON3, "UserModeTime") is None


def test_a_name_is_whatever_the_process_chose_and_is_always_text(host: HostFolder) -> None:
    found = dict(everything(rough(host), "Win32_Process", "ProcessId", "Name"))
    assert found == {
        1: "systemd",
        2: "kthreadd",
        10: "(a b ) ( c d) ",
        11: "\ufffd\ufffd[2J(",
        12: "",
        13: "gone",
        14: "hidden",
    }
    assert one(host.connect(), "Win32_Process=11", "CommandLine", "ExecutablePath") == (
        "caf\ufffd  \ufffd[31m",
        "/opt/\ufffd",
    )


def test_a_kernel_thread_and_a_zombie_have_no_memory_and_no_arguments(host: HostFolder) -> None:
    asked = rough(host)
    names = ("CommandLine", "ExecutablePath", "WorkingSetSize", "PrivatePageCount", "PageFileUsage", "PeakVirtualSize")
    assert one(asked, "Win32_Process=2", *names) == (None,) * 6
    assert one(asked, "Win32_Process=13", *names) == (None,) * 6
    assert one(asked, "Win32_Process=13", "ExecutionState", "ParentProcessId") == (7, 10)


def test_unreadable_values_are_null_and_the_others_returned(host: HostFolder) -> None:
    unread = ("CommandLine", "SessionId", "WorkingSetSize", "ReadOperationCount")
    assert one(rough(host), "Win32_Process=14", *unread) == (None,) * 4
    created = one(host.connect(), "Win32_Process=14", "CreationDate")
    assert created == datetime.fromtimestamp(BOOT + 50.14, UTC)


def test_every_caller_sees_the_identity_of_every_process() -> None:
    bobs = web1(user(1001))
    assert len(everything(bobs, "Win32_Process", "Handle")) == len(example.PROCESSES)
    names = ("Name", "ParentProcessId", "CommandLine", "ThreadCount", "ExecutablePath")
    assert one(bobs, "Win32_Process=4312", *names) == ("python3", 4300, None, None, None)
    assert one(bobs, "Win32_Process=3991", *names) == ("python3", 3990, "python3 train.py", 1, "/usr/bin/python3")


@pytest.mark.parametrize(
    "handle", ["4313", "04312", " 4312", "4312x", "", "-4312", "4" * 40, "\u0664\u0663\u0661\u0662"]
)
def test_a_handle_that_no_process_has_is_not_found(handle: str) -> None:
    with pytest.raises(NotFoundError):
        web1().get(f'Win32_Process.Handle="{handle}"')


def test_a_fixed_name_narrows_the_reading_but_where_it_may_stand_for_another() -> None:
    assert PROVIDER.selection(fixed(Name="sshd")) == Selection(process_names=frozenset({"sshd"}))
    assert PROVIDER.selection(fixed(Handle="4312", ProcessId=4312)) == Selection(pids=frozenset({4312}))
    assert PROVIDER.selection(fixed(Name="a\ufffdb")) == EVERYTHING  # shown so, called otherwise


def test_this_very_process() -> None:
    found = logonscope.connect().get(f"Win32_Process={os.getpid()}")
    assert (found.ParentProcessId, found.ExecutablePath) == (os.getppid(), os.readlink("/proc/self/exe"))
    assert found.CSName == os.uname().nodename
    assert found.CommandLine == " ".join(Path("/proc/self/cmdline").read_text(encoding="utf-8").split("\0")[:-1])
    assert found.VirtualSize > found.WorkingSetSize > found.PageFileUsage >= 0
    assert found.SessionId != UNSET
