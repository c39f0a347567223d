"""Tests of broker/plan.py: everything that needs no reading is decided before it."""

import pytest

from logonscope.broker.plan import AssociationPlan, ClassesPlan, RowsPlan, plan
from logonscope.wql import condition
from logonscope.wql.events import EventQuery
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT

REQUEST = Memory(example.snapshot()).request(ROOT)


def rows(text: str) -> RowsPlan:
    found = plan(REQUEST, text)
    assert isinstance(found, RowsPlan)
    return found


def test_each_kind_of_query_has_its_kind_of_plan() -> None:
    assert isinstance(plan(REQUEST, "SELECT * FROM Win32_Process"), RowsPlan)
    assert isinstance(plan(REQUEST, "SELECT * FROM meta_class"), ClassesPlan)
    assert isinstance(plan(REQUEST, "ASSOCIATORS OF {Win32_Process=1}"), AssociationPlan)
    assert isinstance(plan(REQUEST, "REFERENCES OF {Win32_Process} WHERE SchemaOnly"), ClassesPlan)
    assert isinstance(plan(REQUEST, "SELECT * FROM Win32_ProcessStartTrace"), EventQuery)


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
    ("where", "left"),
    [
        ("Antecedent = 'Win32_LogonSession=41'", {"Win32_SessionProcess"}),
        (
            "Antecedent <> 'Win32_LogonSession=41'",
            {"CIM_ProcessExecutable", "Win32_LoggedOnUser", "Win32_SessionProcess"},
        ),
        ('Antecedent = \'Win32_UserAccount.Domain="web1",Name="alice"\'', {"Win32_LoggedOnUser"}),
        ('Antecedent = \'Win32_Group.Domain="web1",Name="alice"\'', set()),
        ("Antecedent = 'Win32_LogonSession'", set()),
        (
            "Dependent = 'Win32_OperatingSystem=@' OR Dependent = 'CIM_Process=1'",
            {"CIM_ProcessExecutable", "Win32_SessionProcess"},
        ),
    ],
)
def test_an_association_at_whose_end_a_path_cannot_stand_has_no_part(where: str, left: set[str]) -> None:
    assert {part.cls.name for part in rows(f"SELECT * FROM CIM_Dependency WHERE {where}").parts} == left
