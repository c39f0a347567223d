"""CIM instances: thin views of rows. The properties are items and attributes of an instance.

A row stays the tuple that a provider made; expensive values, such as the text of a reference, are computed on access.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

from logonscope.cim.binding import write_held_reference
from logonscope.cim.classes import Class
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value
from logonscope.display import escape_unprintable, short_repr, value_table
from logonscope.errors import InvalidPropertyError

SYSTEM_PROPERTIES = (
    "__GENUS", "__CLASS", "__SUPERCLASS", "__DYNASTY", "__RELPATH", "__PROPERTY_COUNT", "__DERIVATION", "__SERVER",
    "__NAMESPACE", "__PATH",
)  # fmt: skip
"""The system properties, in the order in which clients show them (Microsoft's page wmi-system-properties)."""

_INSTANCE_GENUS = 2

_MAX_IN_REPR = 3
"""Maximum number of properties in the repr of an instance whose class has no keys, or whose keys were not selected."""

_MAX_LAYOUTS = 256
"""Maximum number of selections of columns for which the result of ``column_indexes`` is kept."""

_SECRET = frozenset({"CommandLine", "ParentCommandLine", "Arguments", "CommandLineBytes"})
"""Properties that are left out of reprs, which end up in logs: command lines can contain passwords."""


class ClassRows(NamedTuple):
    """Instances of one class: the names of the properties that were read, and rows of their values."""

    cls: Class
    columns: tuple[str, ...]
    rows: Iterator[tuple[Value, ...]]
    shown: tuple[str, ...] = ()  # the properties to show, system properties included; empty: the columns


class Outcome(NamedTuple):
    """The result of a method call: its ReturnValue, and its out parameters by name."""

    return_value: int
    parameters: Mapping[str, Value] = {}

    def __hash__(self) -> int:
        return hash((self.return_value, frozenset(self.parameters)))  # only the names: a mapping has no hash


class Shape(NamedTuple):
    """What all instances of a result share: class, index of each property in a row, host, properties to show."""

    cls: Class
    columns: Mapping[str, int]  # name -> index in a row
    server: str
    shown: tuple[str, ...]


class Instance(Mapping[str, Any]):
    """One instance: a mapping of its properties to their values; ``instance.Handle`` is ``instance["Handle"]``.

    The case of a name is ignored. None means "not known". A reference is an object path as text. An array is a list, or
    bytes if its elements are uint8.
    System properties such as ``__CLASS`` can be looked up too, but are iterated only if they were selected.
    """

    __slots__ = ("_row", "_shape")

    def __init__(self, shape: Shape, row: tuple[Value, ...]) -> None:
        self._shape = shape
        self._row = row

    @property
    def cim_class(self) -> Class:
        """Return the class of the instance."""
        return self._shape.cls

    @property
    def path(self) -> str | None:
        r"""Return the full object path, "\\server\namespace:Class.Key=value"; None if ``relpath`` is None."""
        object_path = self._object_path()
        return None if object_path is None else str(object_path)

    @property
    def relpath(self) -> str | None:
        """Return the object path without server and namespace.

        None: a key was not selected or is null, or the class has no key and is no singleton.
        """
        object_path = self._object_path()
        return None if object_path is None else object_path.relative

    def properties(self) -> dict[str, Any]:
        """Return the values of the properties by name, in the order in which they were selected."""
        return {name: self[name] for name in self._shape.shown}

    def system_properties(self) -> dict[str, Any]:
        """Return the system properties by name: __GENUS to __PATH."""
        return {name: self[name] for name in SYSTEM_PROPERTIES}

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a property; the default if the class has no such property, or it was not selected."""
        # Catching the error of __getitem__ would be slow: its hint compares the name with all names of the class.
        if name not in self:
            return default
        return self[name]

    def __getitem__(self, name: str) -> Any:
        # First the exact name, which is the usual and the fast case; then any case, then system properties.
        index = self._shape.columns.get(name)
        if index is None:
            spelling = self._declared_spelling(name)
            if spelling is None:
                raise self._lookup_error(name)
            index = self._shape.columns.get(spelling)
            if index is None:
                return self._system_property(spelling)
            name = spelling
        value = self._row[index]
        return self._convert_tuple(name, value) if isinstance(value, tuple) else value

    def __contains__(self, name: object) -> bool:
        return name in self._shape.columns or self._declared_spelling(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._shape.shown)

    def __len__(self) -> int:
        return len(self._shape.shown)

    def __getattr__(self, name: str) -> Any:
        # copy and pickle look up private names before the instance has its fields. __getitem__ needs these fields, so
        # the lookup would recurse endlessly.
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
        return self._host_and_class == other._host_and_class and self.properties() == other.properties()

    def __hash__(self) -> int:
        _, columns, _, shown = self._shape
        values = frozenset((name, self._row[columns[name]]) for name in shown if name in columns)
        return hash((self._host_and_class, values))

    def __repr__(self) -> str:
        cls, columns, *_ = self._shape
        # The path of an association quotes two other paths: the references in short form are easier to read.
        path = None if cls.is_association else self.relpath
        if path is not None:
            return f"<Instance {escape_unprintable(path)}>"
        names = cls.keys if cls.keys and all(name in columns for name in cls.keys) else self._names_for_repr()
        values = ", ".join(f"{name}={self._short_value(name)}" for name in names)
        return f"<Instance {cls.name}{' ' if values else ''}{values}>"

    def _repr_html_(self) -> str:
        return value_table(self.relpath or self._shape.cls.name, ("property", "value"), self.items())

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    @property
    def _host_and_class(self) -> tuple[str, str, str]:
        """The host, namespace and class, which must be equal for two instances to be equal."""
        return self._shape.server, self._shape.cls.namespace, self._shape.cls.name

    def _declared_spelling(self, name: object) -> str | None:
        """Return a property's name in the spelling of its declaration; None if this instance lacks the property."""
        if not isinstance(name, str):
            return None
        if name.startswith("__") and name.upper() in SYSTEM_PROPERTIES:
            return name.upper()
        try:
            declared = self._shape.cls.properties[name].name
        except KeyError:
            return None
        return declared if declared in self._shape.columns else None

    def _lookup_error(self, name: object) -> InvalidPropertyError:
        """Return the error for a name that is no property of the class, or one that was not selected."""
        if not isinstance(name, str):
            return InvalidPropertyError(f"{name!r} is not the name of a property", "look values up by name")
        try:
            declared = self._shape.cls.property_named(name)
        except InvalidPropertyError as error:
            return error
        return InvalidPropertyError(f"{declared.name} was not selected", "add it to the selected properties")

    def _names_for_repr(self) -> list[str]:
        """Return the first properties that have a value, for the repr of an instance without keys."""
        names = (name for name in self._shape.shown if not name.startswith("__") and name not in _SECRET)
        return list(islice((name for name in names if self[name] is not None), _MAX_IN_REPR))

    def _short_value(self, name: str) -> str:
        value = self._row[self._shape.columns[name]]
        if isinstance(value, tuple) and self._shape.cls.property_named(name).type == "reference":
            class_name, *keys = value
            return f"{class_name!s}={','.join(map(short_repr, keys))}"
        return short_repr(value)

    def _convert_tuple(self, name: str, value: tuple[Value, ...]) -> Any:
        """Return a reference as the text of its path, an array as a list."""
        if self._shape.cls.property_named(name).type == "reference":
            return write_held_reference(value, self._shape.cls, self._shape.server)
        return list(value)

    def _object_path(self) -> ObjectPath | None:
        cls, columns, server, _ = self._shape
        if not (cls.keys or cls.is_singleton) or any(name not in columns for name in cls.keys):
            return None
        keys = tuple((name, self[name]) for name in cls.keys)
        if any(value is None for _, value in keys):
            return None
        return ObjectPath(cls.name, keys, cls.namespace, server)

    def _system_property(self, name: str) -> Any:
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


def row_of(instance: Instance) -> tuple[Shape, tuple[Value, ...]]:
    """Return the shape and the row of an instance, without conversion: in the row, references are tuples."""
    return instance._shape, instance._row  # noqa: SLF001 -- the class is this module's


def iterate_instances(results: "Iterable[ClassRows | Class]", server: str) -> "Iterator[Instance | Class]":
    """Yield the rows of results as instances of a host; classes are yielded unchanged."""
    for result in results:
        if isinstance(result, ClassRows):
            yield from instances_of(result, server)
        else:
            yield result


def instances_of(result: ClassRows, server: str) -> Iterator[Instance]:
    """Yield the rows of a result as instances of a host."""
    return map(partial(Instance, shape_of(result, server)), result.rows)


def shape_of(result: ClassRows, server: str) -> Shape:
    """Return the shape that the rows of a result share as instances of a host."""
    return Shape(result.cls, column_indexes(result.columns), server, result.shown or result.columns)


@lru_cache(_MAX_LAYOUTS)
def column_indexes(columns: tuple[str, ...]) -> Mapping[str, int]:
    """Return the index of each column in a row."""
    return {name: index for index, name in enumerate(columns)}
