"""What is in an instance? A thin view over a row: properties by name, as items and as attributes.

A row stays the tuple that a provider made; what costs, such as a reference's text, is made when it is asked for.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from logonscope.cim.binding import write_reference
from logonscope.cim.classes import Class
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value
from logonscope.errors import InvalidPropertyError

SYSTEM_PROPERTIES = (
    "__GENUS", "__CLASS", "__SUPERCLASS", "__DYNASTY", "__RELPATH", "__PROPERTY_COUNT", "__DERIVATION", "__SERVER",
    "__NAMESPACE", "__PATH",
)  # fmt: skip
"""In the order in which clients show them (wmi-system-properties)."""

_INSTANCE_GENUS = 2


class Result(NamedTuple):
    """Instances of one class: the names of the properties that were read, rows of their values, and what to show."""

    cls: Class
    columns: tuple[str, ...]
    rows: Iterator[tuple[Value, ...]]
    shown: tuple[str, ...] = ()  # as it was asked for, system properties included; empty: the columns


class Outcome(NamedTuple):
    """What a method returned: its ReturnValue, and its parameters that are out, by name."""

    return_value: int
    parameters: Mapping[str, Value] = {}


class Shape(NamedTuple):
    """What all instances of a result share: their class, where each property stands in a row, and the host."""

    cls: Class
    columns: Mapping[str, int]
    server: str
    shown: tuple[str, ...]


class Instance:
    """One instance: ``instance.Handle``, ``instance["handle"]``; a reference is an object path as text.

    What was not asked for is not there; None is "not known".
    """

    __slots__ = ("_row", "_shape")

    def __init__(self, shape: Shape, row: tuple[Value, ...]) -> None:
        self._shape = shape
        self._row = row

    @property
    def cim_class(self) -> Class:
        """Return the class that it is an instance of."""
        return self._shape.cls

    @property
    def path(self) -> str | None:
        r"""Return the full object path, "\\server\namespace:Class.Key=value"; None where a key was not asked for."""
        made = self._path()
        return None if made is None else str(made)

    @property
    def relpath(self) -> str | None:
        """Return the object path from the class on; None where a key was not asked for."""
        made = self._path()
        return None if made is None else made.relative

    def properties(self) -> dict[str, Any]:
        """Return the values of its properties by name, in the order in which they were asked for."""
        return {name: self[name] for name in self._shape.shown}

    def keys(self) -> tuple[str, ...]:
        """Return the names of its properties: ``dict(instance)`` is their values by name."""
        return self._shape.shown

    def system_properties(self) -> dict[str, Any]:
        """Return its system properties by name: __GENUS to __PATH."""
        return {name: self[name] for name in SYSTEM_PROPERTIES}

    def __getitem__(self, name: str) -> Any:
        at = self._shape.columns.get(name)
        if at is None:
            if name.startswith("__") and name.upper() in SYSTEM_PROPERTIES:
                return self._system(name.upper())
            name = self._shape.cls.property_named(name).name
            at = self._shape.columns.get(name)
        if at is None:
            raise InvalidPropertyError(f"{name} was not asked for", "name it among the properties")
        return self._shown(name, self._row[at])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except InvalidPropertyError as error:
            raise AttributeError(str(error)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._shape.shown)

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *(name for name in self._shape.shown if not name.startswith("__"))])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Instance):
            return NotImplemented
        return self._kind == other._kind and self.properties() == other.properties()

    def __hash__(self) -> int:
        _, columns, _, shown = self._shape
        values = frozenset((name, self._row[columns[name]]) for name in shown if name in columns)
        return hash((self._kind, values))

    def __repr__(self) -> str:
        return f"<Instance {self.relpath or self._shape.cls.name}>"

    @property
    def _kind(self) -> tuple[str, str, str]:
        """The host and the class: what instances that are equal share beside their properties."""
        return self._shape.server, self._shape.cls.namespace, self._shape.cls.name

    def _shown(self, name: str, value: Value) -> Any:
        if not isinstance(value, tuple):
            return value
        if self._shape.cls.property_named(name).type == "reference":
            return write_reference(value, self._shape.cls.schema, self._shape.cls.namespace)
        return list(value)

    def _path(self) -> ObjectPath | None:
        cls, columns, server, _ = self._shape
        if not (cls.keys or cls.is_singleton) or any(name not in columns for name in cls.keys):
            return None
        keys = tuple((name, self[name]) for name in cls.keys)
        if any(value is None for _, value in keys):
            return None
        return ObjectPath(cls.name, keys, cls.namespace, server)

    def _system(self, name: str) -> Any:
        cls = self._shape.cls
        values: dict[str, Any] = {
            "__GENUS": _INSTANCE_GENUS,
            "__CLASS": cls.name,
            "__SUPERCLASS": cls.superclass,
            "__DYNASTY": cls.dynasty,
            "__RELPATH": self.relpath,
            "__PROPERTY_COUNT": sum(not name.startswith("__") for name in self._shape.shown),
            "__DERIVATION": list(cls.derivation),
            "__SERVER": self._shape.server,
            "__NAMESPACE": cls.namespace,
            "__PATH": self.path,
        }
        return values[name]


def instances(results: "Iterable[Result | Class]", server: str) -> "Iterator[Instance | Class]":
    """Yield the rows of results as instances of a host, and classes as they are."""
    for result in results:
        if isinstance(result, Result):
            yield from instances_of(result, server)
        else:
            yield result


def instances_of(result: Result, server: str) -> Iterator[Instance]:
    """Return the rows of a result as instances of a host."""
    return map(partial(Instance, shape_of(result, server)), result.rows)


def shape_of(result: Result, server: str) -> Shape:
    """Return what the rows of a result have in common as instances of a host."""
    columns = {name: at for at, name in enumerate(result.columns)}
    return Shape(result.cls, columns, server, result.shown or result.columns)
