"""Tests of broker/invoke.py: a method acts with the caller's rights on the named process only."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

import logonscope
from logonscope.broker import Request
from logonscope.broker.invoke import invoke
from logonscope.cim.instances import Outcome
from logonscope.errors import (
    AccessDeniedError,
    InvalidMethodError,
    InvalidMethodParametersError,
    InvalidObjectPathError,
    LogonscopeError,
    NotFoundError,
    NotSupportedError,
    TypeMismatchError,
)
from logonscope.facts import Process
from logonscope.machine.action import Action
from logonscope.ownership import LINUX
from logonscope.sources.recording import RecordedSource
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

KERNEL_THREAD = 0x00200000
BEGAN = example.BY_PID[4312].start or 0


class Unwilling(Memory):
    """The example host, where whatever is to be done fails."""

    def __init__(self, error: OSError) -> None:
        super().__init__(example.snapshot())
        self._error = error

    def act(self, action: Action) -> None:
        del action
        raise self._error


def host(*processes: Process) -> Memory:
    return Memory(example.snapshot()._replace(processes=processes or example.PROCESSES))


def test_the_owner_of_a_process_is_whom_it_runs_as() -> None:
    request = host().request(ROOT)
    assert invoke(request, "Win32_Process=3901", "GetOwner") == Outcome(0, {"User": "postgres", "Domain": "web1"})
    assert invoke(request, "Win32_Process=4312", "getowner").parameters == {"User": "root", "Domain": "web1"}
    assert invoke(request, "Win32_Process=3901", "GetOwnerSid") == Outcome(0, {"Sid": "S-1-22-1-110"})


def test_an_owner_without_an_account_is_named_by_uid() -> None:
    request = host(example.BY_PID[4312]._replace(uids=(4242,) * 4)).request(ROOT)
    assert invoke(request, "Win32_Process=4312", "GetOwner").parameters["User"] == "4242"


def test_terminate_ends_the_process_that_was_seen() -> None:
    memory = host()
    assert invoke(memory.request(ROOT), "Win32_Process=4312", "Terminate", {"Reason": 1}) == Outcome(0)
    assert memory.done == [Action(4312, BEGAN)]


@pytest.mark.parametrize(
    ("number", "nice"), [(64, 19), (16384, 10), (32, 0), (32768, -7), ("0x80", -14), ("256", -20)]
)  # fmt: skip
def test_priorities_are_set_as_libuv_pairs_them(number: Any, nice: int) -> None:
    memory = host()
    assert invoke(memory.request(ROOT), "Win32_Process=4312", "SetPriority", {"priority": number}) == Outcome(0)
    assert memory.done == [Action(4312, BEGAN, nice)]


@pytest.mark.parametrize("parameters", [{"Priority": 5}, {"Priority": 0}, {}, {"Priority": None}])
def test_a_priority_that_is_none_is_an_invalid_parameter(parameters: dict[str, Any]) -> None:
    memory = host()
    assert invoke(memory.request(ROOT), "Win32_Process=4312", "SetPriority", parameters) == Outcome(21)
    assert memory.done == []


def test_a_process_that_cannot_be_ended_is_not_reported_as_ended() -> None:
    memory = host(example.BY_PID[1], example.BY_PID[2]._replace(flags=KERNEL_THREAD))
    for pid in (1, 2):
        assert invoke(memory.request(ROOT), f"Win32_Process={pid}", "Terminate") == Outcome(2)
    assert memory.done == []


def test_an_action_runs_as_the_uid_of_its_caller() -> None:
    memory = host()
    assert invoke(memory.request(user(1000)), "Win32_Process=4312", "Terminate") == Outcome(0)
    assert invoke(memory.request(user(1000)), "Win32_Process=4312", "SetPriority", {"Priority": 128}) == Outcome(0)
    assert memory.done == [Action(4312, BEGAN, uid=1000), Action(4312, BEGAN, -14, 1000)]


def test_a_method_does_nothing_to_a_hidden_process() -> None:
    memory = host()
    request = memory.request(user(1001))
    assert invoke(request, "Win32_Process=4150", "GetOwner") == Outcome(2)
    assert invoke(request, "Win32_Process=4150", "Terminate") == Outcome(2)
    assert memory.done == []


@pytest.mark.parametrize(
    ("path", "method", "parameters", "error", "said"),
    [
        ("Win32_Process=99", "GetOwner", {}, NotFoundError, "there is no"),
        ('Win32_Process="04312"', "Terminate", {}, NotFoundError, "there is no"),
        ('Win32_Process="x"', "Terminate", {}, NotFoundError, "there is no"),
        ("Win32_Process=4312", "Kill", {}, InvalidMethodError, "Win32_Process has no method 'Kill'"),
        ("CIM_Process=4312", "Terminate", {}, InvalidMethodError, "CIM_Process has no method"),
        ("Win32_LogonSession=41", "Terminate", {}, InvalidMethodError, "Win32_LogonSession has no method"),
        ("Win32_Process=4312", "Terminate", {"Why": 1}, InvalidMethodParametersError, "its parameters: Reason"),
        ("Win32_Process=4312", "GetOwner", {"User": "x"}, InvalidMethodParametersError, "its parameters: none"),
        ("Win32_Process=4312", "Terminate", {"Reason": "now"}, TypeMismatchError, "Reason: expected a uint32"),
        ("Win32_Process=4312", "SetPriority", {"Priority": 1 << 40}, TypeMismatchError, "out of range"),
        ("Win32_Process", "Terminate", {}, InvalidObjectPathError, "is a class, not an instance"),
        ("Win32_Process", "Create", {"CommandLine": "x"}, NotSupportedError, "not supported on Linux"),
        ("Win32_Process=4312", "AttachDebugger", {}, NotSupportedError, "not supported on Linux"),
        ("Win32_OperatingSystem=@", "Reboot", {}, NotSupportedError, "not supported on Linux"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    path: str, method: str, parameters: Mapping[str, Any], error: type[LogonscopeError], said: str
) -> None:
    memory = host()
    with pytest.raises(error) as refused:
        invoke(memory.request(ROOT), path, method, parameters)
    assert said in str(refused.value)
    assert memory.done == []


def test_nothing_can_be_done_to_a_recorded_host() -> None:
    request = Request(RecordedSource("file", example.snapshot()), LINUX, ROOT)
    assert invoke(request, "Win32_Process=4312", "GetOwner").return_value == 0
    with pytest.raises(NotSupportedError, match="cannot run methods that change something on a recording"):
        invoke(request, "Win32_Process=4312", "Terminate")


@pytest.mark.parametrize(
    ("problem", "outcome"), [(errno.EPERM, 2), (errno.EACCES, 3), (errno.EIO, 8), (errno.EMFILE, 8)]
)
@pytest.mark.parametrize(("method", "parameters"), [("Terminate", {}), ("SetPriority", {"Priority": 64})])
def test_a_refusal_of_the_kernel_is_reported_by_its_number(
    problem: int, outcome: int, method: str, parameters: dict[str, Any]
) -> None:
    refused = Unwilling(OSError(problem, "refused")).request(ROOT)
    assert invoke(refused, "Win32_Process=4312", method, parameters).return_value == outcome


def test_a_process_whose_start_cannot_be_read_is_not_touched() -> None:
    memory = host(example.BY_PID[4312]._replace(start=None))
    assert invoke(memory.request(ROOT), "Win32_Process=4312", "Terminate") == Outcome(8)
    assert memory.done == []


def test_a_process_that_ended_meanwhile_is_not_found() -> None:
    request = Unwilling(ProcessLookupError()).request(ROOT)
    with pytest.raises(NotFoundError, match="process 4312 has ended"):
        invoke(request, "Win32_Process=4312", "Terminate")


def test_a_process_that_waits_for_its_parent_to_notice_has_ended() -> None:
    memory = host(example.BY_PID[4312]._replace(state="Z"))
    with pytest.raises(NotFoundError, match="zombie"):
        invoke(memory.request(ROOT), "Win32_Process=4312", "Terminate")
    assert memory.done == []


def test_an_unauthenticated_caller_is_refused_for_every_path() -> None:
    for path, method in (("Win32_Process=4312", "Terminate"), ("Nothing=1", "x"), ("root\\none:A=1", "x"), ("=", "")):
        with pytest.raises(AccessDeniedError):
            invoke(host().request(user(None)), path, method)


def test_a_real_process_is_reniced_and_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        here, path = logonscope.connect(), f"Win32_Process={child.pid}"
        assert here.invoke(path, "SetPriority", {"Priority": 64}) == Outcome(0)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == 19
        assert here.get(path, ["Priority"]).Priority == 4
        assert here.invoke(path, "Terminate") == Outcome(0)
        assert child.wait(10) == -signal.SIGKILL
