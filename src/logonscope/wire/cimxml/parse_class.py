"""Which class does an element CLASS declare? What definition.py writes, and what Windows writes, as a declaration."""

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
from logonscope.wire.xml import Element, content, local

_PROPERTIES = {"PROPERTY", "PROPERTY.ARRAY", "PROPERTY.REFERENCE"}
_PARAMETERS = {"PARAMETER", "PARAMETER.ARRAY", "PARAMETER.REFERENCE", "PARAMETER.REFARRAY"}


def declared(element: Element, namespace: str) -> Declaration:
    """Return what a CLASS adds to its parent: what came from above is left out, and comes from there."""
    own = [part for part in element if part.get("PROPAGATED", "false").lower() != "true"]
    return Declaration(
        element.get("NAME") or "",
        namespace,
        element.get("SUPERCLASS"),
        _qualifiers(element),
        tuple(_property(part) for part in own if local(part) in _PROPERTIES),
        tuple(_method(part) for part in own if local(part) == "METHOD"),
    )


def _property(of: Element) -> Property:
    kind = _type(of)
    return Property(
        of.get("NAME") or "", kind, local(of) == "PROPERTY.ARRAY", of.get("REFERENCECLASS"), _qualifiers(of),
        of.get("CLASSORIGIN") or "",
    )  # fmt: skip


def _method(of: Element) -> Method:
    parameters = tuple(
        Parameter(
            part.get("NAME") or "", _type(part), "ARRAY" in local(part), part.get("REFERENCECLASS"), _qualifiers(part)
        )
        for part in of
        if local(part) in _PARAMETERS
    )
    return Method(of.get("NAME") or "", of.get("TYPE") or "uint32", parameters, _qualifiers(of))


def _type(of: Element) -> str:
    if "REF" in local(of):
        return "reference"
    return "object" if of.get("EmbeddedObject") else of.get("TYPE") or "string"


def _qualifiers(of: Element) -> tuple[Qualifier, ...]:
    return tuple(
        Qualifier(part.get("NAME") or "", _value(part), _flavor(part)) for part in of if local(part) == "QUALIFIER"
    )


def _flavor(of: Element) -> int:
    flavor = 0 if of.get("TOSUBCLASS") == "false" else TO_SUBCLASS
    flavor |= TO_INSTANCE if of.get("TOINSTANCE") == "true" else 0
    return flavor | (NOT_OVERRIDABLE if of.get("OVERRIDABLE") == "false" else 0)


def _value(of: Element) -> Value:
    kind = of.get("TYPE") or "string"
    inner = next(iter(of), None)
    if inner is None:
        return None
    if local(inner) == "VALUE.ARRAY":
        return tuple(_constant(content(part), kind) for part in inner)
    return _constant(content(inner), kind)


def _constant(text: str, kind: str) -> Value:
    if kind == "boolean":
        return text.lower() == "true"
    return int(text) if "int" in kind else text
