"""Tests of cim/schema/__init__.py: each class is found in its namespace, in any case; a wrong name gets a hint."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.classes import Class, Declaration
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.errors import InvalidClassError, InvalidNamespaceError
from tests.cim.declared import schema_of

KNOWN = {namespace: {known.name for known in schema().classes(namespace)} for namespace in schema().namespaces}
OF_THE_SYSTEM = {"__SecurityDescriptor", "__ntlmuser9x"}
OF_WINDOWS = {
    "CIM_CollectionOfMSEs", "CIM_Thread", "Win32_FolderRedirectionHealth", "Win32_LogicalElement",
    "Win32_NamedJobObject", "Win32_SecurityDescriptor", "Win32_ServerConnection",
}  # fmt: skip
"""What the documented classes refer to that is not here; Win32_LogicalElement is not on Windows either."""


def test_there_are_three_namespaces() -> None:
    assert schema().namespaces == ("root", CIMV2, LOGONSCOPE)
    assert schema_of("class A {};").namespaces == ("root",)


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        (r"root\cimv2", CIMV2),
        (r"ROOT\CIMV2", CIMV2),
        ("root/cimv2", CIMV2),
        ("Root/LogonScope", LOGONSCOPE),
        ("ROOT", "root"),
    ],
)
def test_a_namespace_is_known_in_any_case_and_by_both_slashes(name: str, namespace: str) -> None:
    assert schema().namespace(name) == namespace


@pytest.mark.parametrize(
    "name", ["", "\\", "NONE", r"root\none", r"root\\cimv2", "root\\cimv2\\", r"\root", "cimv2", "root cimv2", "ro\0ot"]
)
def test_another_namespace_is_refused_and_those_that_are_there_are_named(name: str) -> None:
    with pytest.raises(InvalidNamespaceError) as refused:
        schema().namespace(name)
    known = r"use one of these: root, root\cimv2, root\logonscope"
    assert str(refused.value) == f"there is no namespace '{name}'; {known}"


def test_each_namespace_has_its_own_classes_and_the_system_classes() -> None:
    system = KNOWN["root"]
    assert {"__Event", "__NAMESPACE", "__EventFilter"} <= system
    assert all(name.startswith("__") for name in system)
    assert KNOWN[CIMV2] & KNOWN[LOGONSCOPE] == system
    assert {name for name in KNOWN[LOGONSCOPE] - system if not name.startswith("LS_")} == set()
    assert {name for name in KNOWN[CIMV2] - system if not name.startswith(("Win32_", "CIM_"))} == set()


@pytest.mark.parametrize("name", ["Win32_SessionProcess", "win32_sessionprocess", "WIN32_SESSIONPROCESS"])
def test_a_class_is_found_in_any_case_and_shown_as_it_was_declared(name: str) -> None:
    found = schema().get(name)
    assert (found.name, found.namespace) == ("Win32_SessionProcess", CIMV2)
    assert found is schema().find(name)
    assert found is schema().get("Win32_SessionProcess", CIMV2)


def test_a_system_class_is_in_the_namespace_in_which_it_was_looked_for() -> None:
    found = [schema().get("__event", namespace) for namespace in schema().namespaces]
    assert [(known.name, known.namespace) for known in found] == [
        ("__Event", "root"), ("__Event", CIMV2), ("__Event", LOGONSCOPE),
    ]  # fmt: skip


def test_a_class_that_is_not_there_is_none() -> None:
    assert schema().find("Win32_Nothing") is None
    assert schema().find("") is None
    assert schema().find("LS_Process", CIMV2) is None
    assert schema().find("Win32_Process", LOGONSCOPE) is None
    assert schema().find("Win32_Process", "root") is None


@pytest.mark.parametrize(
    ("name", "namespace", "text"),
    [
        ("Win32_Proces", CIMV2, r"root\cimv2 has no class 'Win32_Proces'; did you mean Win32_Process?"),
        ("win32_sessionproces", CIMV2, r"root\cimv2 has no class 'win32_sessionproces'; did you mean "),
        ("LS_Proces", LOGONSCOPE, r"root\logonscope has no class 'LS_Proces'; did you mean LS_Process?"),
        ("__Evnt", "root", "root has no class '__Evnt'; did you mean __Event?"),
        ("zzz", CIMV2, r"""root\cimv2 has no class 'zzz'; host.classes(namespace="root/cimv2") lists the classes"""),
        ("", CIMV2, r"""root\cimv2 has no class ''; host.classes(namespace="root/cimv2") lists the classes"""),
        ("ls_process", CIMV2, r"root\cimv2 has no class LS_Process; it is in root/logonscope"),
        ("Win32_Process", LOGONSCOPE, r"root\logonscope has no class Win32_Process; it is in root/cimv2"),
        ("Win32_Process", "root", r"root has no class Win32_Process; it is in root/cimv2"),
    ],
)
def test_a_wrong_name_gets_a_hint_and_a_class_of_another_namespace_is_pointed_to(
    name: str, namespace: str, text: str
) -> None:
    with pytest.raises(InvalidClassError) as refused:
        schema().get(name, namespace)
    assert str(refused.value).startswith(text)


@given(st.text(max_size=30))
def test_any_name_is_a_class_or_an_invalid_class_and_nothing_else(name: str) -> None:
    try:
        found: Class | None = schema().get(name)
    except InvalidClassError:
        found = None
    assert found is schema().find(name)


@pytest.mark.parametrize("namespace", schema().namespaces)
def test_parents_come_before_their_children(namespace: str) -> None:
    seen: set[str | None] = {None}
    for known in schema().classes(namespace):
        assert known.superclass in seen
        seen.add(known.name)
    assert seen - {None} == KNOWN[namespace]


def test_a_family_is_a_class_and_all_below_it_in_its_namespace() -> None:
    assert [known.name for known in schema().class_with_subclasses("win32_account")] == [
        "Win32_Account", "Win32_Group", "Win32_SystemAccount", "Win32_UserAccount",
    ]  # fmt: skip
    assert [known.name for known in schema().class_with_subclasses("Win32_SessionProcess")] == ["Win32_SessionProcess"]
    assert {"Win32_ProcessStartTrace", "__ExtrinsicEvent"} <= {
        known.name for known in schema().class_with_subclasses("__Event")
    }
    assert {known.namespace for known in schema().class_with_subclasses("__Event", LOGONSCOPE)} == {LOGONSCOPE}
    assert not {known.name for known in schema().class_with_subclasses("__Event", LOGONSCOPE)} & {
        "Win32_ProcessStartTrace"
    }


def test_a_class_knows_its_schema() -> None:
    assert {known.schema for space in schema().namespaces for known in schema().classes(space)} == {schema()}
    other = schema_of("class A {};")
    assert other.get("A", "root").schema is other


def test_classes_of_another_machine_are_added_to_a_copy_alone() -> None:
    declared = Declaration("Win32_Share", CIMV2, "CIM_LogicalElement", (), (), ())
    copy, before = schema().copy(), list(schema().classes(CIMV2))
    assert [known.name for known in copy.classes(CIMV2)] == [known.name for known in before]
    share = copy.add(declared, CIMV2)
    assert share is copy.get("WIN32_SHARE", CIMV2) is copy.add(declared, CIMV2)
    assert (share.schema, share.superclass) == (copy, "CIM_LogicalElement")
    assert share.derivation[-1] == "CIM_ManagedSystemElement"
    assert share in copy.class_with_subclasses("CIM_LogicalElement")
    assert share in list(copy.classes(CIMV2))
    assert schema().find("Win32_Share") is None
    assert list(schema().classes(CIMV2)) == before


def test_a_class_that_is_there_stays_and_one_without_its_parent_is_refused() -> None:
    copy = schema().copy()
    process = copy.get("Win32_Process")
    assert copy.add(Declaration("win32_process", CIMV2, None, (), (), ()), CIMV2) is process
    with pytest.raises(InvalidClassError):
        copy.add(Declaration("A", CIMV2, "B", (), (), ()), CIMV2)
    assert copy.find("A") is None


def test_a_namespace_is_added_with_its_first_class() -> None:
    copy = schema().copy()
    added = copy.add(Declaration("A", None, None, (), (), ()), r"root\other")
    assert copy.namespaces == ("root", CIMV2, LOGONSCOPE, r"root\other")
    assert added in list(copy.classes(r"root\other"))
    assert copy.find("A") is None


def references(known: Class) -> Iterator[str]:
    """Yield the classes that the references and embedded objects of a class name."""
    for method in known.methods.values():
        yield from (of.reference for of in method.parameters if of.reference)
    yield from (of.reference for of in known.properties.values() if of.reference)


@pytest.mark.parametrize("namespace", schema().namespaces)
def test_a_reference_names_a_class_or_one_of_those_that_are_declared_nowhere(namespace: str) -> None:
    named = {name for known in schema().classes(namespace) for name in references(known)}
    nowhere = {name for name in named if schema().find(name, namespace) is None}
    listed = OF_THE_SYSTEM | (OF_WINDOWS if namespace == CIMV2 else set())
    assert nowhere <= listed, f"add to OF_WINDOWS, or correct the reference: {nowhere - listed}"
    assert nowhere >= listed, f"these classes exist, so remove them from OF_WINDOWS: {listed - nowhere}"


def test_every_class_of_our_own_is_described_and_so_is_each_of_its_properties() -> None:
    for known in schema().classes(LOGONSCOPE):
        if known.name.startswith("LS_"):
            told = [known.qualifiers, *(of.qualifiers for of in known.properties.values())]
            assert all(any(q.name == "Description" and q.value for q in qualifiers) for qualifiers in told), known


def test_a_checkout_that_was_not_built_says_how_to_build_it() -> None:
    program = (
        "import sys; sys.modules['logonscope.cim.schema.compiled'] = None\n"
        "from logonscope.cim.schema import schema; from logonscope.errors import NotSupportedError\n"
        "try:\n    schema()\nexcept NotSupportedError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    expected = "cannot load the classes: this checkout was not built; run python -m logonscope.cim.schema.build\n"
    assert done.stdout == expected
