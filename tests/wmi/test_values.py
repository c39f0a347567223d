"""Tests of wmi/values.py: values have the types of COM automation, and the text of MOF."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from logonscope import wmi
from logonscope.wmi.values import automation_value, mof_value, wql_equals
from tests.hosts import HostFolder


@pytest.mark.parametrize(
    ("value", "cim_type", "passed"),
    [
        (datetime(2026, 1, 1, 10, 40, tzinfo=UTC), "datetime", "20260101104000.000000+000"),
        (timedelta(days=1, seconds=2), "datetime", "00000001000002.000000:000"),
        (8 << 30, "uint64", "8589934592"),
        (-1, "sint64", "-1"),
        (8 << 30, "uint32", 8589934592),
        ([1, 2], "uint64", ("1", "2")),
        (b"ab", "uint8", (97, 98)),
        (None, "uint64", None),
        (True, "boolean", True),
        ("41", "string", "41"),
    ],
)
def test_a_value_is_converted(value: Any, cim_type: str, passed: Any) -> None:
    converted = automation_value(value, cim_type)
    assert (converted, type(converted)) == (passed, type(passed))


@pytest.mark.parametrize(
    ("value", "text"),
    [('a"b\\\n\x1b', '"a\\"b\\\\\\n\\x001B"'), (("a", "b"), '{"a", "b"}'), (True, "TRUE"), (7, "7")],
)
def test_a_value_is_printed_as_mof(value: Any, text: str) -> None:
    assert mof_value(value) == text


def test_a_value_is_quoted_for_wql() -> None:
    assert [wql_equals(value) for value in (None, 7, "it's", "a\\")] == ["IS NULL", "= '7'", "= 'it\\'s'", "= 'a\\\\'"]


def test_the_values_of_an_object_are_converted(c: Any) -> None:
    (p,) = c.Win32_Process(ProcessId=4312)
    assert (p.CreationDate, p.KernelModeTime, p.ThreadCount, p.TerminationDate) == (
        "20260101104000.000000+000", "0", 1, None,
    )  # fmt: skip
    (computer,) = c.Win32_ComputerSystem()
    assert (computer.TotalPhysicalMemory, computer.HypervisorPresent) == (str(8 << 30), True)
    (session,) = wmi.WMI(namespace="root/logonscope", host=c.handle()).LS_LogonSession(LogonId="41")
    assert isinstance(session.Sources, tuple)


def test_an_object_is_printed_as_mof(host: HostFolder) -> None:
    host.process(7, "a", cmdline='say\0"hi"\n\x9b2J\0C:\\x\0'.encode())
    (p,) = wmi.WMI(host=host.connect()).Win32_Process(
        ["Handle", "CommandLine", "TerminationDate", "ProcessId"], Handle=7
    )
    lines = ['\tCommandLine = "say \\"hi\\"\\n\\x009B2J C:\\\\x";', '\tHandle = "7";', "\tProcessId = 7;"]
    assert str(p) == "\n".join(["", "instance of Win32_Process", "{", *lines, "};", ""])
    (computer,) = wmi.WMI(host=host.connect()).Win32_ComputerSystem()
    assert re.search(r"\n\tDaylightInEffect = (TRUE|FALSE);\n", str(computer))
    (session,) = wmi.WMI(namespace="root/logonscope", host=host.connect()).LS_LogonSession()
    assert '\tSources = {"LogonType: no login is known to the kernel", "' in str(session)
