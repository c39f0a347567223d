"""JSON of instances: their class, object path and properties.

Datetimes are ISO 8601 with offset, intervals are seconds, arrays of uint8 are arrays of numbers, references are object
paths; all other values are JSON's own.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from itertools import repeat
from json.encoder import encode_basestring_ascii as encode_text
from operator import itemgetter
from typing import Any, NamedTuple

from logonscope.cim.binding import bind_path, write_held_reference
from logonscope.cim.classes import Class, Property
from logonscope.cim.instances import ClassRows, Instance, shape_of
from logonscope.cim.paths import parse_path, write_key
from logonscope.cim.schema import Schema
from logonscope.cim.types import TYPES, Value
from logonscope.errors import LogonscopeError, TransportFailureError
from logonscope.wire.json.text import VALUE_WRITERS, write_text

SAMPLE_KEY = "KEY"
"""The key in a sample path: SLOT replaces it in the template that is made from the sample."""

SLOT = "\0"
"""The place of a value in a template: a character that JSON always escapes, so the rest of a template has none."""

_PLAIN = re.compile(r"[0-9A-Za-z_.:/@ \[\]-]*")
"""Matches texts that need no escapes, neither in a path nor in JSON."""

Convert = Callable[[Any], Any]


class InstanceWriter:
    """Writes the rows of one result as JSON objects; the conversions of its columns are chosen once."""

    def __init__(self, result: ClassRows, server: str, base: Class | None = None) -> None:
        """Choose the conversions.

        Args:
            result: the class and the columns.
            server: the name of the host.
            base: write all instances as instances of this class; None: as instances of their own class.
        """
        cls = base or result.cls
        self._fixed_members = {"class": cls.name, "namespace": cls.namespace.replace("\\", "/"), "server": server}
        self._shape, self._columns = shape_of(result, server), result.columns
        # None: all columns are shown, in their order
        self._shown = result.shown if result.shown and result.shown != result.columns else None
        self._conversions = _conversions(result.cls, tuple(result.columns), server)
        row_class = result.cls  # a path names the class of the row, even with ``base``
        self._keys, self._path_start = row_class.keys, f"\\\\{server}\\{row_class.namespace}:{row_class.name}."

    def write(self, row: tuple[Value, ...]) -> dict[str, Any]:
        """Return a row as an object."""
        instance = Instance(self._shape, row)
        return {**self._fixed_members, "path": instance.path, "properties": self._properties(instance, row)}

    def write_rows(self, rows: Sequence[tuple[Value, ...]]) -> list[str]:
        """Return rows as the JSON of their objects."""
        lines = None if self._line_writer is None or not rows else self._line_writer.write(rows)
        return [write_text(self.write(row)) for row in rows] if lines is None else lines

    @cached_property
    def _line_writer(self) -> "LineWriter | None":
        """The writer of many rows; None: the rows do not show exactly their columns, in order, or have no paths."""
        if self._shown is not None or not self._keys or not set(self._keys) <= set(self._columns):
            return None
        keys_by_index = {self._columns.index(key): key for key in self._keys}
        return LineWriter(self._fixed_members, self._columns, self._conversions, keys_by_index, self._path_start)

    def _properties(self, instance: Instance, row: tuple[Value, ...]) -> dict[str, Any]:
        values = (
            convert(value) if convert and value is not None else value
            for convert, value in zip(self._conversions, row, strict=True)
        )
        by_name = dict(zip(self._columns, values, strict=True))
        if self._shown is None:
            return by_name
        return {name: by_name[name] if name in by_name else instance[name] for name in self._shown}


class LineWriter:
    """Writes many rows at once, column by column; the text around their values is the same in every row.

    Keys are written twice, in the path and as properties. If no key needs an escape, the text around the keys is the
    same in every row, too.
    """

    def __init__(
        self,
        fixed_members: Mapping[str, str],
        columns: Sequence[str],
        conversions: Sequence[Convert | None],
        keys_by_index: Mapping[int, str],
        path_start: str,
    ) -> None:
        self._fixed_members, self._columns, self._conversions = fixed_members, columns, conversions
        self._keys_by_index, self._path_start = keys_by_index, path_start
        # by the classes that the keys refer to ("" for a text): the texts before, between and after the values of a row
        self._texts_around: dict[tuple[str, ...], list[str]] = {}

    def write(self, rows: Sequence[tuple[Value, ...]]) -> list[str] | None:
        """Return rows as JSON.

        None: the rows cannot be written by a template. Either a key needs an escape, or a key is neither a text nor a
        reference whose only key is a text, or the references in one column name several classes.
        """
        # By columns: a loop in C over values of one type takes a fifth of the time of a loop over rows in Python.
        columns = list(zip(*rows, strict=True))
        keys, targets = dict[int, Sequence[str]](), list[str]()
        for index in self._keys_by_index:
            plain_keys = _plain_keys(columns[index])
            if plain_keys is None:
                return None
            target, keys[index] = plain_keys
            targets.append(target)
        around = self._texts_around.get(tuple(targets))
        if around is None:
            around = self._texts_around[tuple(targets)] = self._make_template(targets).split(SLOT)
        values = [
            keys[index] if index in keys else _write_column(column, self._conversions[index])
            for index, column in enumerate(columns)
        ]
        # Joined, because the operator % looks at every character of its template: that takes five times as long.
        texts: list[Iterable[str]] = [repeat(around[0], len(rows))]
        for text, column in zip(around[1:], [*keys.values(), *values], strict=True):
            texts += [column, repeat(text, len(rows))]
        return list(map("".join, zip(*texts, strict=True)))

    def _make_template(self, targets: Sequence[str]) -> str:
        """Return the JSON of a row with SLOT in the place of each value, and of each key in the path.

        Args:
            targets: for each key, the class that it refers to; "" if the key is not a reference.
        """
        path_parts, properties = list[str](), dict.fromkeys(self._columns, SLOT)
        for target, (index, name) in zip(targets, self._keys_by_index.items(), strict=True):
            convert = self._conversions[index]
            sample = SAMPLE_KEY if convert is None else convert((target, SAMPLE_KEY))
            path_parts.append(_template_around_key(f"{name}={write_key(sample)}"))
            properties[name] = f'"{_template_around_key(sample)}"'
        path = _escape_text(self._path_start) + ",".join(path_parts)
        fixed_members = "".join(
            f"{write_text(name)}:{write_text(value)}," for name, value in self._fixed_members.items()
        )
        members = ",".join(f"{write_text(name)}:{value}" for name, value in properties.items())
        return f'{{{fixed_members}"path":"{path}","properties":{{{members}}}}}'


def _plain_keys(column: Sequence[Any]) -> tuple[str, Sequence[str]] | None:
    """Return the class of the references in a column ("" for texts), and their keys; None: see ``LineWriter.write``."""
    target, keys = "", column
    try:
        if isinstance(column[0], tuple):
            targets, lengths = set(map(itemgetter(0), column)), set(map(len, column))
            if len(targets) != 1 or lengths != {2}:
                return None
            target, keys = str(targets.pop()), list(map(itemgetter(1), column))
        return (target, keys) if _PLAIN.fullmatch("".join(keys)) else None
    except TypeError:  # a key is no text, or is None
        return None


def _write_column(column: Sequence[Any], convert: Convert | None) -> Iterable[str]:
    """Return the values of a column as JSON."""
    if convert is not None:
        column = [value if value is None else convert(value) for value in column]
    # Nearly every column has values of one type: then no value needs a lookup of its own.
    types = set(map(type, column))
    if len(types) == 1:
        return map(VALUE_WRITERS.get(types.pop(), write_text), column)
    find = VALUE_WRITERS.get
    return [find(type(value), write_text)(value) for value in column]


def _template_around_key(text: str) -> str:
    """Return a sample text as a template: SLOT replaces the last SAMPLE_KEY in it."""
    before, _, after = _escape_text(text).rpartition(SAMPLE_KEY)
    return f"{before}{SLOT}{after}"


def _escape_text(text: str) -> str:
    """Return a text with the escapes that it needs inside a JSON string."""
    return encode_text(text)[1:-1]


class ReferenceWriter:
    """Writes references as object paths; the text before the keys is made once for each class."""

    def __init__(self, referencing_class: Class, server: str) -> None:
        self._referencing_class, self._server = referencing_class, server
        self._starts: dict[str, str] = {}

    def write(self, reference: tuple[Value, ...]) -> str:
        """Return the text of a reference."""
        # Nearly all references have one key, and this key is a text.
        if len(reference) != 2 or not isinstance(reference[1], str):
            return write_held_reference(reference, self._referencing_class, self._server)
        name = str(reference[0])
        start = self._starts.get(name)
        if start is None:
            key = write_key(reference[1])
            full_path = write_held_reference(reference, self._referencing_class, self._server)
            start = self._starts[name] = full_path.removesuffix(key)
        return start + write_key(reference[1])


@lru_cache(maxsize=256)
def _conversions(cls: Class, names: tuple[str, ...], server: str) -> Sequence[Convert | None]:
    """Return the conversion of each column; cached, because choosing them takes longer than writing one instance."""
    return [_conversion(cls, name, server) for name in names]


def _conversion(cls: Class, name: str, server: str) -> Convert | None:
    """Return the function that turns a value of a property into JSON's own types; None: the value stays as it is."""
    declared = cls.property_named(name)
    if declared.type == "reference":
        return ReferenceWriter(cls, server).write
    if declared.type == "datetime":
        return _write_time
    return list if declared.array and declared.type == "uint8" else None


def write_event_instance(instance: Instance) -> dict[str, Any]:
    """Return an instance of an event class as an object; the instances in it are objects of the same form."""
    cls = instance.cim_class
    fixed_members = {"class": cls.name, "namespace": cls.namespace.replace("\\", "/"), "server": instance["__SERVER"]}
    properties = {name: _write_event_value(instance[name]) for name in instance}
    return {**fixed_members, "path": instance.path, "properties": properties}


def _write_event_value(value: Any) -> Any:
    return write_event_instance(value) if isinstance(value, Instance) else write_value(value)


def write_value(value: Any) -> Any:
    """Return a value as JSON, by its Python type alone."""
    if isinstance(value, (datetime, timedelta)):
        return _write_time(value)
    return list(value) if isinstance(value, (bytes, tuple)) else value


def _write_time(value: datetime | timedelta) -> str | float:
    return value.total_seconds() if isinstance(value, timedelta) else value.isoformat(timespec="microseconds")


class ReadRow(NamedTuple):
    """A parsed instance: its class, its host, the properties that are shown, and all values that are known."""

    cls: Class
    server: str
    shown: tuple[str, ...]
    values: Mapping[str, Value]


def read_instance(json_object: Mapping[str, Any], schema: Schema) -> ReadRow:
    """Return the row that an object describes; the schema must have the class of the row.

    Raises:
        TransportFailureError: the object is not an instance of a known class.
    """
    try:
        properties, namespace = json_object["properties"], str(json_object["namespace"]).replace("/", "\\")
        cls = schema.get(str(json_object["class"]), namespace)
        shown = tuple(properties)
        values = {
            name: _read_value(value, declared, schema)
            for (name, value), declared in zip(properties.items(), _find_declared(cls, shown), strict=True)
            if declared is not None
        }
        # the server may have been asked for the path without the keys: then the keys are read from the path
        if json_object["path"] is not None and not set(cls.keys) <= set(values):
            target = bind_path(parse_path(json_object["path"]), schema, namespace, _is_accepted_server)
            values |= dict(zip(target.cls.keys, target.keys or (), strict=True))
        return ReadRow(cls, str(json_object["server"]), shown, values)
    except (LookupError, TypeError, ValueError, OverflowError, AttributeError, LogonscopeError) as error:
        raise TransportFailureError(f"invalid instance in the response: {error}", "check the server") from None


@lru_cache(maxsize=256)
def _find_declared(cls: Class, names: tuple[str, ...]) -> Sequence[Property | None]:
    """Return the property of each name; None for a name that is no property. Cached like ``_conversions``."""
    return [cls.properties.get(name) for name in names]


def _read_value(value: Any, declared: Property, schema: Schema) -> Value:
    if value is None:
        return None
    if declared.array:
        elements: Value = bytes(value) if declared.type == "uint8" else tuple(value)
        return elements
    if declared.type == "datetime":
        return datetime.fromisoformat(value) if isinstance(value, str) else timedelta(seconds=value)
    if declared.type == "reference":
        return _read_reference(str(value), schema)
    if TYPES[declared.type].is_integer:
        return int(value)
    text: Value = value
    return text


def read_default(value: Any, declared: Property) -> Value:
    """Return the default value of a property; references have no default values."""
    return _read_value(value, declared, Schema([]))


def _read_reference(text: str, schema: Schema) -> Value:
    path = parse_path(text)
    try:
        return bind_path(path, schema, path.namespace or "", _is_accepted_server).reference
    except LogonscopeError:
        # The server may refer to classes that this schema lacks. Their keys have no types here: keep the text.
        return text


def _is_accepted_server(_: str) -> bool:
    # A path of the server has the server's own name, which can be any of several.
    return True
