"""Parsing of CIM-XML class elements: CLASS, as write_class.py or Windows writes it, becomes a class declaration."""

from logonscope.cim.classes import (
    NOT_OVERRIDABLE,
    TO_INSTANCE,
    TO_SUBCLASS,
    Declaration,
    Method,
    Parameter,
    Property,
    Qualifier,
)
from logonscope.cim.types import Value
from logonscope.wire.xml import Element, local_name, text_of

_PROPERTIES = {"PROPERTY", "PROPERTY.ARRAY", "PROPERTY.REFERENCE"}
_PARAMETERS = {"PARAMETER", "PARAMETER.ARRAY", "PARAMETER.REFERENCE", "PARAMETER.REFARRAY"}


def declared(element: Element, namespace: str) -> Declaration:
    """Return the declaration of a CLASS, without the members that it inherits unchanged (PROPAGATED)."""
    declared_parts = [part for part in element if part.get("PROPAGATED", "false").lower() != "true"]
    return Declaration(
        element.get("NAME") or "",
        namespace,
        element.get("SUPERCLASS"),
        _parse_qualifiers(element),
        tuple(_parse_property(part) for part in declared_parts if local_name(part) in _PROPERTIES),
        tuple(_parse_method(part) for part in declared_parts if local_name(part) == "METHOD"),
    )


def _parse_property(element: Element) -> Property:
    kind = _parse_type(element)
    return Property(
        element.get("NAME") or "",
        kind,
        local_name(element) == "PROPERTY.ARRAY",
        element.get("REFERENCECLASS"),
        _parse_qualifiers(element),
        element.get("CLASSORIGIN") or "",
    )


def _parse_method(element: Element) -> Method:
    parameters = tuple(
        Parameter(
            part.get("NAME") or "",
            _parse_type(part),
            "ARRAY" in local_name(part),
            part.get("REFERENCECLASS"),
            _parse_qualifiers(part),
        )
        for part in element
        if local_name(part) in _PARAMETERS
    )
    return Method(element.get("NAME") or "", element.get("TYPE") or "uint32", parameters, _parse_qualifiers(element))


def _parse_type(element: Element) -> str:
    if "REF" in local_name(element):
        return "reference"
    return "object" if element.get("EmbeddedObject") else element.get("TYPE") or "string"


def _parse_qualifiers(element: Element) -> tuple[Qualifier, ...]:
    return tuple(
        Qualifier(part.get("NAME") or "", _parse_value(part), _parse_flavor(part))
        for part in element
        if local_name(part) == "QUALIFIER"
    )


def _parse_flavor(element: Element) -> int:
    # The defaults are those of DSP0201's attributes: TOSUBCLASS and OVERRIDABLE are true, TOINSTANCE is false.
    flavor = 0 if element.get("TOSUBCLASS") == "false" else TO_SUBCLASS
    flavor |= TO_INSTANCE if element.get("TOINSTANCE") == "true" else 0
    return flavor | (NOT_OVERRIDABLE if element.get("OVERRIDABLE") == "false" else 0)


def _parse_value(element: Element) -> Value:
    kind = element.get("TYPE") or "string"
    inner = next(iter(element), None)
    if inner is None:
        return None
    if local_name(inner) == "VALUE.ARRAY":
        return tuple(_parse_constant(text_of(part), kind) for part in inner)
    return _parse_constant(text_of(inner), kind)


def _parse_constant(text: str, kind: str) -> Value:
    if kind == "boolean":
        return text.lower() == "true"
    return int(text) if "int" in kind else text
