"""Parsing of CIM-XML class elements: CLASS, as write_class.py or Windows writes it, becomes a class declaration."""

from logonscope.cim.classes import (
    AMENDED,
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
from logonscope.errors import TransportFailureError
from logonscope.wire.cimxml.write_class import EMBEDDED_INSTANCE, EMBEDDED_OBJECT
from logonscope.wire.xml import Element, local_name

_PROPERTIES = {"PROPERTY", "PROPERTY.ARRAY", "PROPERTY.REFERENCE"}
_PARAMETERS = {"PARAMETER", "PARAMETER.ARRAY", "PARAMETER.REFERENCE", "PARAMETER.REFARRAY"}


def parse_class(element: Element, namespace: str) -> Declaration:
    """Return the declaration of a CLASS, without the members that it inherits unchanged (PROPAGATED).

    Raises:
        TransportFailureError: the text of a number is not valid.
    """
    try:
        return _parse_declaration(element, namespace)
    except ValueError as error:
        message = f"invalid class {element.get('NAME') or ''!r} in the response: {error}"
        raise TransportFailureError(message, "check that the server is a WMI host") from None


def _parse_declaration(element: Element, namespace: str) -> Declaration:
    declared = [child for child in element if child.get("PROPAGATED", "false").lower() != "true"]
    return Declaration(
        element.get("NAME") or "",
        namespace,
        element.get("SUPERCLASS"),
        _parse_qualifiers(element),
        tuple(_parse_property(child) for child in declared if local_name(child) in _PROPERTIES),
        tuple(_parse_method(child) for child in declared if local_name(child) == "METHOD"),
    )


def _parse_property(element: Element) -> Property:
    qualifiers, embedded = _split_embedded(_parse_qualifiers(element))
    is_array = local_name(element) == "PROPERTY.ARRAY"
    cim_type = _parse_type(element, is_embedded=embedded is not None)
    default = _parse_value(element)
    if is_array and cim_type == "uint8" and isinstance(default, tuple):
        default = bytes(int(str(number)) for number in default)
    return Property(
        element.get("NAME") or "",
        cim_type,
        is_array,
        element.get("REFERENCECLASS") or embedded or None,
        qualifiers,
        element.get("CLASSORIGIN") or "",
        default,
    )


def _parse_method(element: Element) -> Method:
    parameters = tuple(_parse_parameter(child) for child in element if local_name(child) in _PARAMETERS)
    return Method(element.get("NAME") or "", element.get("TYPE") or "uint32", parameters, _parse_qualifiers(element))


def _parse_parameter(element: Element) -> Parameter:
    qualifiers, embedded = _split_embedded(_parse_qualifiers(element))
    return Parameter(
        element.get("NAME") or "",
        _parse_type(element, is_embedded=embedded is not None),
        "ARRAY" in local_name(element),
        element.get("REFERENCECLASS") or embedded or None,
        qualifiers,
    )


def _parse_type(element: Element, *, is_embedded: bool) -> str:
    if "REF" in local_name(element):
        return "reference"
    return "object" if is_embedded or element.get("EmbeddedObject") else element.get("TYPE") or "string"


def _split_embedded(qualifiers: tuple[Qualifier, ...]) -> tuple[tuple[Qualifier, ...], str | None]:
    """Return the qualifiers without those that declare an embedded object, and the class of this object.

    The class is "" if the object can be of any class, and None if the value is no embedded object.
    """
    embedded: str | None = None
    other_qualifiers = []
    for qualifier in qualifiers:
        if qualifier.name.lower() == EMBEDDED_INSTANCE.lower():
            embedded = str(qualifier.value)
        elif qualifier.name.lower() == EMBEDDED_OBJECT.lower():
            # FALSE, the default of this qualifier, says that the text is no object
            embedded = embedded or (None if qualifier.value is False else "")
        else:
            other_qualifiers.append(qualifier)
    return tuple(other_qualifiers), embedded


def _parse_qualifiers(element: Element) -> tuple[Qualifier, ...]:
    return tuple(
        Qualifier(child.get("NAME") or "", _parse_value(child), _parse_flavor(child))
        for child in element
        if local_name(child) == "QUALIFIER"
    )


def _parse_flavor(element: Element) -> int:
    # The defaults are those of DSP0201's attributes: TOSUBCLASS and OVERRIDABLE are true, TOINSTANCE is false.
    flavor = 0 if element.get("TOSUBCLASS") == "false" else TO_SUBCLASS
    flavor |= TO_INSTANCE if element.get("TOINSTANCE") == "true" else 0
    flavor |= NOT_OVERRIDABLE if element.get("OVERRIDABLE") == "false" else 0
    return flavor | (AMENDED if element.get("TRANSLATABLE") == "true" else 0)


def _parse_value(element: Element) -> Value:
    """Return the value of a qualifier, or the default value of a property; None if the element has none."""
    cim_type = element.get("TYPE") or "string"
    value = next((child for child in element if local_name(child) in {"VALUE", "VALUE.ARRAY"}), None)
    if value is None:
        return None
    if local_name(value) == "VALUE.ARRAY":
        return tuple(_parse_constant(child.text or "", cim_type) for child in value)
    return _parse_constant(value.text or "", cim_type)


def _parse_constant(text: str, cim_type: str) -> Value:
    if cim_type == "boolean":
        return text.lower() == "true"
    if cim_type.startswith("real"):
        return float(text)
    return int(text) if "int" in cim_type else text
