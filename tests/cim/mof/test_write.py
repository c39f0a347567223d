"""Tests of cim/mof/write.py: written MOF has the whole class, for our reader and for pywbem's compiler."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import pywbem
from hypothesis import given
from hypothesis import strategies as st

from logonscope.cim.classes import (
    AMENDED,
    CIMTYPE,
    NOT_OVERRIDABLE,
    TO_INSTANCE,
    TO_SUBCLASS,
    Class,
    Declaration,
    Method,
    Parameter,
    Property,
    Qualifier,
    has_qualifier,
    parameter_id_qualifier,
)
from logonscope.cim.mof.read import read_mof
from logonscope.cim.mof.write import WIDTH, with_inherited, write_mof
from logonscope.cim.schema import CIMV2, schema
from logonscope.cim.schema.build import FOLDER, read_declarations
from logonscope.cim.types import TYPES

DECLARED = {known.name: known for known in read_declarations()}


def read_back(declared: Declaration, *, amended: bool = True) -> Declaration:
    """Return what the text of a declaration declares."""
    (found,) = read_mof(write_mof(declared, amended=amended))
    return found


@pytest.mark.parametrize("name", DECLARED)
def test_every_file_of_the_schema_is_as_the_writer_writes_it(name: str) -> None:
    text = (FOLDER / f"{name}.mof").read_text(encoding="utf-8")
    assert write_mof(DECLARED[name], amended=True) == text


def test_a_class_is_written_as_people_write_it() -> None:
    assert write_mof(DECLARED["Win32_SessionProcess"]) == (
        r"""#pragma namespace("\\\\.\\root\\cimv2")

[dynamic : ToInstance, provider("CIMWin32") : ToInstance, Locale(1033) : ToInstance,
 UUID("9CD8E1CE-0D27-4a41-AADE-F8D200230FF4") : ToInstance]
class Win32_SessionProcess : Win32_SessionResource
{
  [Override("Antecedent"), key : ToInstance ToSubclass DisableOverride]
  Win32_LogonSession ref Antecedent;
  [Override("Dependent"), key : ToInstance ToSubclass DisableOverride]
  Win32_Process ref Dependent;
};
"""
    )


def test_a_class_without_anything_is_three_lines() -> None:
    assert write_mof(Declaration("A", None, None, (), (), ())) == "class A\n{\n};\n"


ONE_TEXT = re.compile(r"""\s*\[?(\w+[({])?"(\\.|[^"\\])*"([)}]( : [A-Za-z ]+)?)?[],]""")
"""A line that cannot be parted: one qualifier with one text, or one text of an array."""


@pytest.mark.parametrize("name", DECLARED)
def test_only_a_text_that_cannot_be_parted_makes_a_line_too_wide(name: str) -> None:
    text = write_mof(with_inherited(class_of(name)), amended=True)
    wide = [line for line in text.splitlines() if len(line) > WIDTH and not ONE_TEXT.fullmatch(line)]
    assert wide == []


@pytest.mark.parametrize("name", DECLARED)
def test_a_whole_class_says_what_it_inherits_too(name: str) -> None:
    known = class_of(name)
    found = read_back(with_inherited(known))
    assert found.qualifiers == known.qualifiers
    assert [of.name for of in found.properties] == [of.name for of in known.properties.values()]
    assert {(of.name, q) for of in found.properties for q in of.qualifiers} == {
        (of.name, q) for of in known.properties.values() for q in of.qualifiers
    }
    assert [method._replace(origin="") for method in known.methods.values()] == list(found.methods)


def class_of(name: str) -> Class:
    """Return a class with all that it inherits."""
    return schema().get(name, DECLARED[name].namespace or CIMV2)


RESERVED = {"ref", "object", "class", "pragma", "true", "false"}
near = st.sampled_from(["reference", "objects", "classes", "Trueish"])
names = near | st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,12}\Z").filter(lambda name: name.lower() not in RESERVED)
characters = st.characters(exclude_characters="\0", codec="utf-8")
texts = st.text(characters, max_size=24) | st.text("\"\\', {}()[]:;a\n", max_size=90)
constants = texts | st.integers(-(2**63), 2**64) | st.booleans()
flavors = st.lists(st.sampled_from([TO_INSTANCE, TO_SUBCLASS, NOT_OVERRIDABLE, AMENDED]), unique=True).map(sum)
qualifiers = st.lists(
    st.builds(
        Qualifier,
        names.filter(lambda name: name.lower() not in {"key", "id", CIMTYPE.lower()}),
        constants | st.lists(constants, max_size=6).map(tuple),
        flavors,
    )
    | st.just(Qualifier("Key", True, TO_INSTANCE | TO_SUBCLASS | NOT_OVERRIDABLE)),
    max_size=4,
    unique_by=lambda found: found.name.casefold(),
).map(tuple)
simple = st.sampled_from(sorted(TYPES.keys() - {"reference", "object"}))


@st.composite
def kinds(draw: st.DrawFn) -> tuple[str, str | None, str]:
    """Return a type, the class that it names, and its spelling."""
    kind = draw(simple | st.sampled_from(["reference", "object"]))
    if kind == "reference":
        of = draw(names)
        return kind, of, f"ref:{of}"
    if kind == "object":
        embedded = draw(st.none() | names)
        return kind, embedded, f"object:{embedded}" if embedded else kind
    return kind, None, draw(st.sampled_from([kind, kind.upper(), kind.title()]))


@st.composite
def properties(draw: st.DrawFn) -> Property:
    """Return a property; its first qualifier keeps the spelling of its type."""
    kind, reference, spelled = draw(kinds())
    kept = Qualifier(CIMTYPE, spelled, TO_INSTANCE | TO_SUBCLASS)
    is_array = draw(st.booleans())
    default = draw(st.none() | defaults(kind, is_array=is_array))
    return Property(draw(names), kind, is_array, reference, (kept, *draw(qualifiers)), default=default)


def defaults(kind: str, *, is_array: bool) -> st.SearchStrategy[Any]:
    """Return default values of a type: single ones or arrays; nothing but None for a type that has none."""
    cim_type = TYPES[kind]
    if cim_type.is_integer:
        single: st.SearchStrategy[Any] = st.integers(cim_type.low, cim_type.high)
    else:
        single = {"boolean": st.booleans(), "string": texts}.get(kind, st.nothing())
    if kind == "uint8" and is_array:
        return st.binary(max_size=6)
    if single.is_empty:
        return st.none()
    return st.lists(single, max_size=6).map(tuple) if is_array else single


@st.composite
def methods(draw: st.DrawFn) -> Method:
    """Return a method; the first qualifier of each parameter keeps its type, the last one numbers it."""
    parameters = []
    for number in range(draw(st.integers(0, 3))):
        kind, reference, spelled = draw(kinds())
        kept = Qualifier(CIMTYPE, spelled, TO_INSTANCE | TO_SUBCLASS)
        numbered = draw(
            st.just(parameter_id_qualifier(number)) | st.builds(Qualifier, st.just("ID"), st.integers(), st.just(0))
        )
        described = (kept, *draw(qualifiers), numbered)
        parameters.append(Parameter(draw(names), kind, draw(st.booleans()), reference, described))
    return Method(draw(names), draw(simple), tuple(parameters), draw(qualifiers))


declared_classes = st.builds(
    Declaration,
    name=names,
    namespace=st.none() | st.sampled_from(["root", r"root\cimv2", r"root\a\b"]),
    superclass=st.none() | names,
    qualifiers=qualifiers,
    properties=st.lists(properties(), max_size=3).map(tuple),
    methods=st.lists(methods(), max_size=2).map(tuple),
)


def without_amended(declared: Declaration) -> Declaration:
    """Return a declaration less its texts for people."""

    def kept(found: tuple[Qualifier, ...]) -> tuple[Qualifier, ...]:
        return tuple(q for q in found if not q.flavor & AMENDED)

    return declared._replace(
        qualifiers=kept(declared.qualifiers),
        properties=tuple(of._replace(qualifiers=kept(of.qualifiers)) for of in declared.properties),
        methods=tuple(
            method._replace(
                qualifiers=kept(method.qualifiers),
                parameters=tuple(of._replace(qualifiers=kept(of.qualifiers)) for of in method.parameters),
            )
            for method in declared.methods
        ),
    )


@given(declared_classes)
def test_what_is_written_is_read_back(declared: Declaration) -> None:
    assert read_back(declared) == declared
    assert read_back(declared, amended=False) == without_amended(declared)


@pytest.mark.parametrize(
    "value",
    [
        "a" * 200,
        "one, two " * 20,
        '", "' * 30,
        "\0" * 70,
        (", ", "a" * 110, "b"),
        (*["a" * 20] * 5, ", ", "a" * 20),
        ("\\", '"', *['", "'] * 20),
        ("", *["a"] * 60),
        tuple(range(60)),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_value_that_is_longer_than_a_line_is_read_back_too(value: Any) -> None:
    for found in (Qualifier("Values", value, 0), Qualifier("Values", value, TO_SUBCLASS | AMENDED)):
        declared = Declaration("A", None, None, (Qualifier("Read", True, 0), found), (), ())
        assert read_back(declared) == declared


CANNOT = {
    # WMI's type object, with or without a class, is none of DSP0004's
    "Win32_Process": "object:Win32_ProcessStartup ProcessStartupInformation",
    "Win32_UserProfile": "object:Win32_FolderRedirectionHealth AppDataRoaming",
    "Win32_Service": "object:Win32_SecurityDescriptor Descriptor",
    "__AggregateEvent": "object Representative",
    "__InstanceOperationEvent": "object TargetInstance",
    "__SystemSecurity": "object:__SecurityDescriptor Descriptor",
    # a reference to a class that is declared nowhere; to Win32_LogicalElement not even on Windows
    "CIM_CollectedMSEs": "CIM_CollectionOfMSEs",
    "CIM_LogicalFile": "object:Win32_SecurityDescriptor SecurityDescriptor",
    "CIM_ProcessThread": "CIM_Thread",
    "Win32_SessionConnection": "Win32_ServerConnection",
    "Win32_SessionResource": "Win32_LogicalElement",
}
"""The classes whose own text pywbem's compiler cannot read, each with the words at which it stops."""

FOR_ANOTHER = {
    "CIM_DataFile": "CIM_LogicalFile",
    "CIM_ProcessExecutable": "CIM_LogicalFile",
    "__InstanceCreationEvent": "__InstanceOperationEvent",
    "__InstanceDeletionEvent": "__InstanceOperationEvent",
    "__InstanceModificationEvent": "__InstanceOperationEvent",
    "Win32_NamedJobObjectProcess": "CIM_CollectedMSEs",
    "Win32_SessionProcess": "Win32_SessionResource",
    "Win32_SystemProcesses": "Win32_Process",
    "Win32_SystemServices": "Win32_Service",
}
"""The classes that pywbem's compiler cannot read because one that they need is such a class."""

READABLE = sorted(DECLARED.keys() - CANNOT.keys() - FOR_ANOTHER.keys())
NAMESPACE = "root/test"
TYPE_OF = {bool: "boolean", int: "sint32", str: "string", tuple: "string"}


def every_qualifier(declared: Iterable[Declaration]) -> Iterator[Qualifier]:
    """Yield every qualifier that stands in some declarations."""
    for known in declared:
        yield from known.qualifiers
        for of in known.properties:
            yield from of.qualifiers
        for method in known.methods:
            yield from method.qualifiers
            for parameter in method.parameters:
                yield from parameter.qualifiers


def qualifier_types() -> str:
    """Return the declarations of all qualifiers, as DSP0004 wants them: WMI needs none."""
    kinds = {
        q.name.lower(): (q.name, TYPE_OF[type(q.value)], type(q.value) is tuple)
        for q in every_qualifier(DECLARED.values())
    }
    return "".join(
        f"Qualifier {name} : {kind}{'[]' if array else ''}, Scope(any);\n" for name, kind, array in kinds.values()
    )


def needed(name: str) -> dict[str, Declaration]:
    """Return a class and those that it names, as far as they are declared, each after those that it needs."""
    declared = DECLARED.get(name)
    if declared is None:
        return {}
    found: dict[str, Declaration] = needed(declared.superclass) if declared.superclass else {}
    for of in declared.properties:
        if of.type == "reference" and of.reference:
            found |= needed(of.reference)
    return found | {name: declared}


class CannotReadError(Exception):
    """pywbem's compiler cannot read a class: which one, and what it says of it."""


def compiled_by_pywbem(name: str) -> Any:
    """Return a class as pywbem's compiler understands its text.

    It takes no namespace with a server, as WMI writes it; so it is told the namespace instead.
    """
    compiler = pywbem.MOFCompiler(pywbem.MOFWBEMConnection(), log_func=None)
    compiler.compile_string(qualifier_types(), NAMESPACE)
    for known in needed(name).values():
        text = write_mof(known._replace(namespace=None), amended=False)
        try:
            compiler.compile_string(text, NAMESPACE)
        except pywbem.MOFCompileError as error:
            raise CannotReadError(known.name, str(error)) from None
    return compiler.handle.classes[NAMESPACE][name]


@pytest.mark.parametrize("name", READABLE)
def test_pywbem_understands_a_class_as_we_do(name: str) -> None:
    theirs, ours = compiled_by_pywbem(name), DECLARED[name]
    assert (theirs.classname, theirs.superclass) == (ours.name, ours.superclass)
    assert [
        (of.name, of.type, bool(of.is_array), of.reference_class, "Key" in of.qualifiers)
        for of in theirs.properties.values()
    ] == [(of.name, of.type, of.array, of.reference, has_qualifier(of.qualifiers, "Key")) for of in ours.properties]
    assert [(method.name, method.return_type) for method in theirs.methods.values()] == [
        (method.name, method.type) for method in ours.methods
    ]
    assert [
        [(of.name, of.type, bool(of.is_array), of.reference_class) for of in method.parameters.values()]
        for method in theirs.methods.values()
    ] == [[(of.name, of.type, of.array, of.reference) for of in method.parameters] for method in ours.methods]


@pytest.mark.parametrize("name", READABLE)
def test_pywbem_understands_the_qualifiers_of_a_class_as_we_do(name: str) -> None:
    theirs, ours = compiled_by_pywbem(name), without_amended(DECLARED[name])
    assert values_of(theirs) == {q.name: plain(q.value) for q in ours.qualifiers}
    for of in ours.properties:
        told = {q.name: plain(q.value) for q in of.qualifiers if q.name != CIMTYPE}
        assert values_of(theirs.properties[of.name]) == told
    for method in ours.methods:
        assert values_of(theirs.methods[method.name]) == {q.name: plain(q.value) for q in method.qualifiers}


def values_of(theirs: Any) -> dict[str, Any]:
    return {q.name: q.value for q in theirs.qualifiers.values()}


def plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", CANNOT)
def test_pywbem_cannot_read_what_dsp0004_does_not_have(name: str) -> None:
    with pytest.raises(CannotReadError) as refused:
        compiled_by_pywbem(name)
    culprit, message = refused.value.args
    assert culprit == name
    assert CANNOT[name] in message


@pytest.mark.parametrize("name", FOR_ANOTHER)
def test_pywbem_cannot_read_a_class_that_needs_such_a_one(name: str) -> None:
    with pytest.raises(CannotReadError) as refused:
        compiled_by_pywbem(name)
    assert refused.value.args[0] == FOR_ANOTHER[name]
    assert FOR_ANOTHER[name] in CANNOT


def test_pywbem_takes_no_namespace_of_a_server() -> None:
    compiler = pywbem.MOFCompiler(pywbem.MOFWBEMConnection(), log_func=None)
    with pytest.raises((AttributeError, pywbem.MOFCompileError)):
        compiler.compile_string(r'#pragma namespace("\\\\.\\root\\cimv2")', NAMESPACE)
