"""Which instance of which class does an object path name? Holds a path against the schema.

Keys come in any order and case, a single one without its name; a number where the key is a string becomes its digits.
A key that is a reference is a path itself, and is bound too.
"""

from collections.abc import Callable
from typing import NamedTuple

from logonscope.cim.classes import Class
from logonscope.cim.paths import Key, ObjectPath, parse_path
from logonscope.cim.schema import CIMV2, Schema
from logonscope.cim.types import Value, value_of
from logonscope.errors import InvalidNamespaceError, InvalidObjectPathError, LogonscopeError

HERE = {".", "localhost"}
"""What every host calls itself."""

MOST_NESTED = 3
"""How deep a path may stand in a path: an association of associations is the most there is."""


def is_dot(server: str) -> bool:
    """Tell whether a server is what every host calls itself."""
    return server.lower() in HERE


class Nested(NamedTuple):
    """Where a path stands that is the key of another one."""

    schema: Schema
    namespace: str
    is_here: Callable[[str], bool]
    depth: int


class Target(NamedTuple):
    """A class, and the values of its keys in alphabetical order; None: the class itself."""

    cls: Class
    keys: tuple[Value, ...] | None

    @property
    def reference(self) -> tuple[Value, ...]:
        """Return it as the value of a reference has it."""
        return (self.cls.name, *(self.keys or ()))


def bind(
    path: ObjectPath, schema: Schema, namespace: str, is_here: Callable[[str], bool] = is_dot, depth: int = 0
) -> Target:
    """Return what a path names; its own namespace counts before the given one.

    Args:
        path: the path.
        schema: where its class is looked for.
        namespace: where the class is, unless the path says so.
        is_here: tells whether a server that the path names is this host.
        depth: in how many other paths this one stands.

    Raises:
        InvalidNamespaceError: it names a namespace that is not there.
        InvalidClassError: it names a class that is not there.
        InvalidObjectPathError: its keys are not those of the class.
        TypeMismatchError: a key's value is not of the key's type.
    """
    if depth > MOST_NESTED:
        raise InvalidObjectPathError("paths stand in paths too deep", f"nest at most {MOST_NESTED}")
    if path.server and not is_here(path.server):
        raise InvalidNamespaceError(f"{path.server} is another host", "write a dot for this one")
    namespace = schema.namespace(path.namespace or namespace)
    cls = schema.get(path.class_name, namespace)
    if path.keys is None:
        return Target(cls, None)
    given = _named(path, cls)
    values = []
    for name in cls.keys:
        if name.lower() not in given:
            raise InvalidObjectPathError(f"{path} lacks the key {name}", f"write it as {example(cls)}")
        values.append(_value(cls, name, given[name.lower()], Nested(schema, namespace, is_here, depth + 1)))
    return Target(cls, tuple(values))


def example(cls: Class) -> str:
    """Return a path of the class's form."""
    if not cls.keys:
        return f"{cls.name}=@" if cls.is_singleton else cls.name
    return f"{cls.name}." + ",".join(f'{name}="..."' for name in cls.keys)


def write_reference(reference: tuple[Value, ...], schema: Schema, namespace: str) -> str:
    """Return a reference as text, in the form of the real provider: a full path of the server "."."""
    return str(object_path(reference, schema, namespace))


def object_path(reference: tuple[Value, ...], schema: Schema, namespace: str, server: str = ".") -> ObjectPath:
    """Return the full object path of a reference."""
    name, *values = reference
    cls = schema.get(str(name), namespace)
    keys = zip(cls.keys, (_key(value, schema, namespace) for value in values), strict=True)
    return ObjectPath(cls.name, tuple(keys), namespace, server)


def related(one: str, other: str, schema: Schema, namespace: str = CIMV2) -> bool:
    """Tell whether one class is the other, or below it: an account is named by the class of all accounts or its own."""
    if one == other:
        return True
    first, second = schema.find(one, namespace), schema.find(other, namespace)
    return bool(first and second and (first.is_a(other) or second.is_a(one)))


def same(
    one: Value, other: Value, schema: Schema, namespace: str = CIMV2, *, fold: Callable[[str], str] = str.lower
) -> bool:
    """Tell whether two keys are the same: text by its letters, as they are folded; references by what they name."""
    if isinstance(one, str) and isinstance(other, str):
        return fold(one) == fold(other)
    if not (isinstance(one, tuple) and isinstance(other, tuple)):
        return one == other
    if not related(str(one[0]), str(other[0]), schema, namespace):
        return False
    return all(same(*pair, schema, namespace, fold=fold) for pair in zip(one[1:], other[1:], strict=True))


def _key(value: Value, schema: Schema, namespace: str) -> Key:
    if isinstance(value, tuple):
        return write_reference(value, schema, namespace)
    return value if isinstance(value, int) else str(value)


def _named(path: ObjectPath, cls: Class) -> dict[str, Key]:
    """Return the values by folded name."""
    keys = path.keys or ()
    if not keys and not cls.is_singleton:
        raise InvalidObjectPathError(f"{path}: {cls.name} is no singleton", f"write it as {example(cls)}")
    given: dict[str, Key] = {}
    for name, value in keys:
        if name is None and len(cls.keys) != 1:
            count = len(cls.keys) or "no"
            raise InvalidObjectPathError(f"{path}: {cls.name} has {count} keys", f"write it as {example(cls)}")
        folded = (name or cls.keys[0]).lower()
        if folded not in {key.lower() for key in cls.keys}:
            raise InvalidObjectPathError(f"{path}: {name} is no key of {cls.name}", f"write it as {example(cls)}")
        if folded in given:
            raise InvalidObjectPathError(f"{path} gives the key {name} twice", "give it once")
        given[folded] = value
    return given


def _value(cls: Class, name: str, value: Key, inside: Nested) -> Value:
    of = cls.property_named(name)
    if of.type != "reference":
        return value_of(value, of.type, f"the key {name}")
    try:
        target = bind(parse_path(str(value)), *inside)
    except LogonscopeError as error:
        raise InvalidObjectPathError(f"the key {name} of {cls.name}: {error.message}", error.advice) from None
    if target.keys is None:
        what = f"the key {name} of {cls.name} names a class, not an instance"
        raise InvalidObjectPathError(what, f"write it as {example(target.cls)}")
    return target.reference
