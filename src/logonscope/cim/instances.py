"""What is in an instance? A thin view over a row: properties by name, as items and as attributes.

A row stays the tuple that a provider made; what costs, such as a reference's text, is made when it is asked for.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from logonscope.cim.binding import write_reference
from logonscope.cim.classes import Class
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value
from logonscope.display import printable, short_repr, value_table
from logonscope.errors import InvalidPropertyError

SYSTEM_PROPERTIES = (
    "__GENUS", "__CLASS", "__SUPERCLASS", "__DYNASTY", "__RELPATH", "__PROPERTY_COUNT", "__DERIVATION", "__SERVER",
    "__NAMESPACE", "__PATH",
)  # fmt: skip
"""In the order in which clients show them (wmi-system-properties)."""

_INSTANCE_GENUS = 2

_MOST_IN_REPR = 3
"""Properties in the repr of an instance without its keys."""

_SECRET = frozenset({"CommandLine", "Arguments", "CommandLineBytes"})
"""Properties that are left out of reprs, which end up in logs: command lines can contain passwords."""


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

    def __hash__(self) -> int:
        return hash((self.return_value, frozenset(self.parameters)))  # the names alone: a mapping has no hash


class Shape(NamedTuple):
    """What all instances of a result share: their class, where each property stands in a row, and the host."""

    cls: Class
    columns: Mapping[str, int]
    server: str
    shown: tuple[str, ...]


class Instance(Mapping[str, Any]):
    """One instance: a mapping of its properties to their values; ``instance.Handle`` is ``instance["Handle"]``.

    Names are looked up in any case. None is "not known". A reference is an object path as text, an array a list. The
    system properties, ``__CLASS`` and the like, can be looked up too, but are not iterated unless they were selected.
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
        r"""Return the full object path, "\\server\namespace:Class.Key=value"; None where a key was not selected."""
        full = self._path()
        return None if full is None else str(full)

    @property
    def relpath(self) -> str | None:
        """Return the object path from the class on; None where a key was not selected."""
        full = self._path()
        return None if full is None else full.relative

    def properties(self) -> dict[str, Any]:
        """Return the values of its properties by name, in the order in which they were selected."""
        return {name: self[name] for name in self._shape.shown}

    def system_properties(self) -> dict[str, Any]:
        """Return its system properties by name: __GENUS to __PATH."""
        return {name: self[name] for name in SYSTEM_PROPERTIES}

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a property; the default where there is none of that name, or it was not selected."""
        # Not by catching the error of a missing name: its message compares the name with all that the class has.
        if name not in self:
            return default
        return self[name]

    def __getitem__(self, name: str) -> Any:
        index = self._shape.columns.get(name)
        if index is None:
            spelled = self._spelled(name)
            if spelled is None:
                raise self._missing(name)
            index = self._shape.columns.get(spelled)
            if index is None:
                return self._system(spelled)
            name = spelled
        value = self._row[index]
        return self._shown(name, value) if isinstance(value, tuple) else value

    def __contains__(self, name: object) -> bool:
        return name in self._shape.columns or self._spelled(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._shape.shown)

    def __len__(self) -> int:
        return len(self._shape.shown)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except InvalidPropertyError as error:
            raise AttributeError(str(error)) from None

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
        cls, columns, *_ = self._shape
        # The path of an association quotes two other paths: its ends in short are easier to read.
        path = None if cls.is_association else self.relpath
        if path is not None:
            return f"<Instance {printable(path)}>"
        names = cls.keys if cls.keys and all(name in columns for name in cls.keys) else self._telling()
        values = ", ".join(f"{name}={self._short(name)}" for name in names)
        return f"<Instance {cls.name}{' ' if values else ''}{values}>"

    def _repr_html_(self) -> str:
        return value_table(self.relpath or self._shape.cls.name, ("property", "value"), self.items())

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    @property
    def _kind(self) -> tuple[str, str, str]:
        """The host and the class: what instances that are equal share beside their properties."""
        return self._shape.server, self._shape.cls.namespace, self._shape.cls.name

    def _spelled(self, name: object) -> str | None:
        """Return a name as its property is declared; None where it cannot be looked up here."""
        if not isinstance(name, str):
            return None
        if name.startswith("__") and name.upper() in SYSTEM_PROPERTIES:
            return name.upper()
        try:
            declared = self._shape.cls.properties[name].name
        except KeyError:
            return None
        return declared if declared in self._shape.columns else None

    def _missing(self, name: object) -> InvalidPropertyError:
        """Return the error for a name that cannot be looked up."""
        if not isinstance(name, str):
            return InvalidPropertyError(f"{name!r} is not the name of a property", "look values up by name")
        try:
            declared = self._shape.cls.property_named(name)
        except InvalidPropertyError as error:
            return error
        return InvalidPropertyError(f"{declared.name} was not selected", "name it among the properties")

    def _telling(self) -> list[str]:
        """Return the first properties that have a value, for a repr."""
        names = (name for name in self._shape.shown if not name.startswith("__") and name not in _SECRET)
        return list(islice((name for name in names if self[name] is not None), _MOST_IN_REPR))

    def _short(self, name: str) -> str:
        value = self._row[self._shape.columns[name]]
        if isinstance(value, tuple) and self._shape.cls.property_named(name).type == "reference":
            class_name, *keys = value
            return f"{class_name!s}={','.join(map(short_repr, keys))}"
        return short_repr(value)

    def _shown(self, name: str, value: tuple[Value, ...]) -> Any:
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
