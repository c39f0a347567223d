"""Which instances does a class have? One by its path, or all, with the properties that are asked for.

Everything that can refuse a request happens before the first row; rows are read while they are iterated.
"""

from collections.abc import Iterator, Sequence

from logonscope.broker.columns import Columns, chosen, columns_of
from logonscope.broker.item_readers import ItemQuery, read_items
from logonscope.broker.request import OwnedFilter, Request
from logonscope.broker.resolve import class_of, instance_of
from logonscope.broker.row_filter import Where, decided, where_of
from logonscope.cim.binding import Target, write_reference
from logonscope.cim.classes import Class
from logonscope.cim.instances import Result
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value
from logonscope.errors import Hint, HintCode, NotFoundError
from logonscope.facts import FILE_OF
from logonscope.machine import EVERYTHING, OWNER, Facts
from logonscope.providers.helpers.provider import Provider
from logonscope.providers.helpers.registry import family, provider_for
from logonscope.wql.bind import named_by
from logonscope.wql.condition import FALSE, TRUE, Every
from logonscope.wql.predicate import Row


def get(
    request: Request, path: str | ObjectPath, properties: Sequence[str] | None = None, namespace: str | None = None
) -> Result:
    """Return the instance that an object path names: a result of one row.

    Raises:
        NotFoundError: there is none, or none for this caller to see.
        InvalidObjectPathError: the path is none, or names no instance.
        InvalidNamespaceError, InvalidClassError, InvalidPropertyError, TypeMismatchError: it names what is not there.
        AccessDeniedError: the caller is nobody.
    """
    request.admit()
    target = instance_of(request, path, namespace)
    columns_of(target.cls, properties)
    found = find(request, target, properties)
    if found is None:
        raise missing(request, target)
    return found


def find(
    request: Request, target: Target, properties: Sequence[str] | None = None, among: Sequence[Class] | None = None
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
        where = None if condition == TRUE else where_of(request, cls, condition)
        row = _nearest(matching(request, cls, (*columns.stored, *target.cls.keys), where), keys)
        if row is not None:
            return Result(cls, columns.stored, iter((row[: len(columns.stored)],)), columns.shown)
    return None


def settled(request: Request, target: Target) -> Target | None:
    """Return the instance as it really is: its class, its keys spelled as it has them; None where there is none."""
    found = find(request, target, target.cls.keys)
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


def missing(request: Request, target: Target) -> NotFoundError:
    """Return the error that there is no such instance, or none for this caller to see."""
    path = write_reference(target.reference, target.cls.schema, target.cls.namespace)
    for_you = "" if request.caller.administrator else " for you to see"
    where = {"name": target.cls.name, "namespace": target.cls.namespace.replace("\\", "/")}
    return NotFoundError(f"there is no {path}{for_you}", Hint(HintCode.LIST_INSTANCES, where))


def enumerate_instances(
    request: Request,
    class_name: str,
    properties: Sequence[str] | None = None,
    namespace: str | None = None,
    *,
    deep: bool = True,
) -> Iterator[Result]:
    r"""Return the instances of a class and, where ``deep``, of the classes below it: a result a class.

    Args:
        request: source and caller.
        class_name: the class.
        properties: of this class; None: all that each instance has.
        namespace: where the class is; None: root\cimv2.
        deep: the classes below it too.

    Raises:
        InvalidNamespaceError, InvalidClassError, InvalidPropertyError: there is none of that name.
        AccessDeniedError: the caller is nobody.
    """
    request.admit()
    cls = class_of(request, class_name, namespace)
    columns_of(cls, properties)
    classes = family(cls) if deep else [own for own in family(cls) if own is cls]
    return (_whole(request, below, chosen(below, properties)) for below in classes)


def matching(request: Request, cls: Class, columns: Sequence[str], where: Where | None = None) -> Iterator[Row]:
    """Yield the rows of a class that the condition lets through; what was narrowed while it was read is checked again.

    Where the row takes files that the condition does not, they are read of those processes alone that fit.
    """
    provider, context = provider_for(cls), request.context
    if where is None:
        query = ItemQuery(provider.facts(columns), EVERYTHING, provider.others, cls.namespace)
        return provider.rows(read_items(request, provider.subject, query), context, columns)
    wanted = (*columns, *(name for name in where.columns if name not in columns))
    facts, selection = provider.facts(wanted), provider.selection(where.fixed)
    early = _early_filter(request, provider, where, facts) if selection.pids is None else None
    query = ItemQuery(facts, selection, provider.others, cls.namespace, early)
    rows = provider.rows(read_items(request, provider.subject, query), context, wanted)
    fits, width = where.fits(wanted), len(columns)
    return (row[:width] for row in rows if fits(row))


def _early_filter(request: Request, provider: Provider, where: Where, facts: Facts) -> OwnedFilter | None:
    """Return the condition as a filter on processes; None where it needs every file that the rows need."""
    deciding = provider.facts_of(where.columns)
    if provider.subject != "process" or _files(request, facts) <= _files(request, deciding):
        return None
    values, fits, context = provider.values(where.columns), where.fits(where.columns), request.context
    return OwnedFilter(
        deciding, lambda process, owner: fits(tuple([value(process, owner, context) for value in values]))
    )


def _files(request: Request, facts: Facts) -> set[str]:
    """Return the files of a process that facts come from, those that name its owner among them."""
    naming = request.ownership.facts if OWNER in facts else frozenset[str]()
    return {FILE_OF.get(fact, fact) for fact in (facts | naming) - {OWNER}}


def _whole(request: Request, cls: Class, columns: Columns) -> Result:
    return Result(cls, columns.stored, matching(request, cls, columns.stored), columns.shown)
