"""Tests of wire/json/faults.py: every error has a status, and is the same error after it was read."""

from typing import Any

import pytest

from logonscope import errors
from logonscope.errors import Hint, HintCode, LogonscopeError
from logonscope.wire.json.faults import HINTS, STATUSES, read_error, write_error
from tests.wire.wsman.test_faults import LEAVES


@pytest.mark.parametrize("error_class", sorted(set(LEAVES) - {LogonscopeError}, key=str))
def test_every_error_is_read_as_it_was_written(error_class: type[LogonscopeError]) -> None:
    assert error_class in STATUSES
    error = error_class("what is wrong", "what to do")
    assert outcome(read_error(write_error(error))) == outcome(error)


@pytest.mark.parametrize("code", HintCode)
def test_a_hint_keeps_its_code(code: HintCode) -> None:
    values = {"name": "Win32_Process", "namespace": "root/cimv2", "command": "record x", "pid": "7"}
    error = errors.NotFoundError("what is wrong", Hint(code, values, "; more"))
    assert outcome(read_error(write_error(error))) == outcome(error)
    assert write_error(error)["error"]["hint"] == Hint(code, values, "; more").text(HINTS)


def test_what_another_server_may_send() -> None:
    assert type(read_error({"error": {"name": "WBEM_E_NEW", "message": "x", "hint": "y"}})) is LogonscopeError
    assert isinstance(read_error({}), errors.TransportFailureError)
    unknown = {
        "name": "WBEM_E_NOT_FOUND",
        "message": "x",
        "hint": "y",
        "hint_code": {"code": "show_class", "values": {}},
    }
    assert read_error({"error": unknown}).advice == "y"
    codes: list[Any] = [{"code": []}, {"code": {}}, {"code": "list_classes", "values": 5}, {"code": None}, []]
    for code in codes:
        assert read_error({"error": unknown | {"hint_code": code}}).advice == "y"


def outcome(error: LogonscopeError) -> tuple[object, ...]:
    """Return what two equal errors have in common."""
    return type(error), error.message, error.advice
