"""broker/families.py: which classes have instances here, and can stand where?"""

import pytest

from logonscope.broker.families import at_end, family, provider_for
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema


def test_a_family_is_of_the_classes_that_have_instances_a_group_last() -> None:
    names = [cls.name for cls in family(schema().get("Win32_Account"))]
    assert set(names) == {"Win32_SystemAccount", "Win32_UserAccount", "Win32_Group"}
    assert names[-1] == "Win32_Group"
    assert family(schema().get("Win32_MappedLogicalDisk")) == ()
    assert provider_for(family(schema().get("CIM_Process"))[0]).subject == "process"


@pytest.mark.parametrize(
    ("association", "role", "names"),
    [
        ("Win32_SessionProcess", "Antecedent", {"Win32_LogonSession"}),
        ("Win32_SessionProcess", "Dependent", {"Win32_Process"}),
        ("Win32_LoggedOnUser", "Antecedent", {"Win32_SystemAccount", "Win32_UserAccount"}),
        ("Win32_GroupUser", "GroupComponent", {"Win32_Group"}),
        ("LS_ProcessSocket", "Dependent", {"LS_Socket"}),
    ],
)
def test_at_an_end_stands_what_it_is_declared_for_and_made_of(association: str, role: str, names: set[str]) -> None:
    cls = schema().get(association, LOGONSCOPE if association.startswith("LS_") else CIMV2)
    assert {standing.name for standing in at_end(cls, role)} == names
