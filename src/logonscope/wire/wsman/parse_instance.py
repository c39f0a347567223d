"""What does an item say? The values of an instance, of the types that its class has, from the elements of an answer.

What items.py writes, and what Windows writes, is read here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from logonscope.cim.binding import bind
from logonscope.cim.classes import Class, Property
from logonscope.cim.datetimes import parse_datetime
from logonscope.cim.schema import Schema
from logonscope.cim.types import TYPES, Value
from logonscope.errors import LogonscopeError, TransportFailureError
from logonscope.wire.wsman.envelope import duration
from logonscope.wire.wsman.names import XSI
from logonscope.wire.wsman.resource import reference_of
from logonscope.wire.xml import Element, clark, content, is_true, local

_NIL = clark(XSI, "nil")


def row_of(element: Element, cls: Class) -> tuple[Value, ...]:
    """Return the values of an instance in the order of its class's properties; what is not there is null.

    Raises:
        TransportFailureError: a value is none of its property's type.
    """
    found: dict[str, list[Element]] = {}
    for part in element:
        found.setdefault(local(part).lower(), []).append(part)
    return tuple(value_of(parts, known, cls.schema) for known, parts in _paired(cls, found))


def _paired(cls: Class, found: Mapping[str, list[Element]]) -> list[tuple[Property, list[Element]]]:
    return [(known, found.get(known.name.lower(), [])) for known in cls.properties.values()]


def value_of(parts: list[Element], known: Property, schema: Schema) -> Value:
    """Return the value that the elements of one property have; the schema has the classes of references.

    Raises:
        TransportFailureError: it is none of the property's type.
    """
    if not parts or is_true(parts[0].get(_NIL)):
        return None
    read = _reader(known.type, schema)
    try:
        values: tuple[Value, ...] = tuple(map(read, parts if known.array else parts[:1]))
    except (ValueError, LogonscopeError) as error:
        raise TransportFailureError(
            f"{known.name} is no {known.type}: {content(parts[0])[:80]!r} ({error})", "is the other end a WMI host?"
        ) from None
    if not known.array:
        return values[0]
    return bytes(int(str(value)) for value in values) if known.type == "uint8" else values


def _reader(kind: str, schema: Schema) -> Callable[[Element], Any]:
    if kind == "reference":
        return partial(_reference, schema)
    if TYPES[kind].is_integer:
        return lambda element: int(content(element))
    return _READERS.get(kind, lambda element: element.text or "")


def _moment(element: Element) -> datetime | timedelta:
    """Read a time in either form: cim:Datetime and cim:Interval of DSP0230, or DMTF's text."""
    inner = next(iter(element), None)
    text = content(element if inner is None else inner)
    if inner is not None and local(inner) == "Interval":
        return timedelta(seconds=duration(text, "an interval"))
    return parse_datetime(text)


def _reference(schema: Schema, element: Element) -> Value:
    """Read a reference: an endpoint reference, or the text of a path; one to a class that is not known is its path."""
    if next(iter(element), None) is None:
        return element.text or ""
    path = reference_of(element)
    try:
        return bind(path, schema, path.namespace or "", lambda _: True).reference
    except LogonscopeError:
        return str(path._replace(server=".", namespace=(path.namespace or "").replace("/", "\\")))


_READERS: Mapping[str, Callable[[Element], Any]] = {
    "boolean": lambda element: is_true(content(element)),
    "datetime": _moment,
    "real32": lambda element: float(content(element)),
    "real64": lambda element: float(content(element)),
}
