"""Writing of classes as CIM-XML: the element CLASS (DSP0201) with its qualifiers, properties and methods."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from logonscope.cim.classes import (
    AMENDED,
    NOT_OVERRIDABLE,
    TO_INSTANCE,
    TO_SUBCLASS,
    Class,
    Method,
    Parameter,
    Property,
    Qualifier,
)
from logonscope.cim.datetimes import format_datetime
from logonscope.cim.types import Value
from logonscope.wire.xml import escape

EMBEDDED_INSTANCE, EMBEDDED_OBJECT = "EmbeddedInstance", "EmbeddedObject"
"""Qualifiers of a string that is an embedded object: EmbeddedInstance names the class of the object; with
EmbeddedObject, the object can be of any class."""


def write_class(cls: Class, *, hierarchy: bool = False) -> str:
    """Return the element CLASS; properties and methods that are inherited unchanged are marked as PROPAGATED.

    Args:
        cls: the class.
        hierarchy: add the attribute DERIVATION, which lists all superclasses, the parent first. DSP0201 does not have
            it, but Windows does.
    """
    derivation = f' DERIVATION="{",".join(cls.derivation)}"' if hierarchy else ""
    superclass = f' SUPERCLASS="{cls.superclass}"' if cls.superclass else ""
    inner = "".join([
        *map(_write_qualifier, cls.qualifiers),
        *(_write_property(declared, cls) for declared in cls.properties.values()),
        *(_write_method(method, cls) for method in cls.methods.values()),
    ])  # fmt: skip
    return f'<CLASS NAME="{cls.name}"{superclass}{derivation}>{inner}</CLASS>'


def _write_property(declared: Property, cls: Class) -> str:
    inner = _write_qualifiers(declared) + _write_default(declared.default)
    origin = _write_origin(declared, cls)
    if declared.type == "reference":
        target = f' REFERENCECLASS="{escape(declared.reference)}"' if declared.reference else ""
        return f'<PROPERTY.REFERENCE NAME="{declared.name}"{target}{origin}>{inner}</PROPERTY.REFERENCE>'
    tag = "PROPERTY.ARRAY" if declared.array else "PROPERTY"
    embedded = ""
    if declared.type == "object":
        embedded = f' EmbeddedObject="{"instance" if declared.reference else "object"}"'
    return f'<{tag} NAME="{declared.name}" TYPE="{_xml_type(declared)}"{origin}{embedded}>{inner}</{tag}>'


def _write_method(method: Method, cls: Class) -> str:
    parts: Iterable[str] = [*map(_write_qualifier, method.qualifiers), *map(_write_parameter, method.parameters)]
    return f'<METHOD NAME="{method.name}" TYPE="{method.type}"{_write_origin(method, cls)}>{"".join(parts)}</METHOD>'


def _write_parameter(parameter: Parameter) -> str:
    inner = _write_qualifiers(parameter)
    if parameter.type == "reference":
        target = f' REFERENCECLASS="{escape(parameter.reference)}"' if parameter.reference else ""
        tag = "PARAMETER.REFARRAY" if parameter.array else "PARAMETER.REFERENCE"
        return f'<{tag} NAME="{parameter.name}"{target}>{inner}</{tag}>'
    tag = "PARAMETER.ARRAY" if parameter.array else "PARAMETER"
    return f'<{tag} NAME="{parameter.name}" TYPE="{_xml_type(parameter)}">{inner}</{tag}>'


def _xml_type(declared: Property | Parameter) -> str:
    """Return the TYPE; the value of an embedded object is a string."""
    return "string" if declared.type == "object" else declared.type


def _write_qualifiers(declared: Property | Parameter) -> str:
    """Return the qualifiers; an embedded object also gets EmbeddedInstance or EmbeddedObject (DSP0004 5.6.3)."""
    qualifiers = declared.qualifiers
    if declared.type == "object":
        name, value = (EMBEDDED_INSTANCE, declared.reference) if declared.reference else (EMBEDDED_OBJECT, True)
        qualifiers = (*qualifiers, Qualifier(name, value, TO_SUBCLASS))
    return "".join(map(_write_qualifier, qualifiers))


def _write_default(value: Value) -> str:
    """Return the element of a property's default value; "" if the property has no default value."""
    if value is None:
        return ""
    return _write_array(list(value))[1] if isinstance(value, bytes) else _write_value(value)[1]


def _write_origin(member: Property | Method, cls: Class) -> str:
    """Return the attributes CLASSORIGIN and PROPAGATED of a property or method."""
    declared_members: list[Property | Method] = [*cls.declaration.properties, *cls.declaration.methods]
    declared_names = {declared.name.lower() for declared in declared_members}
    return f' CLASSORIGIN="{member.origin or cls.name}"' + (
        "" if member.name.lower() in declared_names else ' PROPAGATED="true"'
    )


def _write_qualifier(qualifier: Qualifier) -> str:
    cim_type, inner = _write_value(qualifier.value)
    flavor = "" if qualifier.flavor & TO_SUBCLASS else ' TOSUBCLASS="false"'
    flavor += ' TOINSTANCE="true"' if qualifier.flavor & TO_INSTANCE else ""
    flavor += ' OVERRIDABLE="false"' if qualifier.flavor & NOT_OVERRIDABLE else ""
    flavor += ' TRANSLATABLE="true"' if qualifier.flavor & AMENDED else ""
    return f'<QUALIFIER NAME="{escape(qualifier.name)}" TYPE="{cim_type}"{flavor}>{inner}</QUALIFIER>'


def _write_value(value: Value) -> tuple[str, str]:
    """Return the type and the element of the value of a qualifier, or of a default value."""
    if isinstance(value, tuple):
        return _write_array(value)
    cim_type, text = _format_constant(value)
    return cim_type, "" if text is None else f"<VALUE>{escape(text)}</VALUE>"


def _write_array(values: Sequence[Value]) -> tuple[str, str]:
    constants = [_format_constant(value) for value in values]
    inner = "".join("<VALUE.NULL/>" if text is None else f"<VALUE>{escape(text)}</VALUE>" for _, text in constants)
    # All values of an array have one type: they are strings, or numbers of one type.
    return constants[0][0] if constants else "string", f"<VALUE.ARRAY>{inner}</VALUE.ARRAY>"


def _format_constant(value: Value) -> tuple[str, str | None]:
    """Return the CIM type and the text of a value; a qualifier has no declared type, so the value decides."""
    if value is None:
        return "string", None
    # bool is checked before int, because a bool is an int, too
    if isinstance(value, bool):
        return "boolean", str(value).upper()
    if isinstance(value, int):
        return "sint32" if abs(value) < 1 << 31 else "sint64", str(value)
    if isinstance(value, float):
        return "real64", repr(value)
    if isinstance(value, (datetime, timedelta)):
        return "datetime", format_datetime(value)
    return "string", str(value)
