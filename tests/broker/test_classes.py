"""Tests of broker/classes.py: authenticated callers find class definitions by name and by pattern."""

import pytest

from logonscope.broker.classes import MAX_PATTERN_LENGTH, classes, get_class
from logonscope.cim.schema.build import FOLDER
from logonscope.errors import AccessDeniedError, InvalidClassError, InvalidNamespaceError, InvalidParameterError
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

HOST = Memory(example.snapshot()).request(ROOT)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("win32_sessionprocess", ["Win32_SessionProcess"]),
        ("Win32_S?ssionProcess", ["Win32_SessionProcess"]),
        ("*SessionProcess", ["Win32_SessionProcess"]),
        ("%SessionProcess%", ["Win32_SessionProcess"]),
        ("__*Namespace", ["__NAMESPACE"]),
        ("Session", []),
        (".*", []),
        ("", []),
    ],
)
def test_a_pattern_means_whole_names_in_any_case(pattern: str, names: list[str]) -> None:
    assert [found.name for found in classes(HOST, pattern)] == names


def test_without_a_pattern_it_is_all_of_the_namespace_parents_first() -> None:
    names = [found.name for found in classes(HOST)]
    assert sorted(names) == sorted(file.stem for file in FOLDER.glob("*.mof") if not file.stem.startswith("LS_"))
    assert names.index("CIM_Dependency") < names.index("Win32_SessionResource") < names.index("Win32_SessionProcess")
    ours = [found.name for found in classes(HOST, "LS_*", "root/logonscope")]
    assert "LS_SessionProcess" in ours
    assert list(classes(HOST, "LS_*")) == []


def test_every_namespace_has_the_system_classes() -> None:
    assert get_class(HOST, "__NAMESPACE", "root").namespace == "root"
    assert get_class(HOST, "__namespace", "root\\logonscope").derivation == ("__SystemClass",)


@pytest.mark.parametrize("pattern", ["x" * (MAX_PATTERN_LENGTH + 1), "*a" * 9])
def test_a_pattern_that_could_take_long_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidParameterError, match="the pattern is too long"):
        classes(HOST, pattern)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidClassError):
        get_class(HOST, "Win32_Nothing")
    with pytest.raises(InvalidNamespaceError):
        classes(HOST, None, "root\\nothing")


def test_class_definitions_are_for_every_authenticated_caller() -> None:
    assert get_class(Memory(example.snapshot()).request(user(5)), "Win32_Process").keys == ("Handle",)
    nobody = Memory(example.snapshot()).request(user(None))
    with pytest.raises(AccessDeniedError):
        get_class(nobody, "Win32_Process")
    with pytest.raises(AccessDeniedError):
        classes(nobody)
