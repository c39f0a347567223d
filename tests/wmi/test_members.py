"""Tests of wmi/members.py: properties, methods and paths behave as in the module ``wmi``."""

import os
import pwd
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from logonscope import wmi
from tests.wmi.scripts import PATH, raises


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as started:
        yield started
        started.kill()


def test_a_property_has_a_value_a_type_and_qualifiers(c: Any) -> None:
    (p,) = c.Win32_Process(ProcessId=4312)
    assert list(p.properties)[:3] == ["Caption", "CommandLine", "CreationClassName"]
    assert (p.properties["KernelModeTime"].value, p.wmi_property("name").type) == ("0", "string")
    assert repr(c.Win32_SessionProcess.wmi_property("dependent")) == "<wmi_property: Dependent>"
    assert c.Win32_SessionProcess.wmi_property("Antecedent").qualifiers["CIMTYPE"] == "ref:Win32_LogonSession"


def test_a_path_has_parts(c: Any) -> None:
    path = c.get("Win32_Process=4312").path()
    assert (str(path), path.Path) == (PATH, PATH)
    assert path[2:] == ('Win32_Process.Handle="4312"', "web1", "root\\cimv2")
    assert path.Class == "Win32_Process"


def test_a_method_shows_its_signature_and_takes_parameters_by_position_or_name(c: Any) -> None:
    p = c.get("Win32_Process=3901")
    assert repr(p.GetOwner) == "<function GetOwner () => (Domain, ReturnValue, User)>"
    assert p.Terminate.__doc__ == "Terminate (Reason) => (ReturnValue)"
    signature = "Create (CommandLine, CurrentDirectory, ProcessStartupInformation) => (ProcessId, ReturnValue)"
    assert c.Win32_Process.Create.__doc__ == signature
    domain, return_value, name = p.GetOwner()
    assert (domain, return_value, name, p.getownersid()) == ("web1", 0, "postgres", (0, "S-1-22-1-110"))
    assert p.SetPriority(3) == p.SetPriority(Priority=3) == p.SetPriority(priority=3) == (21,)


def test_a_process_is_found_slowed_down_and_killed(child: subprocess.Popen[bytes]) -> None:
    c = wmi.WMI(find_classes=False, privileges=["Debug"])
    (p,) = c.Win32_Process(ProcessId=child.pid)
    assert p.CommandLine == "sleep 600"
    assert p.GetOwner()[2] == pwd.getpwuid(os.geteuid()).pw_name
    assert p.SetPriority(Priority=64) == (0,)
    assert os.getpriority(os.PRIO_PROCESS, child.pid) == 19
    assert p.Terminate() == (0,)
    assert child.wait(10) == -9
    assert c.Win32_Process(ProcessId=child.pid) == []
    with pytest.raises(wmi.x_wmi, match=f'Handle="{child.pid}"'):
        p.Terminate()


def test_a_call_that_does_not_fit_says_what_does(c: Any) -> None:
    p = c.get("Win32_Process=1")
    with raises(wmi.x_wmi, "Create is not supported on Linux", 0x8004100C):
        c.Win32_Process.Create(CommandLine="sleep 1")
    with raises(wmi.x_wmi, "no parameter 'Result'; its parameters: Reason", 0x8004102F):
        p.Terminate(Result=1)
    with raises(wmi.x_wmi, "too many parameters (2) for Terminate (Reason) => (ReturnValue)", 0x8004102F):
        p.Terminate(0, 1)
    with raises(wmi.x_wmi, "for the parameter Reason: expected a uint32", 0x80041005):
        p.Terminate("now")
