"""Tests of cim/schema: every class, with inherited members, equals that of a real Windows 11 repository.

documented.json holds names, types, keys, qualifiers, flavors and order as classes have them with what they inherit. It
was decoded by other code than declared.json was, which has the spelling of qualifiers, and the amended ones.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from logonscope.cim.classes import AMENDED, Class, Method, Parameter, Property, Qualifier, find_qualifier, has_qualifier
from logonscope.cim.schema import schema

DOCUMENTED: dict[str, Any] = json.loads((Path(__file__).parent / "documented.json").read_text(encoding="utf-8"))


def plain(qualifiers: Sequence[Qualifier]) -> dict[str, Any]:
    """Return qualifiers as the facts have them: without the amended ones."""
    chosen = (q for q in qualifiers if not q.flavor & AMENDED)
    return {q.name.lower(): list(q.value) if isinstance(q.value, tuple) else q.value for q in chosen}


def type_of(of: Property | Parameter) -> str:
    """Return a type as the facts spell it."""
    if of.type == "reference":
        return f"ref:{of.reference}"
    name = f"{of.type}:{of.reference}" if of.reference else of.type
    return f"{name}[]" if of.array else name


def flavors(qualifiers: Sequence[Qualifier]) -> dict[str, int]:
    """Return the flavor of each qualifier that is not amended."""
    return {q.name.lower(): q.flavor for q in qualifiers if not q.flavor & AMENDED}


def described(known: Class) -> dict[str, Any]:
    """Return a class in the shape of the facts."""
    declared = {p.name.lower() for p in known.declaration.qualifiers if not p.flavor & AMENDED}
    return {
        "superclass": known.superclass,
        "derivation": list(known.derivation),
        "dynasty": known.dynasty,
        "qualifiers": plain(known.qualifiers),
        "qualifier_flavors": flavors(known.qualifiers),
        "local_qualifiers": sorted(declared),
        "keys": list(known.keys),
        "property_count": len(known.properties),
        "properties": {p.name: property_of(p, order) for order, p in enumerate(known.properties.values())},
        "methods": [method_of(method) for method in known.methods.values()],
    }


def property_of(known: Property, order: int) -> dict[str, Any]:
    return {
        "type": type_of(known),
        "key": has_qualifier(known.qualifiers, "Key"),
        "read": True,
        "write": has_qualifier(known.qualifiers, "Write"),
        "qualifiers": plain(known.qualifiers),
        "flavors": flavors(known.qualifiers),
        "order": order,
        "origin": known.origin,
    }


def method_of(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "origin": method.origin,
        "qualifiers": plain(method.qualifiers),
        "in": [parameter_of(parameter) for parameter in method.parameters if parameter.is_in],
        "out": [parameter_of(parameter) for parameter in method.parameters if parameter.is_out],
        "returns": method.type,
    }


def parameter_of(parameter: Parameter) -> dict[str, Any]:
    qualifiers = plain([q for q in parameter.qualifiers if q.name.lower() not in {"in", "out", "id", "cimtype"}])
    number = find_qualifier(parameter.qualifiers, "ID")
    facts = {"name": parameter.name, "type": type_of(parameter), "id": number and number.value}
    return facts | ({"qualifiers": qualifiers} if qualifiers else {})


def facts_of(name: str) -> dict[str, Any]:
    facts: dict[str, Any] = DOCUMENTED[name]
    return facts | {"keys": sorted(facts["keys"])}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_class_is_the_documented_one(name: str) -> None:
    assert described(schema().get(name)) == facts_of(name)


def test_the_oddities_stay() -> None:
    resource, process = schema().get("Win32_SessionResource"), schema().get("Win32_SessionProcess")
    assert schema().find("Win32_LogicalElement") is None
    assert resource.property_named("Antecedent").reference == "Win32_LogicalElement"
    assert resource.property_named("Dependent").reference == "Win32_Session"
    assert process.property_named("Antecedent").reference == "Win32_LogonSession"
    uuid = find_qualifier(process.qualifiers, "UUID")
    assert uuid is not None
    assert uuid.value == "9CD8E1CE-0D27-4a41-AADE-F8D200230FF4"
    assert not process.is_abstract
    assert process.is_association
