"""Tests of client/query_rows.py: a query for the other kind is an error, and what was read is closed."""

from collections.abc import Callable, Generator
from typing import Any

import pytest

from logonscope.cim.classes import Class
from logonscope.cim.instances import Instance
from logonscope.client.query_rows import only_classes, only_instances
from logonscope.errors import InvalidParameterError
from tests.providers.asked import web1


def queried(text: str) -> "Generator[Instance | Class, None, None]":
    return web1().query_any(text)


INSTANCES = "SELECT Handle FROM Win32_Process WHERE Handle = 4312"
CLASSES = "SELECT * FROM meta_class WHERE __this ISA 'Win32_SessionProcess'"


def test_rows_of_the_expected_kind_are_passed_on() -> None:
    assert [row.Handle for row in only_instances(queried(INSTANCES))] == ["4312"]
    assert [cls.name for cls in only_classes(queried(CLASSES))] == ["Win32_SessionProcess"]


@pytest.mark.parametrize(
    ("only", "text", "message"),
    [
        (only_instances, CLASSES, "the query selects classes: Win32_SessionProcess, ...; use query_classes"),
        (only_classes, INSTANCES, "the query selects instances: <Instance Win32_Process.*>, ...; use query"),
    ],
)
def test_rows_of_the_other_kind_are_an_error(only: Callable[[Any], Any], text: str, message: str) -> None:
    rows = queried(text)
    with pytest.raises(InvalidParameterError, match=message):
        next(only(rows))
    assert next(rows, None) is None, "closed"
