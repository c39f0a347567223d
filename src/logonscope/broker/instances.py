"""Which instances does a class have? One by its path, or all, with the properties that are asked for.

Everything that can refuse a request happens before the first row; rows are read while they are iterated.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from logonscope.broker.access import admit
from logonscope.broker.columns import Columns, chosen, columns_of
from logonscope.broker.subjects import Ask, Sieve, read
from logonscope.broker.target import class_of, instance_of
from logonscope.broker.view import Broker
from logonscope.broker.where import Row, Where, keyed_by
from logonscope.cim.binding import Target, write_reference
from logonscope.cim.classes import Class, command
from logonscope.cim.instances import Result
from logonscope.cim.paths import ObjectPath
from logonscope.cim.schema import schema
from logonscope.cim.types import Value
from logonscope.errors import NotFoundError
from logonscope.facts import EVERYTHING
from logonscope.providers.provider import Provider, provider_of


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
    admit(broker.caller)
    target = instance_of(broker, path, namespace)
    columns_of(target.cls, properties)
    found = find(broker, target, properties)
    if found is None:
        raise missing(broker, target)
    return found


def find(
    broker: Broker, target: Target, properties: Sequence[str] | None = None, among: Sequence[Class] | None = None
) -> Result | None:
    """Return the instance that is meant, of the class or of one below it; None where there is none.

    Text is compared without regard to case, and of several instances that differ in it the one that is spelled like the
    target is meant. Of a class below, all its properties are returned where none are chosen.
    """
    keys = tuple(_settled(broker, target.cls.namespace, key) for key in target.keys or ())
    fixed = dict(zip(target.cls.keys, keys, strict=True))
    for cls in family(target.cls) if among is None else among:
        columns = chosen(cls, properties)
        row = _nearest(matching(broker, cls, (*columns.stored, *fixed), keyed_by(fixed)), keys)
        if row is not None:
            return Result(cls, columns.stored, iter((row[: len(columns.stored)],)), columns.shown)
    return None


def settled(broker: Broker, target: Target) -> Target | None:
    """Return the instance as it really is: its class, its keys spelled as it has them; None where there is none."""
    found = find(broker, target, target.cls.keys)
    return None if found is None else Target(found.cls, next(found.rows))


def _settled(broker: Broker, namespace: str, key: Value) -> Value:
    """Return a key that is a reference with the spelling of the instance that it names, where that could be another."""
    if not isinstance(key, tuple) or not any(map(has_letters, key[1:])):
        return key
    name, *keys = key
    found = settled(broker, Target(schema().get(str(name), namespace), tuple(keys)))
    return key if found is None else (name, *(found.keys or ()))


def has_letters(key: Value) -> bool:
    """Tell whether a key can be spelled in more than one way."""
    return isinstance(key, tuple) or (isinstance(key, str) and key.lower() != key.upper())


def _nearest(rows: Iterator[Row], keys: Row) -> Row | None:
    """Return the row whose keys are spelled as these are, else the first."""
    first = None
    for row in rows:
        if row[len(row) - len(keys) :] == keys:
            return row
        first = first or row
    return first


def missing(broker: Broker, target: Target) -> NotFoundError:
    """Return the error that there is no such instance, or none for this caller to see."""
    path = write_reference(target.reference, schema(), target.cls.namespace)
    for_you = "" if broker.caller.administrator else " for you to see"
    return NotFoundError(
        f"there is no {path}{for_you}", f"see {command(f'enumerate {target.cls.name}', target.cls.namespace)}"
    )


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
    admit(broker.caller)
    cls = class_of(broker, class_name, namespace)
    columns_of(cls, properties)
    classes = family(cls) if deep else [own for own in family(cls) if own is cls]
    return (_whole(broker, below, chosen(below, properties)) for below in classes)


@cache
def family(cls: Class) -> tuple[Class, ...]:
    """Return the class and those below it, as far as they have instances here; a group after a user of its name."""
    found = [below for below in schema().family(cls.name, cls.namespace) if provider_of(below.name) is not None]
    return tuple(sorted(found, key=lambda below: provider_for(below).subject == "group"))


def provider_for(cls: Class) -> Provider:
    """Return the provider of a class that has one."""
    provider = provider_of(cls.name)
    assert provider is not None  # noqa: S101 -- whoever asks has looked
    return provider


def matching(broker: Broker, cls: Class, columns: Sequence[str], where: Where | None = None) -> Iterator[Row]:
    """Yield the rows of a class, those that are meant; what was narrowed while it was read is looked at once more.

    Where the condition takes fewer facts than the row, processes are read twice: first what decides, then, of those
    that fit, all.
    """
    provider = provider_for(cls)
    if where is None:
        ask = Ask(provider.facts(columns), EVERYTHING, provider.others, cls.namespace)
        return provider.rows(*read(broker, provider, ask), columns)
    wanted = (*columns, *(name for name in where.columns if name not in columns))
    deciding, facts = provider.facts_of(where.columns), provider.facts(wanted)
    sieve = Sieve(deciding, _fits(provider, where)) if deciding < facts else None
    ask = Ask(facts, provider.selection(where.fixed), provider.others, cls.namespace, sieve)
    rows, fits, width = provider.rows(*read(broker, provider, ask), wanted), where.fits(wanted), len(columns)
    return (row[:width] for row in rows if fits(row))


def _fits(provider: Provider, where: Where) -> Callable[..., bool]:
    """Return what tells of an item and its context whether its row is meant, if there is one."""
    values, fits = provider.values(where.columns), where.fits(where.columns)
    return lambda *item: fits([value(*item) for value in values])


def _whole(broker: Broker, cls: Class, columns: Columns) -> Result:
    return Result(cls, columns.stored, matching(broker, cls, columns.stored), columns.shown)
