"""Tests of answers/jsonable.py: the JSON of every row is the same in Python and on the command line."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from logonscope import Host, connect, jsonable
from tests.conversation import answer
from tests.example import recording

QUESTIONS: dict[str, Callable[[Host], object]] = {
    "sessions": lambda host: host.sessions(),
    "ps": lambda host: host.processes(),
    "whose 4312": lambda host: host.whose(4312),
    "enumerate Win32_LogonSession": lambda host: host.enumerate("Win32_LogonSession"),
    "enumerate LS_SessionProcess -n root/logonscope": lambda host: host.enumerate(
        "LS_SessionProcess", namespace="root/logonscope"
    ),
    "get Win32_Process=4312": lambda host: host.get("Win32_Process=4312"),
}


@pytest.mark.parametrize("command", QUESTIONS)
def test_python_has_the_json_that_the_command_prints(command: str, tmp_path: Path) -> None:
    file = recording(tmp_path)
    assert jsonable(QUESTIONS[command](connect(file))) == json.loads(answer(f"{command} -o json", file))


def test_values_become_what_json_has() -> None:
    moment = datetime(2026, 1, 1, 10, 2, tzinfo=UTC)
    values: dict[Any, Any] = {
        "moment": moment, "interval": timedelta(seconds=90), "octets": b"\x01\xff", "tuple": (1, None, "b"),
        "set": {1}, 7: True, "inner": {"a": iter([0.5])},
    }  # fmt: skip
    assert jsonable(values) == {
        "moment": "2026-01-01T10:02:00.000000+00:00", "interval": 90.0, "octets": [1, 255], "tuple": [1, None, "b"],
        "set": [1], "7": True, "inner": {"a": [0.5]},
    }  # fmt: skip


def test_what_json_has_no_form_for_is_refused(tmp_path: Path) -> None:
    host = connect(recording(tmp_path))
    with pytest.raises(TypeError, match="cannot write LocalHost as JSON"):
        jsonable([host])
    with pytest.raises(TypeError, match="cannot write Class as JSON"):
        json.dumps(host.get_class("Win32_Process"), default=jsonable)


def test_it_is_what_json_requests_an_instance(tmp_path: Path) -> None:
    process = connect(recording(tmp_path)).get("Win32_Process=4312")
    assert json.loads(json.dumps([process], default=jsonable)) == [jsonable(process)]
