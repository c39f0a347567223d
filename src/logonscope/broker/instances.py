"""Which instances does a class have? One by its path, or all, with the properties that are asked for.

Everything that can refuse a request happens before the first row; rows are read while they are iterated.
"""

from collections.abc import Callable, Iterator, Sequence

from logonscope.broker.access import admit
from logonscope.broker.columns import Columns, chosen, columns_of
from logonscope.broker.families import family, provider_for
from logonscope.broker.subjects import Ask, Decisive, read
from logonscope.broker.target import class_of, instance_of
from logonscope.broker.view import Broker
from logonscope.broker.where import Where, decided, where_of
from logonscope.cim.binding import Target, write_reference
from logonscope.cim.classes import Class, command
from logonscope.cim.instances import Result
from logonscope.cim.paths import ObjectPath
from logonscope.cim.schema import schema
from logonscope.cim.types import Value
from logonscope.errors import NotFoundError
from logonscope.facts import FILE_OF
from logonscope.machine import EVERYTHING
from logonscope.providers.helpers.provider import OWNER, Provider
from logonscope.wql.bind import named_by
from logonscope.wql.condition import FALSE, TRUE, Every
from logonscope.wql.predicate import Row


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
    keys = target.keys or ()
    meant = Every(named_by(target.cls, keys))
    for cls in family(target.cls) if among is None else among:
        condition = decided(meant, cls, {})
        if condition == FALSE:
            continue
        columns = chosen(cls, properties)
        where = None if condition == TRUE else where_of(broker, cls, condition)
        row = _nearest(matching(broker, cls, (*columns.stored, *target.cls.keys), where), keys)
        if row is not None:
            return Result(cls, columns.stored, iter((row[: len(columns.stored)],)), columns.shown)
    return None


def settled(broker: Broker, target: Target) -> Target | None:
    """Return the instance as it really is: its class, its keys spelled as it has them; None where there is none."""
    found = find(broker, target, target.cls.keys)
    return None if found is None else Target(found.cls, next(found.rows))


def has_letters(key: Value) -> bool:
    """Tell whether a key can be spelled in more than one way."""
    return isinstance(key, tuple) or (isinstance(key, str) and key.lower() != key.upper())


def _nearest(rows: Iterator[Row], keys: Row) -> Row | None:
    """Return the row whose keys are spelled as these are, else the first."""
    first, wanted = None, _spelling(keys)
    for row in rows:
        if _spelling(row[len(row) - len(keys) :]) == wanted:
            return row
        first = first or row
    return first


def _spelling(keys: Row) -> Row:
    """Return how keys are spelled; what is named may be named by its class or by one above."""
    return tuple(_spelling(key[1:]) if isinstance(key, tuple) else key for key in keys)


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


def matching(broker: Broker, cls: Class, columns: Sequence[str], where: Where | None = None) -> Iterator[Row]:
    """Yield the rows of a class, those that are meant; what was narrowed while it was read is looked at once more.

    Where the row takes files that the condition does not, they are read of those processes alone that fit.
    """
    provider = provider_for(cls)
    if where is None:
        ask = Ask(provider.facts(columns), EVERYTHING, provider.others, cls.namespace)
        return provider.rows(*read(broker, provider, ask), columns)
    wanted = (*columns, *(name for name in where.columns if name not in columns))
    deciding, facts = provider.facts_of(where.columns), provider.facts(wanted)
    decisive = None if _files(facts) <= _files(deciding) else Decisive(deciding, _fits(provider, where))
    ask = Ask(facts, provider.selection(where.fixed), provider.others, cls.namespace, decisive)
    rows, fits, width = provider.rows(*read(broker, provider, ask), wanted), where.fits(wanted), len(columns)
    return (row[:width] for row in rows if fits(row))


def _files(facts: frozenset[str]) -> set[str]:
    """Return the files of a process that facts come from, those that decide its owner among them."""
    owning = {"ses", "cgroup"} if OWNER in facts else set()
    return {FILE_OF.get(fact, fact) for fact in (facts | owning) - {OWNER}}


def _fits(provider: Provider, where: Where) -> Callable[..., bool]:
    """Return what tells of an item and its context whether its row is meant, if there is one."""
    values, fits = provider.values(where.columns), where.fits(where.columns)
    return lambda *item: fits(tuple([value(*item) for value in values]))


def _whole(broker: Broker, cls: Class, columns: Columns) -> Result:
    return Result(cls, columns.stored, matching(broker, cls, columns.stored), columns.shown)
