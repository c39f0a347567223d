"""JSON of instances: their class, object path and properties.

Datetimes are ISO 8601 with offset, intervals are seconds, arrays of uint8 are arrays of numbers, references are object
paths; all other values are JSON's own.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from logonscope.cim.binding import bind_path, write_reference
from logonscope.cim.classes import Class, Property
from logonscope.cim.instances import ClassRows, Instance, shape_of
from logonscope.cim.paths import parse_path
from logonscope.cim.schema import Schema
from logonscope.cim.types import TYPES, Value
from logonscope.errors import LogonscopeError, TransportFailureError

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
        self._conversions = [
            (index, convert)
            for index, name in enumerate(result.columns)
            if (convert := _conversion(result.cls, result.cls.property_named(name))) is not None
        ]

    def write(self, row: tuple[Value, ...]) -> dict[str, Any]:
        """Return a row as an object."""
        instance = Instance(self._shape, row)
        return {**self._head, "path": instance.path, "properties": self._properties(instance, row)}

    def _properties(self, instance: Instance, row: tuple[Value, ...]) -> dict[str, Any]:
        values: list[Any] = list(row)
        for index, convert in self._conversions:
            if values[index] is not None:
                values[index] = convert(values[index])
        by_name = dict(zip(self._columns, values, strict=True))
        if self._shown is None:
            return by_name
        return {name: by_name[name] if name in by_name else instance[name] for name in self._shown}


def _conversion(cls: Class, declared: Property) -> Convert | None:
    if declared.type == "reference":
        return partial(write_reference, schema=cls.schema, namespace=cls.namespace)
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
