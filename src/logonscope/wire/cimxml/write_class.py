"""How does a class look in CIM-XML? The element CLASS with its qualifiers, properties and methods (DSP0201 5.2.2.1)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from logonscope.cim.classes import (
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
from logonscope.wire.xml import escaped


def definition(cls: Class, *, hierarchy: bool = False) -> str:
    """Return the element CLASS; what its parent has said alike is PROPAGATED.

    Args:
        cls: the class.
        hierarchy: with DERIVATION, the classes above it, nearest first: Microsoft's, and not in DSP0201.
    """
    derivation = f' DERIVATION="{",".join(cls.derivation)}"' if hierarchy else ""
    superclass = f' SUPERCLASS="{cls.superclass}"' if cls.superclass else ""
    inner = "".join([
        *map(_qualifier, cls.qualifiers),
        *(_property(found, cls) for found in cls.properties.values()),
        *(_method(found, cls) for found in cls.methods.values()),
    ])  # fmt: skip
    return f'<CLASS NAME="{cls.name}"{superclass}{derivation}>{inner}</CLASS>'


def _property(of: Property, cls: Class) -> str:
    inner = "".join(map(_qualifier, of.qualifiers))
    origin = _origin(of, cls)
    if of.type == "reference":
        target = f' REFERENCECLASS="{escaped(of.reference)}"' if of.reference else ""
        return f'<PROPERTY.REFERENCE NAME="{of.name}"{target}{origin}>{inner}</PROPERTY.REFERENCE>'
    kind, tag = _type(of), "PROPERTY.ARRAY" if of.array else "PROPERTY"
    return f'<{tag} NAME="{of.name}" TYPE="{kind[0]}"{origin}{kind[1]}>{inner}</{tag}>'


def _method(of: Method, cls: Class) -> str:
    parts: Iterable[str] = [*map(_qualifier, of.qualifiers), *map(_parameter, of.parameters)]
    return f'<METHOD NAME="{of.name}" TYPE="{of.type}"{_origin(of, cls)}>{"".join(parts)}</METHOD>'


def _parameter(of: Parameter) -> str:
    inner = "".join(map(_qualifier, of.qualifiers))
    if of.type == "reference":
        target = f' REFERENCECLASS="{escaped(of.reference)}"' if of.reference else ""
        tag = "PARAMETER.REFARRAY" if of.array else "PARAMETER.REFERENCE"
        return f'<{tag} NAME="{of.name}"{target}>{inner}</{tag}>'
    tag = "PARAMETER.ARRAY" if of.array else "PARAMETER"
    return f'<{tag} NAME="{of.name}" TYPE="{_type(of)[0]}">{inner}</{tag}>'


def _type(of: Property | Parameter) -> tuple[str, str]:
    """Return the TYPE, and the attribute that an embedded object has beside it (DSP0201 5.1.4)."""
    return ("string", ' EmbeddedObject="object"') if of.type == "object" else (of.type, "")


def _origin(of: Property | Method, cls: Class) -> str:
    added: list[Property | Method] = [*cls.declaration.properties, *cls.declaration.methods]
    own = {known.name.lower() for known in added}
    return f' CLASSORIGIN="{of.origin or cls.name}"' + ("" if of.name.lower() in own else ' PROPAGATED="true"')


def _qualifier(of: Qualifier) -> str:
    kind, inner = _value(of.value)
    flavor = "" if of.flavor & TO_SUBCLASS else ' TOSUBCLASS="false"'
    flavor += ' TOINSTANCE="true"' if of.flavor & TO_INSTANCE else ""
    flavor += ' OVERRIDABLE="false"' if of.flavor & NOT_OVERRIDABLE else ""
    return f'<QUALIFIER NAME="{escaped(of.name)}" TYPE="{kind}"{flavor}>{inner}</QUALIFIER>'


def _value(value: Value) -> tuple[str, str]:
    """Return the type and the element of a qualifier's value; an array is of strings or of one type of number."""
    if isinstance(value, tuple):
        return _values(value)
    kind, text = _constant(value)
    return kind, "" if text is None else f"<VALUE>{escaped(text)}</VALUE>"


def _values(values: Sequence[Value]) -> tuple[str, str]:
    constants = [_constant(value) for value in values]
    inner = "".join("<VALUE.NULL/>" if text is None else f"<VALUE>{escaped(text)}</VALUE>" for _, text in constants)
    return constants[0][0] if constants else "string", f"<VALUE.ARRAY>{inner}</VALUE.ARRAY>"


def _constant(value: Value) -> tuple[str, str | None]:
    if value is None:
        return "string", None
    if isinstance(value, bool):
        return "boolean", str(value).upper()
    if isinstance(value, int):
        return "sint32" if abs(value) < 1 << 31 else "sint64", str(value)
    if isinstance(value, float):
        return "real64", repr(value)
    if isinstance(value, (datetime, timedelta)):
        return "datetime", format_datetime(value)
    return "string", str(value)
