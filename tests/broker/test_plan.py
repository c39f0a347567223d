"""broker/plan.py: is all decided that can be decided before anything is read?"""

import pytest

from logonscope.broker.plan import Classes, Rows, Ties, plan, where_of
from logonscope.wql import condition
from logonscope.wql.events import EventQuery
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT

BROKER = Memory(example.snapshot()).broker(ROOT)


def rows(text: str) -> Rows:
    found = plan(BROKER, text)
    assert isinstance(found, Rows)
    return found


def test_each_kind_of_query_has_its_kind_of_plan() -> None:
    assert isinstance(plan(BROKER, "SELECT * FROM Win32_Process"), Rows)
    assert isinstance(plan(BROKER, "SELECT * FROM meta_class"), Classes)
    assert isinstance(plan(BROKER, "ASSOCIATORS OF {Win32_Process=1}"), Ties)
    assert isinstance(plan(BROKER, "REFERENCES OF {Win32_Process} WHERE SchemaOnly"), Classes)
    assert isinstance(plan(BROKER, "SELECT * FROM Win32_ProcessStartTrace"), EventQuery)


def test_a_class_that_cannot_fit_has_no_part() -> None:
    classes = {
        "SELECT * FROM Win32_Account": {"Win32_SystemAccount", "Win32_UserAccount", "Win32_Group"},
        "SELECT * FROM Win32_Account WHERE __CLASS = 'win32_group'": {"Win32_Group"},
        "SELECT * FROM Win32_Account WHERE NOT __this ISA 'Win32_Group'": {"Win32_SystemAccount", "Win32_UserAccount"},
        "SELECT * FROM Win32_Account WHERE __SUPERCLASS = 'x' AND Name = 'y'": set(),
        "SELECT * FROM Win32_Account WHERE __SERVER = 'elsewhere'": set(),
        "SELECT * FROM Win32_MappedLogicalDisk": set(),
    }
    for text, names in classes.items():
        assert {part.cls.name for part in rows(text).parts} == names


def test_what_the_class_decides_is_no_part_of_the_condition() -> None:
    (part,) = rows("SELECT * FROM Win32_Process WHERE __CLASS = 'Win32_Process'").parts
    assert part.condition == condition.TRUE
    (part,) = rows("SELECT * FROM Win32_Process WHERE __GENUS = 2 AND Name = 'x'").parts
    assert part.condition == condition.Term("Name", "=", "x", "text")


def test_properties_are_spelled_as_the_class_has_them() -> None:
    (part,) = rows("SELECT HANDLE, __path, handle FROM win32_process").parts
    assert part.columns == (("Handle", "__PATH"), ("Handle",))


@pytest.mark.parametrize(
    ("where", "columns", "fixed"),
    [
        ("Name = 'x' AND ProcessId > 3", ("Name", "ProcessId"), {"Name": {"x"}}),
        ("Handle = 3 OR Handle = 4", ("Handle",), {"Handle": {"3", "4"}}),
        ("__RELPATH = 'Win32_Process=3'", ("Handle",), {"Handle": {"3"}}),
        ("__PATH LIKE '%3%' AND Name = 'x'", ("Handle", "Name"), {"Name": {"x"}}),
        ("Handle = 3 OR Name = 'x'", ("Handle", "Name"), {}),
    ],
)
def test_a_condition_says_what_it_looks_at_and_what_it_fixes(
    where: str, columns: tuple[str, ...], fixed: dict[str, set[str]]
) -> None:
    (part,) = rows(f"SELECT * FROM Win32_Process WHERE {where}").parts
    found = where_of(BROKER, part.cls, part.condition)
    assert found.columns == columns
    assert {name: set(values) for name, values in found.fixed.items()} == fixed


def test_the_text_of_a_path_is_made_of_the_keys() -> None:
    like = r"""'\\\\WEB1\\root_cimv2:%="431_"'"""
    (part,) = rows(f"SELECT Name FROM Win32_Process WHERE __PATH LIKE {like}").parts
    fits = where_of(BROKER, part.cls, part.condition).fits(["Handle"])
    assert [handle for handle in ("4311", "4312", "431", "5") if fits((handle,))] == ["4311", "4312"]
