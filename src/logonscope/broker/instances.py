"""Which instances does a class have? One by its path, or all, with the properties that are asked for.

Everything that can refuse a request happens before the first row; rows are read while they are iterated.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from logonscope.broker.access import limit
from logonscope.broker.subjects import Ask, read
from logonscope.broker.target import class_of, instance_of, known
from logonscope.broker.view import Broker
from logonscope.cim.binding import Target, write_reference
from logonscope.cim.classes import Class
from logonscope.cim.instances import Result
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value
from logonscope.errors import NotFoundError
from logonscope.facts import Needs
from logonscope.providers.provider import Provider, provider_of

Row = tuple[Value, ...]


def get(
    broker: Broker, path: str | ObjectPath, properties: Sequence[str] | None = None, namespace: str | None = None
) -> Result:
    """Return the instance that an object path names: a result of one row.

    Raises:
        NotFoundError: there is none, or none for this caller to see.
        InvalidObjectPathError: the path is none, or names no instance.
        InvalidNamespaceError, InvalidClassError, InvalidPropertyError, TypeMismatchError: it names what is not there.
        AccessDeniedError: the caller is nobody.
    """
    target = instance_of(broker, path, namespace)
    columns = None if properties is None else columns_of(target.cls, properties)
    limit(broker.caller, Needs())
    found = find(broker, target, columns)
    if found is None:
        raise missing(target)
    return found


def find(
    broker: Broker, target: Target, properties: Sequence[str] | None = None, among: Sequence[Class] | None = None
) -> Result | None:
    """Return the instance that is meant, of the class or of one below it; None where there is none.

    Of a class below, all its properties are returned where none are chosen.
    """
    fixed = dict(zip(target.cls.keys, target.keys or (), strict=True))
    for cls in family(target.cls) if among is None else among:
        columns = chosen(cls, properties)
        row = _nearest(matching(broker, cls, (*columns, *fixed), fixed), tuple(fixed.values()))
        if row is not None:
            return Result(cls, columns, iter((row[: len(columns)],)))
    return None


def _nearest(rows: Iterator[Row], keys: Row) -> Row | None:
    """Return the row whose keys are spelled as these are, else the first."""
    first = None
    for row in rows:
        if row[len(row) - len(keys) :] == keys:
            return row
        first = first or row
    return first


def missing(target: Target) -> NotFoundError:
    """Return the error that there is no such instance, or none for this caller to see."""
    path = write_reference(target.reference, known(), target.cls.namespace)
    return NotFoundError(f"there is no {path}", f"see `logonscope enumerate {target.cls.name}`")


def enumerate_instances(
    broker: Broker,
    class_name: str,
    properties: Sequence[str] | None = None,
    namespace: str | None = None,
    *,
    deep: bool = True,
) -> Iterator[Result]:
    r"""Return the instances of a class and, where ``deep``, of the classes below it: a result a class.

    Args:
        broker: source and caller.
        class_name: the class.
        properties: of this class; None: all that each instance has.
        namespace: where the class is; None: root\cimv2.
        deep: the classes below it too.

    Raises:
        InvalidNamespaceError, InvalidClassError, InvalidPropertyError: there is none of that name.
        AccessDeniedError: the caller is nobody.
    """
    cls = class_of(class_name, namespace)
    columns = None if properties is None else columns_of(cls, properties)
    limit(broker.caller, Needs())
    classes = family(cls) if deep else [own for own in family(cls) if own is cls]
    return (_whole(broker, below, chosen(below, columns)) for below in classes)


@cache
def family(cls: Class) -> tuple[Class, ...]:
    """Return the class and those below it, as far as they have instances here; a group after a user of its name."""
    found = [below for below in known().family(cls.name, cls.namespace) if provider_of(below.name) is not None]
    return tuple(sorted(found, key=lambda below: provider_for(below).subject == "group"))


def provider_for(cls: Class) -> Provider:
    """Return the provider of a class that has one."""
    provider = provider_of(cls.name)
    assert provider is not None  # noqa: S101 -- whoever asks has looked
    return provider


def columns_of(cls: Class, properties: Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of properties as the class has them; all of them where none are chosen.

    Raises:
        InvalidPropertyError: the class has none of that name.
    """
    if properties is None:
        return tuple(known_property.name for known_property in cls.properties.values())
    return tuple(dict.fromkeys(cls.property_named(name).name for name in properties))


def chosen(cls: Class, properties: Sequence[str] | None) -> tuple[str, ...]:
    """Return those of the properties that the class has, all of them where none are chosen."""
    have = None if properties is None else [name for name in properties if name.lower() in cls.properties]
    return columns_of(cls, have)


def matching(broker: Broker, cls: Class, columns: Sequence[str], fixed: Mapping[str, Value]) -> Iterator[Row]:
    """Yield the rows of a class in which properties have these values: what was narrowed is looked at once more."""
    provider = provider_for(cls)
    wanted = (*columns, *(name for name in fixed if name not in columns))
    asked = Ask(provider.facts(wanted), provider.selection(fixed), provider.others, cls.namespace)
    items, context = read(broker, provider, asked)
    rows = provider.rows(items, context, wanted)
    if not fixed:
        return rows
    return _filtered(rows, [(wanted.index(name), value) for name, value in fixed.items()], len(columns))


def _whole(broker: Broker, cls: Class, columns: tuple[str, ...]) -> Result:
    return Result(cls, columns, matching(broker, cls, columns, {}))


def _filtered(rows: Iterator[Row], fixed: Sequence[tuple[int, Value]], width: int) -> Iterator[Row]:
    return (row[:width] for row in rows if all(same(row[at], value) for at, value in fixed))


def same(one: Value, other: Value) -> bool:
    """Tell whether two keys are the same: text without regard to case, references by what they name.

    A reference to an account may name the class of all accounts or its own: the keys alone count.
    """
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and _related(str(one[0]), str(other[0])) and all(map(same, one[1:], other[1:]))
    return one == other


def _related(one: str, other: str) -> bool:
    if one == other:
        return True
    first, second = known().find(one), known().find(other)
    return bool(first and second and (first.is_a(other) or second.is_a(one)))
