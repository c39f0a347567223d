"""Tests of cim/schema: every class declares what the documented class declares, compared with declared.json.

declared.json has what 89 classes of a real Windows 11 repository declare themselves: types, order, qualifiers with
their values and flavors, default values, amended qualifiers, methods and parameters. It was decoded by MS-WMIO, by
other code than documented.json was, and has no Description: those are our own texts.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from logonscope.cim.classes import AMENDED, Class, Method, Parameter, Property, Qualifier, find_qualifier
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.cim.types import Value

DECLARED: dict[str, Any] = json.loads((Path(__file__).parent / "declared.json").read_text(encoding="utf-8"))
SERVED = {known.name: known for known in schema().classes(CIMV2)}
PUBLISHED: dict[str, Any] = json.loads((Path(__file__).parent / "published.json").read_text(encoding="utf-8"))
"""Five ancestors of Win32_BIOS, Win32_ComputerSystemProcessor and Win32_SystemTimeZone. declared.json does not declare
them, as nobody has decoded them, so they cannot be held against it. They are held against what Microsoft's pages of
these classes print: superclass, types, and qualifiers with their spelling. The pages print no flavor, no Locale and no
order: flavors are those that the same qualifiers have in declared.json, and the properties of CIM_SoftwareElement have
the order in which Windows prints those of Win32_BIOS."""

UNPUBLISHED = {"CIMTYPE", "Locale", "read", "AMENDMENT", "Description", "Values"}
"""Qualifiers that the pages print as text, or not at all."""

BIOS_ORDER = (
    "Caption", "Description", "InstallDate", "Name", "Status", "Version", "SoftwareElementState", "SoftwareElementID",
    "TargetOperatingSystem", "OtherTargetOS", "Manufacturer", "BuildNumber", "SerialNumber", "CodeSet",
    "IdentificationCode", "LanguageEdition", "PrimaryBIOS", "ReleaseDate", "BiosCharacteristics",
)  # fmt: skip
"""The first columns of Win32_BIOS as wmiquery of impacket prints them from a Windows Server 2016."""

BESIDE = {"Description", "AMENDMENT"}
"""Amended qualifiers that the facts leave out: the texts, and the mark of a class that has amended qualifiers."""


def json_value(value: Value) -> Any:
    """Return a value as JSON has it."""
    return list(value) if isinstance(value, (tuple, bytes)) else value


def qualifiers_of(qualifiers: Iterable[Qualifier]) -> dict[str, Any]:
    """Return qualifiers as the facts have them; the repository keeps amended ones apart, without their flavor bit."""
    plain = [[q.name, json_value(q.value), q.flavor] for q in qualifiers if not q.flavor & AMENDED]
    amended = [
        [q.name, json_value(q.value), q.flavor & ~AMENDED]
        for q in qualifiers
        if q.flavor & AMENDED and q.name not in BESIDE
    ]
    return {"qualifiers": plain, "amended": amended}


def typed(member: Property | Parameter) -> dict[str, Any]:
    return {"name": member.name, "type": member.type, "array": member.array, **qualifiers_of(member.qualifiers)}


def property_of(declared: Property, order: int) -> dict[str, Any]:
    return typed(declared) | {"order": order, "default": json_value(declared.default)}


def method_of(method: Method) -> dict[str, Any]:
    returned = {"name": "ReturnValue", "type": method.type, "array": False, **qualifiers_of(())}
    return {
        "name": method.name,
        **qualifiers_of(method.qualifiers),
        "in": by_name(typed(parameter) for parameter in method.parameters if parameter.is_in),
        "out": by_name([returned, *(typed(parameter) for parameter in method.parameters if parameter.is_out)]),
    }


def by_name(parameters: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return parameters in alphabetical order, as the classes of parameters have them; their ID has the other order."""
    return sorted(parameters, key=parameter_name)


def parameter_name(parameter: dict[str, Any]) -> str:
    return str(parameter["name"]).lower()


def declaration_of(known: Class) -> dict[str, Any]:
    """Return what a class declares, in the shape of the facts."""
    order = [name.lower() for name in known.properties]
    return {
        "superclass": known.superclass,
        **qualifiers_of(known.declaration.qualifiers),
        "properties": [property_of(p, order.index(p.name.lower())) for p in known.declaration.properties],
        "methods": [method_of(method) for method in known.declaration.methods],
    }


def published(qualifiers: Iterable[Qualifier]) -> dict[str, Any]:
    """Return the qualifiers that a page prints."""
    return {q.name: json_value(q.value) for q in qualifiers if q.name not in UNPUBLISHED}


def qualifier_rows(facts: dict[str, Any]) -> Iterator[list[Any]]:
    """Yield the qualifiers of all classes and properties in the facts."""
    for name, known in facts.items():
        if name in SERVED:
            yield known.get("qualifiers", [])
            yield from (member.get("qualifiers", []) for member in known["properties"])


def facts_of(name: str) -> dict[str, Any]:
    """Return the facts of a class, with what they leave out because it is empty."""
    facts = DECLARED[name]
    members = [{"default": None} | with_qualifiers(member) for member in facts["properties"]]
    methods = [
        with_qualifiers(method) | {way: by_name(map(with_qualifiers, method[way])) for way in ("in", "out")}
        for method in facts.get("methods", [])
    ]
    return with_qualifiers(facts) | {"properties": members, "methods": methods}


def with_qualifiers(facts: dict[str, Any]) -> dict[str, Any]:
    return {"qualifiers": [], "amended": []} | facts


@pytest.mark.parametrize("name", sorted(SERVED.keys() - PUBLISHED.keys()))
def test_a_class_declares_what_the_documented_class_declares(name: str) -> None:
    assert declaration_of(SERVED[name]) == facts_of(name)


def test_the_documented_namespace_has_no_class_of_our_own() -> None:
    assert SERVED.keys() - DECLARED.keys() == PUBLISHED.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_ancestor_without_facts_declares_what_its_public_page_prints(name: str) -> None:
    declared = SERVED[name].declaration
    assert {
        "superclass": SERVED[name].superclass,
        "qualifiers": published(declared.qualifiers),
        "properties": {p.name: [p.reference or p.type, published(p.qualifiers)] for p in declared.properties},
    } == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_ancestor_without_facts_has_the_flavors_of_the_classes_with_facts(name: str) -> None:
    flavors = {(q[0].lower(), q[2]) for row in qualifier_rows(DECLARED) for q in row}
    declared = SERVED[name].declaration
    for qualifiers in (declared.qualifiers, *(member.qualifiers for member in declared.properties)):
        plain = {(q.name.lower(), q.flavor) for q in qualifiers if not q.flavor & AMENDED}
        assert plain <= flavors


def test_the_properties_of_the_firmware_have_the_order_of_windows() -> None:
    assert tuple(SERVED["Win32_BIOS"].properties)[: len(BIOS_ORDER)] == BIOS_ORDER


@pytest.mark.parametrize("name", sorted(SERVED.keys() - PUBLISHED.keys()))
def test_a_class_with_a_localized_copy_is_marked_as_amended(name: str) -> None:
    mark = find_qualifier(SERVED[name].declaration.qualifiers, "AMENDMENT")
    assert mark == (Qualifier("AMENDMENT", True, AMENDED) if "amended" in DECLARED[name] else None)


@pytest.mark.parametrize("namespace", [CIMV2, LOGONSCOPE])
def test_every_class_member_and_parameter_is_described(namespace: str) -> None:
    for known in schema().classes(namespace):
        declared = known.declaration
        parameters = [parameter for method in declared.methods for parameter in method.parameters]
        described = [
            declared.qualifiers,
            *(member.qualifiers for member in declared.properties),
            *(method.qualifiers for method in declared.methods),
            *(parameter.qualifiers for parameter in parameters),
        ]
        assert all(find_qualifier(qualifiers, "Description") for qualifiers in described), known
