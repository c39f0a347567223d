"""How does a row look in an envelope? A template for each class and choice of columns, made once; a row fills it.

As Windows renders instances (MS-WSMV 2.2.4, DSP0230 of WS-CIM): an element a property in the order of names, null as
xsi:nil, an array as one element again and again, a reference as an endpoint reference without its wrapper, times in
UTC. A projection is a w:XmlFragment whose children have no namespace.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from logonscope.cim.classes import Class, Property
from logonscope.cim.schema import schema
from logonscope.cim.types import Value
from logonscope.wire.wsman.names import ANONYMOUS, CIM, NAMESPACE, XSI
from logonscope.wire.wsman.resource import Resource
from logonscope.wire.xml import escaped

Row = Sequence[Value]
Render = Callable[[Row], str]
Write = Callable[[Any], str]
System = Callable[[Row, str], Any]

_TAG = re.compile("<[^>]*>")


def instance(cls: Class, columns: Sequence[str], where: Resource) -> Render:
    """Return what renders a row of these columns as an instance, "p:Win32_Process"."""
    order = sorted(range(len(columns)), key=lambda at: columns[at].lower())
    return _record(
        f'<p:{cls.name} xmlns:xsi="{XSI}" xmlns:p="{where.base}/{cls.name}" xmlns:cim="{CIM}" '
        f'xsi:type="p:{cls.name}_Type">',
        [_property(cls.property_named(columns[at]), "p:", where) for at in order],
        order,
        f"</p:{cls.name}>",
    )


def fragment(cls: Class, columns: Sequence[str], shown: Sequence[str], where: Resource, system: System) -> Render:
    """Return what renders a row as a w:XmlFragment (DSP0227 8.1): the columns that were asked for, in their order.

    Args:
        cls: the class of the rows.
        columns: what is in a row.
        shown: what was asked for; names of system properties too.
        where: the form of the URIs of references.
        system: gives the value of a system property of a row.
    """
    at = {name: index for index, name in enumerate(columns)}
    head, tail = f'<w:XmlFragment xmlns:xsi="{XSI}" xmlns:cim="{CIM}">', "</w:XmlFragment>"
    if all(name in at for name in shown):
        writers = [_property(cls.property_named(name), "", where) for name in shown]
        return _record(head, writers, [at[name] for name in shown], tail)

    def element(name: str) -> Render:
        if name in at:
            write, index = _property(cls.property_named(name), "", where), at[name]
            return lambda row: write(row[index])
        write = _element(name, _text)
        return lambda row: write(_plain(system(row, name)))

    elements = [element(name) for name in shown]
    return lambda row: f"{head}{''.join([write(row) for write in elements])}{tail}"


def part(cls: Class, name: str, where: Resource, value: Value, *, inner: bool) -> str:
    """Return one property as a fragment (DSP0226 7.7): the element, or the text in it."""
    found = cls.property_named(name)
    text = _property(found, "p:", where)(value)
    if inner:
        return _TAG.sub("", text)
    declared = f'xmlns:xsi="{XSI}" xmlns:p="{where.base}/{cls.name}" xmlns:cim="{CIM}"'
    return text.replace(f"<p:{found.name}", f"<p:{found.name} {declared}")


def reference(cls: Class, columns: Sequence[str], where: Resource) -> Render:
    """Return what renders a row as the endpoint reference of its instance; its keys are among the columns."""
    at = [columns.index(key) for key in cls.keys]
    write = _reference(where)
    return lambda row: f"<a:EndpointReference>{write((cls.name, *(row[index] for index in at)))}</a:EndpointReference>"


def both(one: Render, other: Render) -> Render:
    """Return what renders a row in two ways, as EnumerateObjectAndEPR has it (DSP0226 8.7)."""
    return lambda row: f"<w:Item>{one(row)}{other(row)}</w:Item>"


def parameters(values: Sequence[tuple[str, str, Value]], where: Resource) -> str:
    """Return the parameters that a method returned: of each its name, its type and its value."""
    made = (_property(Property(name, kind, False, None, ()), "p:", where)(value) for name, kind, value in values)
    return "".join(made)


def _record(head: str, writers: Sequence[Write], order: Sequence[int], tail: str) -> Render:
    if len(order) == 1:
        (write,), (at,) = writers, order
        return lambda row: f"{head}{write(row[at])}{tail}"
    if not order:
        return lambda _: head + tail
    chosen = itemgetter(*order)
    return lambda row: head + "".join([write(value) for write, value in zip(writers, chosen(row), strict=True)]) + tail


def _property(of: Property, prefix: str, where: Resource) -> Write:
    kind = of.type
    one = _reference(where) if kind == "reference" else _WRITERS.get(kind, str)
    write = _element(f"{prefix}{of.name}", one)
    if not of.array:
        return write
    return lambda values: write(None) if values is None else "".join(map(write, values))


def _element(tag: str, write: Write) -> Write:
    nil, start, end = f'<{tag} xsi:nil="true"/>', f"<{tag}>", f"</{tag}>"
    return lambda value: nil if value is None else f"{start}{write(value)}{end}"


def _text(value: object) -> str:
    return escaped(str(value))


def _boolean(value: object) -> str:
    return "true" if value else "false"


def _moment(value: datetime | timedelta) -> str:
    """Write a point in time in UTC without needless zeros, an interval as xs:duration (DSP0230)."""
    if isinstance(value, timedelta):
        seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
        return f"<cim:Interval>P{value.days}DT{seconds}S</cim:Interval>"
    moment = value.astimezone(UTC)
    part = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"<cim:Datetime>{moment.year:04}{moment:-%m-%dT%H:%M:%S}{part}Z</cim:Datetime>"


def _reference(where: Resource) -> Write:
    """Return what writes the inside of an endpoint reference (DSP0226 5.1.2), in the form of URI that was asked in."""
    forms: dict[Value, tuple[str, tuple[str, ...], str]] = {}
    space = "" if where.is_wmi else f'<w:Selector Name="{NAMESPACE}">{where.namespace}</w:Selector>'

    def form(name: str) -> tuple[str, tuple[str, ...], str]:
        cls = schema().get(name, where.namespace.replace("/", "\\"))
        starts = tuple(f'<w:Selector Name="{key}">' for key in cls.keys)
        head = (
            f"<a:Address>{ANONYMOUS}</a:Address><a:ReferenceParameters>"
            f"<w:ResourceURI>{where.base}/{cls.name}</w:ResourceURI><w:SelectorSet>{space}"
        )
        return head, starts, "</w:SelectorSet></a:ReferenceParameters>"

    def write(value: tuple[Value, ...]) -> str:
        name = value[0]
        head, starts, tail = forms.get(name) or forms.setdefault(name, form(str(name)))
        keys = value[1:]
        if len(keys) == 1 and isinstance(keys[0], str):
            return f"{head}{starts[0]}{escaped(keys[0])}</w:Selector>{tail}"
        inner = "".join(f"{start}{selector(key)}</w:Selector>" for start, key in zip(starts, keys, strict=True))
        return f"{head}{inner}{tail}"

    def selector(key: Value) -> str:
        if isinstance(key, tuple):
            return f"<a:EndpointReference>{write(key)}</a:EndpointReference>"
        return _WRITERS["boolean"](key) if isinstance(key, bool) else _text(key)

    return write


def _plain(value: Any) -> Value:
    made: Value = ",".join(value) if isinstance(value, list) else value
    return made


_WRITERS: dict[str, Write] = {
    "string": _text, "char16": _text, "boolean": _boolean, "datetime": _moment, "object": _text,
}  # fmt: skip
