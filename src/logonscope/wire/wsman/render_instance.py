"""Rendering of rows as XML, by templates. A template is made once for a class and its columns, and used for each row.

The result looks as Windows renders instances (MS-WSMV 2.2.4, DSP0230 of WS-CIM): one element for each property, ordered
by name; null as xsi:nil; an array as repeated elements; a reference as an endpoint reference without its wrapper; times
in UTC. A projection is a w:XmlFragment, whose children have no namespace, not even the element around a time.

Most templates are nested functions and not objects: a large answer has millions of values, and an object would cost one
more call for each of them.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain, repeat
from operator import itemgetter
from typing import Any, NamedTuple

from logonscope.cim.classes import Class, Property
from logonscope.cim.instances import Instance, row_of
from logonscope.cim.schema import Schema
from logonscope.cim.types import Value
from logonscope.wire.wsman.names import ANONYMOUS, CIM, NAMESPACE, XSI
from logonscope.wire.wsman.resource import ALL, Resource
from logonscope.wire.xml import escape


class ReferenceForm(NamedTuple):
    """How references are written: with URIs of the same form as the resource's, and the keys that the schema names."""

    resource: Resource
    schema: Schema


Row = Sequence[Value]
Render = Callable[[Row], str]
RenderAll = Callable[[Sequence[Row]], str | None]
"""Takes many rows and returns their texts as one text; None: the rows have to be rendered one by one."""

Write = Callable[[Any], str]
Make = Callable[[str, str], Write]
"""Takes the constant texts before and after a property, and returns the writer of this property."""

System = Callable[[Row, str], Any]
"""Takes a row and the name of a system property, and returns the value of this property."""

_TAG = re.compile("<[^>]*>")
_WRAPPER = "<a:EndpointReference>", "</a:EndpointReference>"


def instance_renderer(cls: Class, columns: Sequence[str], resource: Resource) -> Render:
    """Return the renderer of rows with these columns as instances, such as "p:Win32_Process"."""
    # the order in which Windows sends properties
    order = name_order(columns)
    head, tail = _element_tags(cls, resource)
    properties = [
        partial(_property_writer, cls.property_named(columns[index]), "p:", ReferenceForm(resource, cls.schema))
        for index in order
    ]
    return _row_renderer(head, properties, order, tail)


def name_order(columns: Sequence[str]) -> list[int]:
    """Return the indexes of columns in the order of their names."""
    return [index for _, index in sorted((name.lower(), index) for index, name in enumerate(columns))]


def associations_renderer(cls: Class, columns: Sequence[str], resource: Resource) -> RenderAll | None:
    """Return the renderer of many rows at once; None unless the columns are exactly two references.

    The text of each row is that of ``instance_renderer``.
    """
    names = sorted(columns, key=str.lower)
    if len(names) != 2 or any(cls.property_named(name).type != "reference" for name in names):
        return None
    form = _general_form(ReferenceForm(resource, cls.schema))
    head, tail = _element_tags(cls, resource)
    first_tag, second_tag = (f"p:{name}" for name in names)
    positions = [columns.index(name) for name in names]

    @lru_cache(maxsize=64)
    def texts_around(first_class: str, second_class: str) -> tuple[str, str, str] | None:
        """Return the constant texts around the keys of two references; None if one of them has several keys."""
        around_first = _constant_texts(form, first_class, f"{head}<{first_tag}>", f"</{first_tag}>")
        around_second = _constant_texts(form, second_class, f"<{second_tag}>", f"</{second_tag}>{tail}")
        if len(around_first) != 2 or len(around_second) != 2:
            return None
        return around_first[0], around_first[1] + around_second[0], around_second[1]

    def render_all(rows: Sequence[Row]) -> str | None:
        transposed: Any = tuple(zip(*rows, strict=True))
        references = transposed[positions[0]], transposed[positions[1]]
        # Columns are rendered without a call for each value. That is possible if all references in a column name one
        # class and have one key, a text of letters and digits. Most rows are like this.
        try:
            keys = [[key for _, key in column] for column in references]
            ((first_class,), (second_class,)) = ({name for name, _ in column} for column in references)
            if not all("".join(texts).isalnum() for texts in keys):
                return None
        except (TypeError, ValueError):
            return None
        around = texts_around(first_class, second_class)
        if around is None:
            return None
        before, between, after = map(repeat, around)
        return "".join(chain.from_iterable(zip(before, keys[0], between, keys[1], after, strict=False)))

    return render_all


def fragment_renderer(
    cls: Class, columns: Sequence[str], shown: Sequence[str], resource: Resource, system: System
) -> Render:
    """Return the renderer of rows as w:XmlFragment (DSP0227 8.1), with the properties of ``shown`` in that order.

    Args:
        cls: the class of the rows.
        columns: the columns of a row.
        shown: the selected properties; system properties can be among them.
        resource: the requested resource: the URIs of references get the same form.
        system: returns the value of a system property of a row.
    """
    positions = {name: index for index, name in enumerate(columns)}
    head, tail = f'<w:XmlFragment xmlns:xsi="{XSI}">', "</w:XmlFragment>"
    if all(name in positions for name in shown):
        properties = [
            partial(_property_writer, cls.property_named(name), "", ReferenceForm(resource, cls.schema))
            for name in shown
        ]
        return _row_renderer(head, properties, [positions[name] for name in shown], tail)

    # The slower way, for projections with system properties, which are no columns of the row.
    def element(name: str) -> Render:
        if name in positions:
            return _column_renderer(
                _property_writer(cls.property_named(name), "", ReferenceForm(resource, cls.schema)), positions[name]
            )
        return _system_renderer(_element_writer(name, _write_text), system, name)

    elements = [element(name) for name in shown]

    def render(row: Row) -> str:
        return f"{head}{''.join([write(row) for write in elements])}{tail}"

    return render


def render_property(cls: Class, name: str, resource: Resource, value: Value, *, inner: bool) -> str:
    """Return one property as a fragment (DSP0226 7.7): its element, or only the text of the element if ``inner``."""
    cim_property = cls.property_named(name)
    text = _property_writer(cim_property, "p:", ReferenceForm(resource, cls.schema))(value)
    if inner:
        return _TAG.sub("", text)
    # Outside an instance the element itself has to declare the prefixes.
    return text.replace(f"<p:{cim_property.name}", f"<p:{cim_property.name} {namespace_declarations(cls, resource)}")


def reference_renderer(cls: Class, columns: Sequence[str], resource: Resource) -> Render:
    """Return the renderer of rows as endpoint references of their instances; the columns include all keys."""
    positions = [columns.index(key) for key in cls.keys]
    write = _reference_writer(ReferenceForm(resource, cls.schema), *_WRAPPER)

    def render(row: Row) -> str:
        return write((cls.name, *(row[index] for index in positions)))

    return render


def pair_renderer(render_instance: Render, render_reference: Render) -> Render:
    """Return the renderer of rows as an instance and its reference, for EnumerateObjectAndEPR (DSP0226 8.7)."""

    def render(row: Row) -> str:
        return f"<w:Item>{render_instance(row)}{render_reference(row)}</w:Item>"

    return render


def render_parameters(values: Sequence[tuple[str, str, Value]], resource: Resource, schema: Schema) -> str:
    """Return the elements of parameters that a method returned; each is (name, type, value)."""
    form = ReferenceForm(resource, schema)
    return "".join(
        _property_writer(Property(name, cim_type, False, None, ()), "p:", form)(value)
        for name, cim_type, value in values
    )


def namespace_declarations(cls: Class, resource: Resource) -> str:
    """Return the attributes that declare the prefixes of an element of a class: p, cim, xsi."""
    return f'xmlns:xsi="{XSI}" xmlns:p="{resource.uri_base}/{cls.name}" xmlns:cim="{CIM}"'


def _element_tags(cls: Class, resource: Resource) -> tuple[str, str]:
    """Return the start and the end tag of an instance."""
    return f'<p:{cls.name} {namespace_declarations(cls, resource)} xsi:type="p:{cls.name}_Type">', f"</p:{cls.name}>"


def _row_renderer(head: str, properties: Sequence[Make], order: Sequence[int], tail: str) -> Render:
    """Return the renderer of rows between ``head`` and ``tail``; ``order``: the index of each property's column."""
    if not order:
        return partial(_render_constant, head + tail)
    # The first property writes the head and the last one the tail, so that a row has no texts of its own to join.
    befores, afters = [head, *[""] * (len(order) - 1)], [*[""] * (len(order) - 1), tail]
    writers = [make(before, after) for make, before, after in zip(properties, befores, afters, strict=True)]
    if len(order) == 1:
        return _column_renderer(writers[0], order[0])
    # Most associations have two columns: their renderer needs no list and no join.
    if len(order) == 2:
        (write_first, write_second), (first, second) = writers, order

        def render_two(row: Row) -> str:
            return write_first(row[first]) + write_second(row[second])

        return render_two
    selected_values = itemgetter(*order)

    def render(row: Row) -> str:
        return "".join([write(value) for write, value in zip(writers, selected_values(row), strict=True)])

    return render


def _render_constant(text: str, _: Row) -> str:
    return text


def _column_renderer(write: Write, index: int) -> Render:
    def render(row: Row) -> str:
        return write(row[index])

    return render


def _system_renderer(write: Write, system: System, name: str) -> Render:
    def render(row: Row) -> str:
        return write(_plain_value(system(row, name)))

    return render


def _property_writer(
    cim_property: Property, prefix: str, form: ReferenceForm, before: str = "", after: str = ""
) -> Write:
    """Return the writer of a property's values; without a prefix its element has no namespace."""
    if cim_property.array:
        return _array_writer(_property_writer(cim_property._replace(array=False), prefix, form), before, after)
    tag = f"{prefix}{cim_property.name}"
    if cim_property.type == "object":
        return _ObjectWriter(tag, form, before, after).write
    if cim_property.type == "reference":
        return _reference_writer(form, f"{before}<{tag}>", f"</{tag}>{after}", f"{before}{_nil_element(tag)}{after}")
    is_bare_time = cim_property.type == "datetime" and not prefix
    write = _write_bare_time if is_bare_time else _WRITERS.get(cim_property.type, str)
    return _element_writer(tag, write, before, after)


class _ObjectWriter:
    """Writes embedded instances, such as TargetInstance of an event, with their class as xsi:type (DSP0230)."""

    def __init__(self, tag: str, form: ReferenceForm, before: str, after: str, depth: int = 1) -> None:
        self._tag, self._form, self._before, self._after, self._depth = tag, form, before, after, depth
        self._writers: dict[tuple[str, tuple[str, ...]], Render] = {}

    def write(self, instance: Instance | None) -> str:
        """Return the element of a property."""
        if instance is None:
            return f"{self._before}{_nil_element(self._tag)}{self._after}"
        shape, row = row_of(instance)
        columns = tuple(shape.columns)
        key = shape.cls.name, columns
        render = self._writers.get(key)
        if render is None:
            render = self._writers[key] = self._renderer(shape.cls, columns)
        return render(row)

    def _renderer(self, cls: Class, columns: Sequence[str]) -> Render:
        """Return the renderer of instances of a class."""
        # A prefix for each level: the tag of this element belongs to the namespace of the level above.
        prefix = f"p{self._depth}"
        head = (
            f'{self._before}<{self._tag} xmlns:{prefix}="{self._form.resource.uri_base}/{cls.name}" '
            f'xsi:type="{prefix}:{cls.name}_Type">'
        )
        order = name_order(columns)
        properties = [self._make_property(cls.property_named(columns[index]), f"{prefix}:") for index in order]
        return _row_renderer(head, properties, order, f"</{self._tag}>{self._after}")

    def _make_property(self, cim_property: Property, prefix: str) -> Make:
        if cim_property.type == "object":
            return partial(_make_object_writer, f"{prefix}{cim_property.name}", self._form, self._depth + 1)
        return partial(_property_writer, cim_property, prefix, self._form)


def _make_object_writer(tag: str, form: ReferenceForm, depth: int, before: str, after: str) -> Write:
    return _ObjectWriter(tag, form, before, after, depth).write


def _array_writer(write: Write, before: str, after: str) -> Write:
    def write_array(values: Any) -> str:
        return f"{before}{write(None) if values is None else ''.join(map(write, values))}{after}"

    return write_array


def _element_writer(tag: str, write: Write, before: str = "", after: str = "") -> Write:
    nil, start, end = f"{before}{_nil_element(tag)}{after}", f"{before}<{tag}>", f"</{tag}>{after}"

    def write_element(value: Any) -> str:
        return nil if value is None else f"{start}{write(value)}{end}"

    return write_element


def _nil_element(tag: str) -> str:
    return f'<{tag} xsi:nil="true"/>'


def _write_text(value: object) -> str:
    return escape(str(value))


def _write_boolean(value: object) -> str:
    return "true" if value else "false"


def _write_time(value: datetime | timedelta, prefix: str = "cim:") -> str:
    """Write a time in UTC without trailing zeros, and an interval as xs:duration (DSP0230)."""
    if isinstance(value, timedelta):
        seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
        return f"<{prefix}Interval>P{value.days}DT{seconds}S</{prefix}Interval>"
    moment = value.astimezone(UTC)
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"<{prefix}Datetime>{moment.year:04}{moment:-%m-%dT%H:%M:%S}{fraction}Z</{prefix}Datetime>"


def _write_bare_time(value: datetime | timedelta) -> str:
    """Write a time of a projection: its element has no namespace, as on Windows."""
    return _write_time(value, "")


def _reference_writer(form: ReferenceForm, before: str = "", after: str = "", nil: str = "") -> Write:
    """Return the writer of an endpoint reference's content (DSP0226 5.1.2)."""
    texts_by_class: dict[Value, tuple[str, ...]] = {}
    form = _general_form(form)

    def write(value: tuple[Value, ...] | None) -> str:
        if value is None:
            return nil
        name = value[0]
        around = texts_by_class.get(name) or texts_by_class.setdefault(
            name, _constant_texts(form, str(name), before, after)
        )
        # The most frequent case, with few calls: one key, a text. Each row of an association has two such references.
        if len(value) == 2 and isinstance(key := value[1], str):
            return f"{around[0]}{key if key.isalnum() else escape(key)}{around[1]}"
        keys = [*(_write_selector(key, form) for key in value[1:]), ""]
        return "".join(text for pair in zip(around, keys, strict=True) for text in pair)

    return write


def _general_form(form: ReferenceForm) -> ReferenceForm:
    """Return a form without the requested class, which does not change the text of a reference.

    A client can send any text as the requested class. Such texts must not fill the cache of ``_constant_texts``.
    """
    return form._replace(resource=form.resource._replace(class_name=ALL))


@lru_cache(maxsize=1024)
def _constant_texts(form: ReferenceForm, name: str, before: str, after: str) -> tuple[str, ...]:
    """Return the constant texts before, between and after the keys of a reference to an instance of a class."""
    resource = form.resource
    cls = form.schema.get(name, resource.namespace.replace("/", "\\"))
    namespace_selector = "" if resource.is_wmi else f'<w:Selector Name="{NAMESPACE}">{resource.namespace}</w:Selector>'
    head = (
        f"{before}<a:Address>{ANONYMOUS}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{resource.uri_base}/{cls.name}</w:ResourceURI><w:SelectorSet>{namespace_selector}"
    )
    starts, ends = [f'<w:Selector Name="{key}">' for key in cls.keys], ["</w:Selector>" for _ in cls.keys]
    tail = f"</w:SelectorSet></a:ReferenceParameters>{after}"
    return tuple(end + start for end, start in zip([head, *ends], [*starts, tail], strict=True))


def _write_selector(key: Value, form: ReferenceForm) -> str:
    if isinstance(key, tuple):
        return _reference_writer(form, *_WRAPPER)(key)
    return _write_boolean(key) if isinstance(key, bool) else _write_text(key)


def _plain_value(value: Any) -> Value:
    """Return the value of a system property; a list, which only __DERIVATION has, as text with commas."""
    plain_value: Value = ",".join(value) if isinstance(value, list) else value
    return plain_value


_WRITERS: dict[str, Write] = {
    "string": _write_text,
    "char16": _write_text,
    "boolean": _write_boolean,
    "datetime": _write_time,
}
