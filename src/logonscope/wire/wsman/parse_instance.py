"""Parsing of instances in a response: elements become values of the types that the class declares.

The XML can be that of render_instance.py, or that of Windows.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from logonscope.cim.binding import bind_path
from logonscope.cim.classes import Class, Property
from logonscope.cim.datetimes import parse_datetime
from logonscope.cim.schema import Schema
from logonscope.cim.types import TYPES, Value
from logonscope.errors import LogonscopeError, TransportFailureError
from logonscope.wire.wsman.envelope import parse_duration
from logonscope.wire.wsman.names import XSI
from logonscope.wire.wsman.resource import parse_reference
from logonscope.wire.xml import Element, clark_name, is_true, local_name, text_of

_NIL = clark_name(XSI, "nil")


def parse_row(element: Element, cls: Class) -> tuple[Value, ...]:
    """Return the values of an instance in the order of the class's properties; None for a missing element.

    Raises:
        TransportFailureError: a value does not have the type of its property.
    """
    elements_by_name: dict[str, list[Element]] = {}
    for child in element:
        elements_by_name.setdefault(local_name(child).lower(), []).append(child)
    return tuple(
        parse_value(elements_by_name.get(declared.name.lower(), []), declared, cls.schema)
        for declared in cls.properties.values()
    )


def parse_value(elements: list[Element], declared: Property, schema: Schema) -> Value:
    """Return the value of one property from its elements; ``schema`` has the classes that references name.

    Raises:
        TransportFailureError: the value does not have the type of the property.
    """
    if not elements or is_true(elements[0].get(_NIL)):
        return None
    read = _reader(declared.type, schema)
    try:
        values: tuple[Value, ...] = tuple(map(read, elements if declared.array else elements[:1]))
        if declared.array and declared.type == "uint8":
            return bytes(map(int, values))  # type: ignore[arg-type]  # the values are integers
    except (ValueError, LogonscopeError) as error:
        raise TransportFailureError(
            f"invalid {declared.name} {text_of(elements[0])[:80]!r}: expected the type {declared.type} ({error})",
            "check that the server is a WMI host",
        ) from None
    return values if declared.array else values[0]


def _reader(cim_type: str, schema: Schema) -> Callable[[Element], Any]:
    """Return the function that reads an element as a value of a CIM type."""
    if cim_type == "reference":
        return partial(_read_reference, schema)
    if TYPES[cim_type].is_integer:
        return _read_integer
    return _READERS.get(cim_type, _read_text)


def _read_text(element: Element) -> str:
    return element.text or ""


def _read_integer(element: Element) -> int:
    return int(text_of(element))


def _read_boolean(element: Element) -> bool:
    text = text_of(element)
    if text.lower() not in {"true", "false", "1", "0"}:
        raise ValueError("neither true nor false")
    return is_true(text)


def _read_time(element: Element) -> datetime | timedelta:
    """Read a time or an interval: cim:Datetime or cim:Interval of DSP0230, or text for ``parse_datetime``."""
    inner = next(iter(element), None)
    text = text_of(element if inner is None else inner)
    if inner is not None and local_name(inner) == "Interval":
        return timedelta(seconds=parse_duration(text, "interval"))
    return parse_datetime(text)


def _read_reference(schema: Schema, element: Element) -> Value:
    """Read a reference: an endpoint reference, or the text of an object path."""
    if next(iter(element), None) is None:
        return element.text or ""
    path = parse_reference(element)
    try:
        return bind_path(path, schema, path.namespace or "", _is_accepted_server).reference
    except LogonscopeError:
        # The server may refer to classes that this schema lacks. Their keys have no types here: keep the path as text.
        return str(path._replace(server=".", namespace=(path.namespace or "").replace("/", "\\")))


def _is_accepted_server(_: str) -> bool:
    # a server may write any of its names into its paths
    return True


_READERS: Mapping[str, Callable[[Element], Any]] = {
    "boolean": _read_boolean,
    "datetime": _read_time,
    "real32": lambda element: float(text_of(element)),
    "real64": lambda element: float(text_of(element)),
}
