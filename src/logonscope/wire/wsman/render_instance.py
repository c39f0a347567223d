"""How does a row look in an envelope? A template for each class and choice of columns, made once; a row fills it.

As Windows renders instances (MS-WSMV 2.2.4, DSP0230 of WS-CIM): an element a property in the order of names, null as
xsi:nil, an array as one element again and again, a reference as an endpoint reference without its wrapper, times in
UTC. A projection is a w:XmlFragment whose children have no namespace, the element around a time neither.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, NamedTuple

from logonscope.cim.classes import Class, Property
from logonscope.cim.schema import Schema
from logonscope.cim.types import Value
from logonscope.wire.wsman.names import ANONYMOUS, CIM, NAMESPACE, XSI
from logonscope.wire.wsman.resource import ALL, Resource
from logonscope.wire.xml import escaped


class Form(NamedTuple):
    """How references are written: the form of their URIs, and the schema that has their keys."""

    where: Resource
    schema: Schema


Row = Sequence[Value]
Render = Callable[[Row], str]
Write = Callable[[Any], str]
Make = Callable[[str, str], Write]
"""From what stands before a property and after it to what writes it: constant text is put together once, not a row."""

System = Callable[[Row, str], Any]

_TAG = re.compile("<[^>]*>")
_WRAPPER = "<a:EndpointReference>", "</a:EndpointReference>"


def instance(cls: Class, columns: Sequence[str], where: Resource) -> Render:
    """Return what renders a row of these columns as an instance, "p:Win32_Process"."""
    order = sorted(range(len(columns)), key=lambda at: columns[at].lower())
    return _record(
        f'<p:{cls.name} {declarations(cls, where)} xsi:type="p:{cls.name}_Type">',
        [partial(_property, cls.property_named(columns[at]), "p:", Form(where, cls.schema)) for at in order],
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
    head, tail = f'<w:XmlFragment xmlns:xsi="{XSI}">', "</w:XmlFragment>"
    if all(name in at for name in shown):
        properties = [partial(_property, cls.property_named(name), "", Form(where, cls.schema)) for name in shown]
        return _record(head, properties, [at[name] for name in shown], tail)

    def element(name: str) -> Render:
        if name in at:
            write, index = _property(cls.property_named(name), "", Form(where, cls.schema)), at[name]
            return lambda row: write(row[index])
        write = _element(name, _text)
        return lambda row: write(_plain(system(row, name)))

    elements = [element(name) for name in shown]
    return lambda row: f"{head}{''.join([write(row) for write in elements])}{tail}"


def part(cls: Class, name: str, where: Resource, value: Value, *, inner: bool) -> str:
    """Return one property as a fragment (DSP0226 7.7): the element, or the text in it."""
    found = cls.property_named(name)
    text = _property(found, "p:", Form(where, cls.schema))(value)
    if inner:
        return _TAG.sub("", text)
    return text.replace(f"<p:{found.name}", f"<p:{found.name} {declarations(cls, where)}")


def reference(cls: Class, columns: Sequence[str], where: Resource) -> Render:
    """Return what renders a row as the endpoint reference of its instance; its keys are among the columns."""
    at = [columns.index(key) for key in cls.keys]
    write = _reference(Form(where, cls.schema), *_WRAPPER)
    return lambda row: write((cls.name, *(row[index] for index in at)))


def both(one: Render, other: Render) -> Render:
    """Return what renders a row in two ways, as EnumerateObjectAndEPR has it (DSP0226 8.7)."""
    return lambda row: f"<w:Item>{one(row)}{other(row)}</w:Item>"


def parameters(values: Sequence[tuple[str, str, Value]], where: Resource, schema: Schema) -> str:
    """Return the parameters that a method returned: of each its name, its type and its value."""
    form = Form(where, schema)
    made = (_property(Property(name, kind, False, None, ()), "p:", form)(value) for name, kind, value in values)
    return "".join(made)


def declarations(cls: Class, where: Resource) -> str:
    """Return the attributes that declare the prefixes of an element of a class: p, cim, xsi."""
    return f'xmlns:xsi="{XSI}" xmlns:p="{where.base}/{cls.name}" xmlns:cim="{CIM}"'


def _record(head: str, properties: Sequence[Make], order: Sequence[int], tail: str) -> Render:
    if not order:
        return lambda _: head + tail
    befores, afters = [head, *[""] * (len(order) - 1)], [*[""] * (len(order) - 1), tail]
    writers = [make(before, after) for make, before, after in zip(properties, befores, afters, strict=True)]
    if len(order) == 1:
        (write,), (at,) = writers, order
        return lambda row: write(row[at])
    if len(order) == 2:  # every association
        (one, other), (first, second) = writers, order
        return lambda row: one(row[first]) + other(row[second])
    chosen = itemgetter(*order)
    return lambda row: "".join([write(value) for write, value in zip(writers, chosen(row), strict=True)])


def _property(of: Property, prefix: str, form: Form, before: str = "", after: str = "") -> Write:
    if of.array:
        write = _property(of._replace(array=False), prefix, form)
        return lambda values: f"{before}{write(None) if values is None else ''.join(map(write, values))}{after}"
    tag = f"{prefix}{of.name}"
    if of.type == "reference":
        return _reference(form, f"{before}<{tag}>", f"</{tag}>{after}", f"{before}{_nil(tag)}{after}")
    write = _bare_moment if of.type == "datetime" and not prefix else _WRITERS.get(of.type, str)
    return _element(tag, write, before, after)


def _element(tag: str, write: Write, before: str = "", after: str = "") -> Write:
    nil, start, end = f"{before}{_nil(tag)}{after}", f"{before}<{tag}>", f"</{tag}>{after}"
    return lambda value: nil if value is None else f"{start}{write(value)}{end}"


def _nil(tag: str) -> str:
    return f'<{tag} xsi:nil="true"/>'


def _text(value: object) -> str:
    return escaped(str(value))


def _boolean(value: object) -> str:
    return "true" if value else "false"


def _moment(value: datetime | timedelta, prefix: str = "cim:") -> str:
    """Write a point in time in UTC without needless zeros, an interval as xs:duration (DSP0230)."""
    if isinstance(value, timedelta):
        seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
        return f"<{prefix}Interval>P{value.days}DT{seconds}S</{prefix}Interval>"
    moment = value.astimezone(UTC)
    part = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"<{prefix}Datetime>{moment.year:04}{moment:-%m-%dT%H:%M:%S}{part}Z</{prefix}Datetime>"


def _bare_moment(value: datetime | timedelta) -> str:
    """Write a time into a projection, as Windows does: its element has no namespace."""
    return _moment(value, "")


def _reference(form: Form, before: str = "", after: str = "", nil: str = "") -> Write:
    """Return what writes the inside of an endpoint reference (DSP0226 5.1.2), in the form of URI that was asked in."""
    known: dict[Value, tuple[str, ...]] = {}
    # which class was asked for makes no difference, and may be any text
    form = form._replace(where=form.where._replace(class_name=ALL))

    def write(value: tuple[Value, ...] | None) -> str:
        if value is None:
            return nil
        name = value[0]
        around = known.get(name) or known.setdefault(name, _around(form, str(name), before, after))
        if len(value) == 2 and isinstance(key := value[1], str):  # the commonest, twice a row: as few calls as can be
            return f"{around[0]}{key if key.isalnum() else escaped(key)}{around[1]}"
        keys = [*(_selector(key, form) for key in value[1:]), ""]
        return "".join(part for pair in zip(around, keys, strict=True) for part in pair)

    return write


@lru_cache(maxsize=1024)
def _around(form: Form, name: str, before: str, after: str) -> tuple[str, ...]:
    """Return what stands before, between and after the keys of a reference to an instance of a class."""
    where = form.where
    cls = form.schema.get(name, where.namespace.replace("/", "\\"))
    space = "" if where.is_wmi else f'<w:Selector Name="{NAMESPACE}">{where.namespace}</w:Selector>'
    head = (
        f"{before}<a:Address>{ANONYMOUS}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{where.base}/{cls.name}</w:ResourceURI><w:SelectorSet>{space}"
    )
    starts, ends = [f'<w:Selector Name="{key}">' for key in cls.keys], ["</w:Selector>" for _ in cls.keys]
    tail = f"</w:SelectorSet></a:ReferenceParameters>{after}"
    return tuple(end + start for end, start in zip([head, *ends], [*starts, tail], strict=True))


def _selector(key: Value, form: Form) -> str:
    if isinstance(key, tuple):
        return _reference(form, *_WRAPPER)(key)
    return _boolean(key) if isinstance(key, bool) else _text(key)


def _plain(value: Any) -> Value:
    made: Value = ",".join(value) if isinstance(value, list) else value
    return made


_WRITERS: dict[str, Write] = {
    "string": _text, "char16": _text, "boolean": _boolean, "datetime": _moment, "object": _text,
}  # fmt: skip
