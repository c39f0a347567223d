"""Tests of client/argument_check.py: an argument of a wrong type is named, whatever the kind of host."""

from collections.abc import Callable
from typing import Any

import pytest

import logonscope
from logonscope.answers.history import HistoryFilter
from logonscope.answers.logon_filter import LogonFilter
from logonscope.client.argument_check import check_arguments
from logonscope.errors import InvalidParameterError
from tests.hosts import HostFolder

WRONG: dict[str, Callable[[Any], object]] = {
    "text": lambda host: list(host.query(None)),
    "text ": lambda host: list(host.query_classes(5)),
    "text  ": lambda host: host.explain(None),
    "class_name": lambda host: list(host.enumerate(None)),
    "name": lambda host: host.get_class(5),
    "pattern": lambda host: list(host.classes(5)),
    "namespace": lambda host: host.get("Win32_Process=1", namespace=5),
    "parameters": lambda host: host.invoke("Win32_Process=1", "GetOwner", 5),
    "method_name": lambda host: host.invoke("Win32_Process=1", None),
    "role": lambda host: list(host.references("Win32_Process=1", role=5)),
    "timeout": lambda host: list(host.query("SELECT * FROM Win32_Process", timeout="x")),
    "details": lambda host: host.sessions(details=5),
    "detail": lambda host: host.sessions(details=["usages"]),
    "detail ": lambda host: host.sessions(details=[[]]),
    "logon session": lambda host: host.sessions(["41"]),
    "filter": lambda host: host.sessions(where="alice"),
    "filter ": lambda host: host.history("alice"),
    "pid": lambda host: host.session_of("1"),
    "target": lambda host: host.whose(1.5),
    "system": lambda host: host.sessions(where=LogonFilter(system="no")),  # type: ignore[arg-type]
    "failed": lambda host: host.history(HistoryFilter(failed="no")),  # type: ignore[arg-type]
    "properties": lambda host: host.get("Win32_Process=1", "Name"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_argument_of_a_wrong_type_is_named(host: HostFolder, name: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"^invalid {name.strip()} "):
        WRONG[name](logonscope.connect(str(host.root)))


def test_arguments_that_are_right_or_missing_pass() -> None:
    check_arguments({"text": "", "namespace": None, "role": "Antecedent", "timeout": 0.5, "parameters": {}, "pid": 1})
    for wrong in (True, "1", [1]):
        with pytest.raises(InvalidParameterError, match="invalid timeout"):
            check_arguments({"timeout": wrong})
