"""JSON of instances: their class, object path and properties.

Datetimes are ISO 8601 with offset, intervals are seconds, arrays of uint8 are arrays of numbers, references are object
paths; all other values are JSON's own.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from json.encoder import encode_basestring_ascii as encode_text
from typing import Any, NamedTuple

from logonscope.cim.binding import bind_path, write_reference
from logonscope.cim.classes import Class, Property
from logonscope.cim.instances import ClassRows, Instance, shape_of
from logonscope.cim.paths import parse_path, write_key
from logonscope.cim.schema import Schema
from logonscope.cim.types import TYPES, Value
from logonscope.errors import LogonscopeError, TransportFailureError
from logonscope.wire.json.text import write_text

Convert = Callable[[Any], Any]


class InstanceWriter:
    """Writes the rows of one result as objects; the conversions of its columns are chosen once."""

    def __init__(self, result: ClassRows, server: str, base: Class | None = None) -> None:
        """Choose the conversions.

        Args:
            result: the class and the columns.
            server: the name of the host.
            base: write all instances as instances of this class; None: of their own.
        """
        cls = base or result.cls
        self._head = {"class": cls.name, "namespace": cls.namespace.replace("\\", "/"), "server": server}
        self._shape, self._columns = shape_of(result, server), result.columns
        self._shown = result.shown if result.shown and result.shown != result.columns else None
        # The text around the values is the same in every row: only the path and the values are written for each.
        names = ",".join(f"{write_text(name)}:%s" for name in result.columns).replace("%s", "\0")
        head = write_text({**self._head, "path": "\0", "properties": "\1"})
        head = head.replace('"\\u0000"', "\0").replace('"\\u0001"', f"{{{names}}}")
        self._template = head.replace("%", "%%").replace("\0", "%s")
        self._keys = [result.columns.index(key) for key in cls.keys if key in result.columns]
        self._has_path = bool(cls.keys) and len(self._keys) == len(cls.keys)
        self._path_heads = [f"{key}=" for key in cls.keys]
        self._path_start = f"\\\\{server}\\{cls.namespace}:{cls.name}."
        self._conversions = [
            (index, convert)
            for index, name in enumerate(result.columns)
            if (convert := _conversion(result.cls, result.cls.property_named(name))) is not None
        ]

    def write(self, row: tuple[Value, ...]) -> dict[str, Any]:
        """Return a row as an object."""
        instance = Instance(self._shape, row)
        return {**self._head, "path": instance.path, "properties": self._properties(instance, row)}

    def write_text(self, row: tuple[Value, ...]) -> str:
        """Return a row as the JSON of its object: the fast way, for rows that show all of their columns."""
        if self._shown is not None or not self._has_path:
            return write_text(self.write(row))
        values: list[Any] = list(row)
        for index, convert in self._conversions:
            if values[index] is not None:
                values[index] = convert(values[index])
        # A key that is null has no path, as in Instance.path.
        keys = [values[index] for index in self._keys]
        if None in keys:
            return write_text(self.write(row))
        path = self._path_start + ",".join(map(str.__add__, self._path_heads, map(write_key, keys)))
        find = _WRITERS.get
        return self._template % (encode_text(path), *[find(type(value), write_text)(value) for value in values])

    def _properties(self, instance: Instance, row: tuple[Value, ...]) -> dict[str, Any]:
        values: list[Any] = list(row)
        for index, convert in self._conversions:
            if values[index] is not None:
                values[index] = convert(values[index])
        by_name = dict(zip(self._columns, values, strict=True))
        if self._shown is None:
            return by_name
        return {name: by_name[name] if name in by_name else instance[name] for name in self._shown}


def _write_null(_: None) -> str:
    return "null"


def _write_boolean(value: bool) -> str:  # noqa: FBT001 -- called with a value of a column
    return "true" if value else "false"


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_text, int: int.__repr__, type(None): _write_null, bool: _write_boolean,
}  # fmt: skip
"""Writers of the most frequent types; all others are written by the JSON encoder."""


class ReferenceWriter:
    """Writes references as object paths; the text before the keys is made once for each class."""

    def __init__(self, schema: Schema, namespace: str) -> None:
        self._schema, self._namespace = schema, namespace
        self._starts: dict[str, str] = {}

    def write(self, reference: tuple[Value, ...]) -> str:
        """Return the text of a reference."""
        # References with one key, a text, are nearly all that there are.
        if len(reference) != 2 or not isinstance(reference[1], str):
            return write_reference(reference, self._schema, self._namespace)
        name = str(reference[0])
        start = self._starts.get(name)
        if start is None:
            key = write_key(reference[1])
            whole = write_reference(reference, self._schema, self._namespace)
            start = self._starts[name] = whole.removesuffix(key)
        return start + write_key(reference[1])


def _conversion(cls: Class, declared: Property) -> Convert | None:
    if declared.type == "reference":
        return ReferenceWriter(cls.schema, cls.namespace).write
    if declared.type == "datetime":
        return _write_time
    return list if declared.array and declared.type == "uint8" else None


def write_value(value: Any) -> Any:
    """Return an out parameter of a method as JSON: the object does not know its type."""
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


def read_instance(line: Mapping[str, Any], schema: Schema) -> ReadRow:
    """Return the instance of a line; the schema has its class.

    Raises:
        TransportFailureError: the line is not an instance of a known class.
    """
    try:
        properties, namespace = line["properties"], str(line["namespace"]).replace("/", "\\")
        cls = schema.get(str(line["class"]), namespace)
        values = {
            name: _read_value(value, cls.properties[name], schema)
            for name, value in properties.items()
            if name in cls.properties
        }
        # A path that was selected shows keys that were not.
        if line["path"] is not None and not set(cls.keys) <= set(values):
            target = bind_path(parse_path(line["path"]), schema, namespace, _is_accepted_server)
            values |= dict(zip(target.cls.keys, target.keys or (), strict=True))
        return ReadRow(cls, str(line["server"]), tuple(properties), values)
    except (LookupError, TypeError, ValueError, AttributeError, LogonscopeError) as error:
        raise TransportFailureError(f"invalid instance in the response: {error}", "check the server") from None


def _read_value(value: Any, declared: Property, schema: Schema) -> Value:
    if value is None:
        return None
    if declared.array:
        read: Value = bytes(value) if declared.type == "uint8" else tuple(value)
        return read
    if declared.type == "datetime":
        return datetime.fromisoformat(value) if isinstance(value, str) else timedelta(seconds=value)
    if declared.type == "reference":
        return _read_reference(str(value), schema)
    if TYPES[declared.type].is_integer:
        return int(value)
    text: Value = value
    return text


def read_default(value: Any, declared: Property) -> Value:
    """Return the default value of a property, which is no reference."""
    return _read_value(value, declared, Schema([]))


def _read_reference(text: str, schema: Schema) -> Value:
    path = parse_path(text)
    try:
        return bind_path(path, schema, path.namespace or "", _is_accepted_server).reference
    except LogonscopeError:
        # The server may refer to classes that this schema lacks. Their keys have no types here: keep the text.
        return text


def _is_accepted_server(_: str) -> bool:
    # The server names itself in its paths, by any name that it has.
    return True


def columns_of(rows: Sequence[str], cls: Class) -> tuple[str, ...]:
    """Return the names that are properties of a class, in its spelling."""
    return tuple(cls.properties[name].name for name in rows if name in cls.properties)
