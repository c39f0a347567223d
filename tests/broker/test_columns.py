"""Tests of broker/columns.py: a name in a request is a property of the class, a system property, or rejected."""

import pytest

from logonscope.broker.columns import Columns, check_columns, classes_with_properties, select_columns
from logonscope.cim.schema import schema
from logonscope.errors import InvalidPropertyError

SESSION, PROCESS = schema().get("Win32_LogonSession"), schema().get("Win32_Process")


def test_without_a_choice_it_is_every_property_in_the_order_of_the_class() -> None:
    columns = check_columns(SESSION, None)
    assert columns.shown == columns.stored == tuple(SESSION.properties)


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["logontype", "LOGONID"], Columns(("LogonType", "LogonId"), ("LogonType", "LogonId"))),
        (["LogonType", "logontype"], Columns(("LogonType",), ("LogonType",))),
        (["__class", "LogonType"], Columns(("__CLASS", "LogonType"), ("LogonType",))),
        (["__PATH", "LogonType"], Columns(("__PATH", "LogonType"), ("LogonType", "LogonId"))),
        (["LogonId", "__relpath"], Columns(("LogonId", "__RELPATH"), ("LogonId",))),
        ([], Columns((), ())),
    ],
)
def test_names_are_spelled_as_the_class_spells_them(names: list[str], columns: Columns) -> None:
    assert check_columns(SESSION, names) == select_columns(SESSION, names) == columns


@pytest.mark.parametrize("name", ["LogonIdd", "__NOTHING", ""])
def test_a_name_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(InvalidPropertyError, match=f"Win32_LogonSession has no property '{name}'"):
        check_columns(SESSION, ["LogonId", name])
    assert select_columns(SESSION, ["LogonId", name]).shown == ("LogonId",)


def test_of_several_classes_those_count_that_have_any_of_the_properties() -> None:
    assert classes_with_properties([SESSION, PROCESS], ["Handle"]) == [PROCESS]
    assert classes_with_properties([SESSION, PROCESS], ["Handle", "LogonId"]) == [SESSION, PROCESS]
    assert classes_with_properties([SESSION, PROCESS], ["__PATH"]) == [SESSION, PROCESS]
    assert (
        classes_with_properties([SESSION, PROCESS], None)
        == classes_with_properties([SESSION, PROCESS], [])
        == [SESSION, PROCESS]
    )
    assert classes_with_properties([], ["Handle"]) == []


def test_a_property_that_none_of_them_has_is_refused() -> None:
    with pytest.raises(InvalidPropertyError, match="none of Win32_LogonSession, Win32_Process has a property 'Pid'"):
        classes_with_properties([SESSION, PROCESS], ["Handle", "Pid"])
    with pytest.raises(InvalidPropertyError, match="did you mean Handle"):
        classes_with_properties([PROCESS], ["Handel"])
