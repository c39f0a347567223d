"""Binding of object paths to the schema: which class, or which instance of which class, a path names.

The names of keys may be in any order and case; a single key needs no name. A number given for a key that is a string
becomes its digits. A key that is a reference is an object path itself, and is bound too.
"""

from collections.abc import Callable
from typing import NamedTuple

from logonscope.cim.classes import Class
from logonscope.cim.paths import Key, ObjectPath, parse_path
from logonscope.cim.schema import CIMV2, Schema
from logonscope.cim.types import Value, convert_value
from logonscope.errors import InvalidNamespaceError, InvalidObjectPathError, LogonscopeError

OWN_SERVER_NAMES = {".", "localhost"}
"""Server names by which every host means itself."""

HOST_NAMED = frozenset(
    {
        "CIM_ProcessExecutable",
        "Win32_ComputerSystemProcessor",
        "Win32_GroupUser",
        "Win32_SystemBIOS",
        "Win32_SystemOperatingSystem",
        "Win32_SystemProcesses",
        "Win32_SystemServices",
        "Win32_SystemTimeZone",
        "Win32_SystemUsers",
    }
)
"""Associations whose references have the host's name as their server, as on Windows (docs/windows.md).

The references of all other associations have the server ".".
"""

KEY_ORDERS = {("Win32_SystemUsers", "Win32_UserAccount"): ("Name", "Domain")}
"""The order of keys where Windows does not write them alphabetically.

It depends on two classes: the association that has the reference, and the class to which the reference refers.
"""

MAX_DEPTH = 3
"""Maximum depth of paths inside a path: an association whose ends are associations needs no more."""


def is_own_name(server: str) -> bool:
    """Return whether a server name is one by which every host means itself."""
    return server.lower() in OWN_SERVER_NAMES


class NestedPathContext(NamedTuple):
    """The arguments of ``bind_path``, besides the path, for a path that is a key of another path."""

    schema: Schema
    namespace: str
    is_here: Callable[[str], bool]
    depth: int


class Target(NamedTuple):
    """What a path names: an instance, by its class and ``keys``, or a class.

    ``keys``: the values of the keys, in the order of ``Class.keys``; None: the class itself.
    """

    cls: Class
    keys: tuple[Value, ...] | None

    @property
    def reference(self) -> tuple[Value, ...]:
        """Return the value of a reference to this target."""
        return (self.cls.name, *(self.keys or ()))


def bind_path(
    path: ObjectPath, schema: Schema, namespace: str, is_here: Callable[[str], bool] = is_own_name, depth: int = 0
) -> Target:
    """Return the class or the instance that a path names.

    Args:
        path: the path.
        schema: the schema that has the class.
        namespace: the namespace of the class if the path names none.
        is_here: returns whether a server name in the path means this host.
        depth: how many paths contain this path: 0, unless the path is a key of another path.

    Raises:
        InvalidNamespaceError: the path names an unknown namespace, or another host.
        InvalidClassError: the path names an unknown class.
        InvalidObjectPathError: the keys are not those of the class, or a path inside this path is invalid
            for any reason.
        TypeMismatchError: a value does not have the type of its key.
    """
    if depth > MAX_DEPTH:
        raise InvalidObjectPathError("object paths nested too deep", f"nest at most {MAX_DEPTH}")
    if path.server and not is_here(path.server):
        raise InvalidNamespaceError(f"the object path names another host: {path.server}", "write a dot for this host")
    namespace = schema.namespace(path.namespace or namespace)
    cls = schema.get(path.class_name, namespace)
    if path.keys is None:
        return Target(cls, None)
    path_values = _values_by_key(path, cls)
    values = []
    for name in cls.keys:
        if name.lower() not in path_values:
            raise InvalidObjectPathError(f"{path} lacks the key {name}", f"write it as {example_path(cls)}")
        # the value of a reference is a path, which is bound in the same way
        nested = NestedPathContext(schema, namespace, is_here, depth + 1)
        values.append(_convert_key(cls, name, path_values[name.lower()], nested))
    return Target(cls, tuple(values))


def example_path(cls: Class) -> str:
    """Return an example of an instance's path, with dots for the values; the class's path if instances have none."""
    if not cls.keys:
        return f"{cls.name}=@" if cls.is_singleton else cls.name
    return f"{cls.name}." + ",".join(f'{name}="..."' for name in cls.keys)


def write_reference(reference: tuple[Value, ...], schema: Schema, namespace: str) -> str:
    """Return a reference as a full path with the server "."."""
    return str(object_path(reference, schema, namespace))


def write_held_reference(reference: tuple[Value, ...], referencing_class: Class, server: str) -> str:
    """Return the text of a reference in an instance of ``referencing_class``, in the form that Windows gives it there.

    Some classes name the host in place of "." (HOST_NAMED), and some write the keys in another order (KEY_ORDERS).
    """
    shown_server = server if referencing_class.name in HOST_NAMED else "."
    path = object_path(reference, referencing_class.schema, referencing_class.namespace, shown_server)
    order = KEY_ORDERS.get((referencing_class.name, path.class_name))
    if order is not None:
        values = dict(path.keys or ())
        path = path._replace(keys=tuple((name, values[name]) for name in order))
    return str(path)


def object_path(reference: tuple[Value, ...], schema: Schema, namespace: str, server: str = ".") -> ObjectPath:
    """Return the full object path of a reference."""
    name, *values = reference
    cls = schema.get(str(name), namespace)
    keys = zip(cls.keys, (_write_key(value, cls, server) for value in values), strict=True)
    return ObjectPath(cls.name, tuple(keys), namespace, server)


def are_related(first_name: str, second_name: str, schema: Schema, namespace: str = CIMV2) -> bool:
    """Return whether two classes are the same, or one inherits from the other.

    A reference may name an instance by its own class or by a superclass: Win32_UserAccount or Win32_Account.
    """
    if first_name == second_name:
        return True
    first, second = schema.find(first_name, namespace), schema.find(second_name, namespace)
    return bool(first and second and (first.is_a(second_name) or second.is_a(first_name)))


def is_same_key(
    first: Value, second: Value, schema: Schema, namespace: str = CIMV2, *, fold: Callable[[str], str] = str.lower
) -> bool:
    """Return whether two keys are equal: texts are compared after ``fold``, references by the instances they name."""
    if first == second:
        return True  # most equal keys are written alike
    if isinstance(first, str) and isinstance(second, str):
        return fold(first) == fold(second)
    # A tuple is a reference: the class, then the values of the keys.
    if not (isinstance(first, tuple) and isinstance(second, tuple)):
        return False
    if not are_related(str(first[0]), str(second[0]), schema, namespace):
        return False
    return all(is_same_key(*pair, schema, namespace, fold=fold) for pair in zip(first[1:], second[1:], strict=True))


def _write_key(value: Value, cls: Class, server: str) -> Key:
    if isinstance(value, tuple):
        return write_held_reference(value, cls, server)
    return value if isinstance(value, int) else str(value)


def _values_by_key(path: ObjectPath, cls: Class) -> dict[str, Key]:
    """Return the values in a path by the name of their key in lower case."""
    keys = path.keys or ()
    if not keys and not cls.is_singleton:
        raise InvalidObjectPathError(f"{path}: {cls.name} is not a singleton", f"write it as {example_path(cls)}")
    values: dict[str, Key] = {}
    for name, value in keys:
        if name is None and len(cls.keys) != 1:
            count = len(cls.keys) or "no"
            raise InvalidObjectPathError(f"{path}: {cls.name} has {count} keys", f"write it as {example_path(cls)}")
        folded = (name or cls.keys[0]).lower()
        if folded not in {key.lower() for key in cls.keys}:
            raise InvalidObjectPathError(
                f"{path}: {name} is not a key of {cls.name}", f"write it as {example_path(cls)}"
            )
        if folded in values:
            raise InvalidObjectPathError(f"{path}: duplicate key {name}", "give it once")
        values[folded] = value
    return values


def _convert_key(cls: Class, name: str, value: Key, nested: NestedPathContext) -> Value:
    """Convert the value of a key to the key's type; a reference is bound."""
    key_type = cls.property_named(name).type
    if key_type != "reference":
        return convert_value(value, key_type, f"the key {name}")
    try:
        target = bind_path(parse_path(str(value)), *nested)
    except LogonscopeError as error:
        raise InvalidObjectPathError(f"the key {name} of {cls.name}: {error.message}", error.advice) from None
    if target.keys is None:
        reason = f"the key {name} of {cls.name} names a class, not an instance"
        raise InvalidObjectPathError(reason, f"write it as {example_path(target.cls)}")
    return target.reference
