"""Tests of dispatch/operations.py: each operation returns what the broker returns, from plain values."""

import inspect
from collections.abc import Iterable, Iterator
from typing import cast

import pytest

from logonscope.broker.associations import AssociationOptions, associators, references
from logonscope.broker.classes import classes
from logonscope.broker.instances import enumerate_instances
from logonscope.broker.query import query
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.dispatch.enumerations import Rows
from logonscope.dispatch.operations import OPERATIONS, PRODUCT
from logonscope.errors import InvalidClassError, InvalidPropertyError, InvalidQueryError
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT

REQUEST = Memory(SNAPSHOT).request(ROOT)
PROCESS = 'Win32_Process.Handle="4312"'
ALONG = {"result_class": "Win32_LogonSession", "properties": ["LogonId"]}


def content(results: Iterable[ClassRows | Class]) -> list[object]:
    """Return what results have: names, columns and rows."""
    return [
        found.name if isinstance(found, Class) else (found.cls.name, found.columns, list(found.rows))
        for found in results
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("classes", {"pattern": "Win32_Log*"}, classes(REQUEST, "Win32_Log*")),
        ("enumerate", {"class_name": "Win32_Account"}, enumerate_instances(REQUEST, "Win32_Account")),
        (
            "enumerate",
            {"class_name": "Win32_Process", "properties": ["Handle"], "deep": False},
            enumerate_instances(REQUEST, "Win32_Process", ["Handle"], deep=False),
        ),
        ("query", {"text": "SELECT * FROM Win32_Process"}, query(REQUEST, "SELECT * FROM Win32_Process")),
        ("associators", {"path": PROCESS, **ALONG}, associators(REQUEST, PROCESS, AssociationOptions(**ALONG))),  # type: ignore[arg-type]  # by name
        ("references", {"path": PROCESS}, references(REQUEST, PROCESS)),
    ],
)
def test_rows_are_the_brokers(name: str, arguments: dict[str, object], expected: Iterable[ClassRows | Class]) -> None:
    found = OPERATIONS[name].function(REQUEST, **arguments)
    assert isinstance(found, Rows)
    assert content(cast("Iterator[ClassRows | Class]", found.results)) == content(expected) != []


def test_all_can_be_shown_as_instances_of_the_class_that_was_requested() -> None:
    found = OPERATIONS["enumerate"].function(REQUEST, class_name="Win32_Account", as_base=True)
    assert found.base_class.name == "Win32_Account"
    results = list(found.results)
    assert {result.columns for result in results} == {tuple(found.base_class.properties)}
    assert len(results) > 1


@pytest.mark.parametrize(
    ("text", "projected"),
    [
        ("SELECT Handle FROM Win32_Process", True),
        ("SELECT * FROM Win32_Process", False),
        ("ASSOCIATORS OF {Win32_Process=4312}", False),
        ("SELECT * FROM meta_class", False),
    ],
)
def test_a_query_says_whether_it_is_a_projection(text: str, projected: bool) -> None:
    assert OPERATIONS["query"].function(REQUEST, text=text).is_projection is projected


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("query", {"text": "SELECT"}, InvalidQueryError),
        ("enumerate", {"class_name": "Nothing"}, InvalidClassError),
        ("enumerate", {"class_name": "Win32_Process", "properties": ["Nothing"]}, InvalidPropertyError),
        ("associators", {"path": "Nothing=1"}, InvalidClassError),
    ],
)
def test_what_can_be_refused_is_refused_before_anything_is_taken(
    name: str, arguments: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        OPERATIONS[name].function(REQUEST, **arguments)


def test_an_unauthenticated_client_gets_no_version() -> None:
    identify = OPERATIONS["identify"].function
    assert identify(None) == (PRODUCT, None, None, None, None)
    assert identify(REQUEST).version.startswith("0.")


def test_the_table_says_what_each_function_takes() -> None:
    for name, row in OPERATIONS.items():
        parameters = inspect.signature(row.function).parameters
        assert ("record" in parameters) is row.changes_host, name
        assert ("caller" in parameters) is row.takes_enumerations, name
        assert row.description, name
    assert [name for name, row in OPERATIONS.items() if not row.needs_caller] == ["identify"]
    assert [name for name, row in OPERATIONS.items() if row.changes_host] == ["invoke", "delete"]
