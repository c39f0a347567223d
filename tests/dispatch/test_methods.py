"""Tests of dispatch/methods.py: a method runs as declared, and each attempt is recorded with its outcome."""

import pytest

from logonscope.broker import Caller
from logonscope.cim.paths import ObjectPath, parse_path
from logonscope.dispatch.audit import BEGUN
from logonscope.dispatch.methods import delete_instance, invoke_method, parse_object_path
from logonscope.errors import (
    AccessDeniedError,
    InternalError,
    InvalidMethodError,
    InvalidMethodParametersError,
    InvalidObjectPathError,
    LogonscopeError,
    NotFoundError,
    NotSupportedError,
)
from logonscope.machine.action import Action
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT

PROCESS, SESSION = 'Win32_Process.Handle="4312"', 'Win32_LogonSession.LogonId="41"'


class Attempts:
    """A host on which methods are run, and what was recorded of them."""

    def __init__(self, caller: Caller = ROOT) -> None:
        self.memory, self.lines = Memory(SNAPSHOT), list[tuple[str, str, str]]()
        self.begun: list[tuple[str, str, int]] = []
        self.request = self.memory.request(caller)

    def record(self, path: ObjectPath, method: str, outcome: str) -> None:
        """Keep what the audit log would get; before a method is run, with how many were run by then."""
        if outcome == BEGUN:
            self.begun.append((path.relative, method, len(self.memory.done)))
            return
        self.lines.append((path.relative, method, outcome))


def test_a_method_is_run_and_recorded_by_the_name_that_its_class_gives_it() -> None:
    attempts = Attempts()
    done = invoke_method(attempts.request, PROCESS, "terminate", {"reason": None}, record=attempts.record)
    assert (done.cls.name, done.method.name, done.outcome.return_value) == ("Win32_Process", "Terminate", 0)
    assert [action.pid for action in attempts.memory.done] == [4312]
    assert attempts.lines == [(PROCESS, "Terminate", "0")]
    assert attempts.begun == [(PROCESS, "Terminate", 0)]


def test_what_cannot_be_recorded_is_not_done() -> None:
    attempts = Attempts()

    def record(_path: ObjectPath, _method: str, _outcome: str) -> None:
        raise InternalError("cannot write", "make room")

    with pytest.raises(InternalError):
        invoke_method(attempts.request, PROCESS, "Terminate", {}, record=record)
    assert attempts.memory.done == []


def test_the_outcome_of_a_programming_error_is_recorded() -> None:
    class Broken(Memory):
        def act(self, action: Action) -> None:
            raise RuntimeError(action)

    attempts = Attempts()
    attempts.request = Broken(SNAPSHOT).request(ROOT)
    with pytest.raises(RuntimeError):
        invoke_method(attempts.request, PROCESS, "Terminate", {}, record=attempts.record)
    assert attempts.lines == [(PROCESS, "Terminate", "WBEM_E_CRITICAL_ERROR")]


def test_a_static_method_is_of_the_class_whatever_keys_come_with_it() -> None:
    attempts = Attempts()
    for path in ("Win32_Process", 'Win32_Process.Name="x"'):
        with pytest.raises(NotSupportedError, match="Create is not supported"):
            invoke_method(attempts.request, path, "Create", {}, record=attempts.record)
    assert attempts.lines == [("Win32_Process", "Create", "WBEM_E_NOT_SUPPORTED")] * 2


@pytest.mark.parametrize(
    ("path", "method", "parameters", "error", "outcome"),
    [
        ('Win32_Process.Handle="99"', "Terminate", {}, NotFoundError, "WBEM_E_NOT_FOUND"),
        (PROCESS, "SetPriority", {"Nice": 1}, InvalidMethodParametersError, "WBEM_E_INVALID_METHOD_PARAMETERS"),
        (PROCESS, "Explode", {}, InvalidMethodError, ""),  # what names no method, or no instance, was no attempt
        ("Win32_Process", "Terminate", {}, InvalidObjectPathError, ""),
        ('Win32_Process.Name="x"', "Terminate", {}, InvalidObjectPathError, ""),
    ],
)
def test_what_is_refused_is_recorded_where_it_named_a_method_of_an_instance(
    path: str, method: str, parameters: dict[str, int], error: type[LogonscopeError], outcome: str
) -> None:
    attempts = Attempts()
    with pytest.raises(error):
        invoke_method(attempts.request, path, method, parameters, record=attempts.record)
    assert attempts.lines == ([(path, method, outcome)] if outcome else [])


def test_to_delete_a_process_is_to_end_it() -> None:
    attempts = Attempts()
    delete_instance(attempts.request, parse_path(PROCESS), record=attempts.record)
    assert [action.nice for action in attempts.memory.done] == [None]
    assert attempts.lines == [(PROCESS, "Terminate", "0")]


def test_what_cannot_be_ended_is_an_error_and_the_record_says_why() -> None:
    attempts = Attempts(user(1001))
    with pytest.raises(AccessDeniedError, match="Terminate returned 2"):
        delete_instance(attempts.request, PROCESS, record=attempts.record)
    assert attempts.lines == [(PROCESS, "Terminate", "2")]


def test_only_what_can_be_terminated_can_be_deleted() -> None:
    attempts = Attempts()
    with pytest.raises(NotSupportedError, match="cannot delete instances of Win32_LogonSession"):
        delete_instance(attempts.request, SESSION, record=attempts.record)
    with pytest.raises(InvalidObjectPathError):
        delete_instance(attempts.request, "Win32_LogonSession", record=attempts.record)
    assert attempts.lines == []


def test_a_path_may_be_text_or_parsed() -> None:
    assert parse_object_path(PROCESS) == parse_object_path(parse_path(PROCESS)) == parse_path(PROCESS)
    with pytest.raises(InvalidObjectPathError):
        parse_object_path("no path")
