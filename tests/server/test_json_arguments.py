"""Tests of server/json_arguments.py: types of arguments, and filters."""

from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope import InvalidParameterError, LogonFilter, TypeMismatchError
from logonscope.server.json_arguments import FILTER, PARAMETERS, PID, TARGET, TEXTS, WORD, Argument, read_arguments

DECLARED = {
    "which": Argument(WORD, "a word"), "where": Argument(FILTER, "a filter"), "pid": Argument(PID, "a pid"),
    "names": Argument(TEXTS, "names"), "parameters": Argument(PARAMETERS, "by name"),
    "target": Argument(TARGET, "a target"),
}  # fmt: skip


def test_values_are_read_and_null_is_left_out() -> None:
    where = {"types": [10, None], "users": ["alice"], "since": "2026-01-01T00:00:00Z", "system": False}
    given = {"which": 41, "pid": None, "names": ["a"], "parameters": {"Priority": 64, "x": None}, "where": where}
    assert read_arguments("operation", DECLARED, given) == {
        "which": "41", "names": ["a"], "parameters": {"Priority": 64, "x": None},
        "where": LogonFilter(
            users=frozenset({"alice"}), types=frozenset({10, None}), since=datetime(2026, 1, 1, tzinfo=UTC),
            system=False,
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("which", -1), ("which", 1.5), ("which", True), ("which", "x" * 70_000), ("pid", "1"), ("pid", True),
        ("pid", 1 << 70), ("names", "a"), ("names", [1]), ("names", ["a"] * 1001), ("parameters", []),
        ("parameters", {"x": []}), ("where", []), ("where", {"x": 1}), ("where", {"types": ["10"]}),
        ("where", {"types": [True]}), ("where", {"since": "00000001000000.000000:000"}), ("where", {"system": 0}),
    ],
)  # fmt: skip
def test_wrong_values(name: str, value: Any) -> None:
    with pytest.raises(TypeMismatchError):
        read_arguments("operation", DECLARED, {name: value})


def test_a_target_is_a_word_with_a_port_number() -> None:
    targets = [read_arguments("operation", DECLARED, {"target": value})["target"] for value in (41, "sshd", ":8080")]
    assert targets == ["41", "sshd", ":8080"]
    with pytest.raises(InvalidParameterError, match="no service 'nosuchservice' in /etc/services"):
        read_arguments("operation", DECLARED, {"target": "127.0.0.1:nosuchservice"})


def test_unknown_and_missing_arguments() -> None:
    with pytest.raises(InvalidParameterError, match="operation has no argument 'x'; its arguments: which, where"):
        read_arguments("operation", DECLARED, {"x": 1})
    with pytest.raises(InvalidParameterError, match="operation needs the argument 'pid'; a pid"):
        read_arguments("operation", {"pid": Argument(PID, "a pid", is_required=True)}, {})
