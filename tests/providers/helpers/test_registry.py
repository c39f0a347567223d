"""Tests of providers/helpers/registry.py: classes with instances here, their modules, and the classes at ends."""

import subprocess
import sys
from pathlib import Path

import pytest

import logonscope.providers
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.providers.helpers.registry import (
    classes_at_end,
    find_provider,
    get_provider,
    module_name,
    provided_classes,
)

CLASSES = list({known.name: known for space in schema().namespaces for known in schema().classes(space)}.values())
SERVED = [cls for cls in CLASSES if find_provider(cls) is not None]


def test_a_family_is_of_the_classes_that_have_instances_a_group_last() -> None:
    names = [cls.name for cls in provided_classes(schema().get("Win32_Account"))]
    assert set(names) == {"Win32_SystemAccount", "Win32_UserAccount", "Win32_Group"}
    assert names[-1] == "Win32_Group"
    assert provided_classes(schema().get("Win32_MappedLogicalDisk")) == ()
    assert get_provider(provided_classes(schema().get("CIM_Process"))[0]).subject == "process"


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
def test_an_end_has_the_classes_of_its_declaration_and_subject(association: str, role: str, names: set[str]) -> None:
    cls = schema().get(association, LOGONSCOPE if association.startswith("LS_") else CIMV2)
    assert {standing.name for standing in classes_at_end(cls, role)} == names


@pytest.mark.parametrize(
    ("class_name", "file"),
    [
        ("Win32_SessionProcess", "session_process"),
        ("Win32_LogonSessionMappedDisk", "logon_session_mapped_disk"),
        ("LS_SessionUserManager", "ls_session_user_manager"),
        ("CIM_Process", "cim_process"),
        ("__NAMESPACE", "namespace"),
    ],
)
def test_a_file_is_named_as_its_class(class_name: str, file: str) -> None:
    assert module_name(class_name) == file


def test_a_class_without_a_file_has_no_instances() -> None:
    assert find_provider(schema().get("Win32_Account")) is None
    assert find_provider(schema().get("Win32_Process")) is find_provider(schema().get("Win32_Process")) is not None


def test_a_file_that_lacks_what_it_imports_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "torn.py").write_text("import something_that_is_not_there\n", encoding="ascii")
    script = (
        "import sys, logonscope.providers as providers\n"
        "from logonscope.cim.mof.read import read_mof\n"
        "from logonscope.cim.schema import schema\n"
        "from logonscope.providers.helpers.registry import find_provider\n"
        "providers.__path__.append(sys.argv[1])\n"
        "(torn,) = read_mof('class Win32_Torn {};')\n"
        "find_provider(schema().copy().add(torn, 'root\\\\cimv2'))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError: No module named 'something_that_is_not_there'" in done.stderr


def test_every_file_is_of_one_class() -> None:
    (folder,) = logonscope.providers.__path__
    files = {path.stem for path in Path(folder).glob("*.py")} - {"__init__"}
    unused = files - {module_name(cls.name) for cls in SERVED}
    assert unused == set(), "no class has these modules: compile its MOF file, and compare with module_name(CLASS)"
    assert len({module_name(cls.name) for cls in CLASSES}) == len(CLASSES)
