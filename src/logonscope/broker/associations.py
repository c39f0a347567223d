"""What is tied to an instance, and by what? References are the associations themselves, associators their other ends.

One instance, one reading: where an end is a part of the items that the association is made of, its rows are made of
them too; a logon session that is reached from a process is described from that process. So what is answered about one
process costs the same on any host, and no pid is looked up twice.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, permutations
from typing import NamedTuple

from logonscope.broker.columns import Columns, chosen, having
from logonscope.broker.instances import find, has_letters, matching, missing, settled
from logonscope.broker.item_readers import ItemQuery, read_items
from logonscope.broker.request import Request
from logonscope.broker.resolve import instance_of
from logonscope.broker.row_filter import tied_to
from logonscope.cim.binding import Target
from logonscope.cim.classes import Class, Property, list_classes, meant
from logonscope.cim.classes import find as find_qualifier
from logonscope.cim.instances import Result
from logonscope.cim.paths import ObjectPath
from logonscope.cim.schema import Schema
from logonscope.errors import InvalidParameterError
from logonscope.providers.helpers.provider import Provider
from logonscope.providers.helpers.registry import at_end, provider_for, provider_of
from logonscope.wql.predicate import Row


class Wanted(NamedTuple):
    """What narrows associators and references: classes and the names of the ends (roles); None: any."""

    assoc_class: str | None = None
    result_class: str | None = None
    role: str | None = None  # the end that the given instance is at
    result_role: str | None = None  # the end that the answer is at
    properties: Sequence[str] | None = None  # of the answers, as far as they have them; None: all
    keys_only: bool = False  # in place of properties
    required_qualifier: str | None = None  # that the class of the answer has
    required_assoc_qualifier: str | None = None  # that the association has


ANY = Wanted()


class Link(NamedTuple):
    """An association class by which a class can be tied to others: at which end it is, and at which they are."""

    association: Class
    provider: Provider
    role: str
    result_role: str
    far: tuple[Class, ...]  # the classes at the other end that have instances here


def references(
    request: Request, path: str | ObjectPath | Target, wanted: Wanted = ANY, namespace: str | None = None
) -> Iterator[Result]:
    """Return the associations that an instance is an end of; ``result_class`` and ``role`` narrow them.

    Raises:
        NotFoundError: at once, or while it is iterated and before any row: there is none for this caller to see.
        InvalidObjectPathError, InvalidNamespaceError, InvalidClassError, TypeMismatchError: what names nothing.
        InvalidParameterError: what narrows is no association, or no end of one.
        InvalidPropertyError: no answer can have such a property.
        AccessDeniedError: the caller is nobody.
    """
    request.admit()
    target = path if isinstance(path, Target) else instance_of(request, path, namespace)
    return _or_missing(request, target, tied(request, target, wanted, references=True))


def associators(
    request: Request, path: str | ObjectPath | Target, wanted: Wanted = ANY, namespace: str | None = None
) -> Iterator[Result]:
    """Return the instances that associations tie to an instance, one for each association.

    Raises:
        As ``references``.
    """
    request.admit()
    target = path if isinstance(path, Target) else instance_of(request, path, namespace)
    return _or_missing(request, target, tied(request, target, wanted))


def tied(request: Request, target: Target, wanted: Wanted, *, references: bool = False) -> Iterator[Result]:
    """Return what is tied to an instance, or ties it (``references``); nothing where it may not be there at all.

    Raises:
        NotFoundError: its name could mean more than one instance, and means none.
        InvalidClassError, InvalidParameterError, InvalidPropertyError: what narrows names nothing.
    """
    narrowed = _narrowed(wanted, target.cls, references=references)
    real = _real(request, target)
    if references:
        return _tying(request, real, wanted, narrowed)
    return _tied(request, real, wanted, narrowed)


class Narrowed(NamedTuple):
    """The classes that narrow an answer: that of the association, and that of what is at its other end; None: any."""

    association: Class | None
    far: Class | None


def _narrowed(wanted: Wanted, cls: Class, *, references: bool) -> Narrowed:
    for role in (wanted.role, wanted.result_role):
        if role is not None:
            role_named(cls.schema, role, cls.namespace)
    by = wanted.result_class if references else wanted.assoc_class
    within = None if references else wanted.result_class
    return Narrowed(
        None if by is None else association_named(cls.schema, by, cls.namespace),
        None if within is None else class_named(cls.schema, within, cls.namespace),
    )


def _tying(request: Request, target: Target, wanted: Wanted, narrowed: Narrowed) -> Iterator[Result]:
    ends = [link for link in _links(target.cls) if _is_a(link.association, narrowed.association)]
    ends = [link for link in ends if _named(link.role, wanted.role)]
    ends = [link for link in ends if _qualified(link.association, wanted.required_qualifier)]
    told = having([link.association for link in ends], wanted.properties)
    once = {(link.association.name, link.role): link for link in ends if link.association in told}
    return (_references(request, link, target, wanted) for link in once.values())


def _tied(request: Request, target: Target, wanted: Wanted, narrowed: Narrowed) -> Iterator[Result]:
    def is_wanted(cls: Class) -> bool:
        return _is_a(cls, narrowed.far) and _qualified(cls, wanted.required_qualifier)

    found = [
        link._replace(far=tuple(filter(is_wanted, link.far)))
        for link in _links(target.cls)
        if _is_a(link.association, narrowed.association)
        if _qualified(link.association, wanted.required_assoc_qualifier)
        if _named(link.role, wanted.role) and _named(link.result_role, wanted.result_role)
    ]
    told = having([cls for link in found for cls in link.far], wanted.properties)
    found = [link._replace(far=tuple(cls for cls in link.far if cls in told)) for link in found]
    return (part for link in found if link.far for part in _far_ends(request, link, target, wanted))


def tied_classes(cls: Class, wanted: Wanted = ANY, *, references: bool = False) -> Iterator[Class]:
    """Return the classes that a class can be tied to, or by (``references``), whether or not they have instances here.

    A class comes once for each way that leads to it.

    Raises:
        InvalidClassError, InvalidParameterError: what narrows is no class, no association, or no end of one.
    """
    by, within = _narrowed(wanted, cls, references=references)
    qualifier = wanted.required_qualifier if references else wanted.required_assoc_qualifier
    for association, near, far in _ways(cls.schema, cls.namespace):
        if not (cls.is_a(near.reference or "") and _named(near.name, wanted.role)):
            continue
        if not (_is_a(association, by) and _qualified(association, qualifier)):
            continue
        if references:
            yield association
        elif _named(far.name, wanted.result_role):
            found = cls.schema.find(far.reference or "", cls.namespace)
            if found and within and within.is_a(found.name):
                found = within  # of what is declared, the answer can be just that
            if found and _is_a(found, within) and _qualified(found, wanted.required_qualifier):
                yield found


@cache
def _ways(schema: Schema, namespace: str) -> tuple[tuple[Class, Property, Property], ...]:
    """Return each association with each two of its ends, the one that an instance is at first."""
    return tuple(
        (association, *both)
        for association in schema.classes(namespace)
        if association.is_association
        for both in permutations((end for end in association.properties.values() if end.type == "reference"), 2)
    )


def _real(request: Request, target: Target) -> Target:
    """Return the instance as it really is, where its name could mean more than one: by a class above, by its case."""
    if provider_of(target.cls) is not None and not any(map(has_letters, target.keys or ())):
        return target
    found = settled(request, target)
    if found is None:
        raise missing(request, target)
    return found


def class_named(schema: Schema, name: str, namespace: str) -> Class:
    """Return a class that narrows an answer.

    Raises:
        InvalidClassError: there is none of that name.
    """
    return schema.get(name, namespace)


def association_named(schema: Schema, name: str, namespace: str) -> Class:
    """Return an association that narrows an answer.

    Raises:
        InvalidClassError: there is none of that name.
        InvalidParameterError: the class is no association.
    """
    found = schema.get(name, namespace)
    if not found.is_association:
        raise InvalidParameterError(f"{found.name} is no association", list_classes(namespace))
    return found


def role_named(schema: Schema, name: str, namespace: str) -> str:
    """Return the name of an end that narrows an answer.

    Raises:
        InvalidParameterError: no association has such an end.
    """
    for known in _roles(schema, namespace):
        if _named(known, name):
            return known
    raise InvalidParameterError(
        f"no association has an end '{name}'", meant(name, _roles(schema, namespace), list_classes(namespace))
    )


@cache
def _roles(schema: Schema, namespace: str) -> list[str]:
    """Return the names of all ends of associations."""
    return sorted({near.name for _, near, _ in _ways(schema, namespace)})


@cache
def _links(cls: Class) -> tuple[Link, ...]:
    """Return every way in which an instance of a class can be tied to others, by associations with instances here."""
    return tuple(_found_links(cls))


def _found_links(cls: Class) -> Iterator[Link]:
    for association, near, far in _ways(cls.schema, cls.namespace):
        provider = provider_of(association)
        if provider and any(cls.is_a(standing.name) for standing in at_end(association, near.name)):
            yield Link(association, provider, near.name, far.name, at_end(association, far.name))


def _references(request: Request, link: Link, target: Target, wanted: Wanted) -> Result:
    columns = _columns(link.association, wanted)
    return Result(link.association, columns.stored, _ties(request, link, target, columns.stored), columns.shown)


def _columns(cls: Class, wanted: Wanted) -> Columns:
    return chosen(cls, cls.keys if wanted.keys_only else wanted.properties)


def _ties(request: Request, link: Link, target: Target, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the associations that the target is an end of."""
    return matching(request, link.association, columns, tied_to(link.role, target))


def _far_ends(request: Request, link: Link, target: Target, wanted: Wanted) -> Iterator[Result]:
    end = link.provider.ends[link.result_role]
    selection = link.provider.selection({link.role: frozenset({target.reference})})
    if end.part is None and (end.subject != "logon session" or selection.pids is None):
        yield from _by_key(request, link, target, wanted)
        return
    for cls in link.far:
        provider, columns = provider_for(cls), _columns(cls, wanted)
        if end.part is not None:
            rows = _parts(request, link, target, provider, columns.stored)
        else:  # a logon session, described from the one process that is known to belong to it
            items = read_items(request, provider.subject, ItemQuery(frozenset(), selection))
            rows = provider.rows(items, request.context, columns.stored)
        yield Result(cls, columns.stored, rows, columns.shown)


def _parts(request: Request, link: Link, target: Target, far: Provider, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of the far end, made of the very items that tie it to the target."""
    near, part = link.provider, link.provider.ends[link.result_role].part
    assert part is not None  # noqa: S101 -- the caller has looked
    facts = near.facts([link.role]) | far.facts(columns)
    selection = near.selection({link.role: frozenset({target.reference})})
    items = read_items(request, near.subject, ItemQuery(facts, selection, near.others, target.cls.namespace))
    context = request.context
    value = near.columns[link.role].value
    fits = tied_to(link.role, target).fits([link.role])
    tied = (item[part] for item in items if near.of(*item, context) and fits((value(*item, context),)))
    return far.rows(tied, context, columns)


def _by_key(request: Request, link: Link, target: Target, wanted: Wanted) -> Iterator[Result]:
    for (reference,) in _ties(request, link, target, (link.result_role,)):
        assert isinstance(reference, tuple)  # noqa: S101 -- the column of a reference
        cls = target.cls.schema.get(str(reference[0]), target.cls.namespace)
        properties = cls.keys if wanted.keys_only else wanted.properties
        found = find(request, Target(cls, reference[1:]), properties, among=link.far)
        if found is not None:
            yield found


def _or_missing(request: Request, target: Target, results: Iterator[Result]) -> Iterator[Result]:
    """Yield the results that have rows; where none has, see whether the instance is there at all."""
    nothing = True
    for result in results:
        first = next(result.rows, None)
        if first is not None:
            nothing = False
            yield result._replace(rows=chain((first,), result.rows))
    if nothing and find(request, target, target.cls.keys) is None:
        raise missing(request, target)


def _qualified(cls: Class, qualifier: str | None) -> bool:
    return qualifier is None or find_qualifier(cls.qualifiers, qualifier) is not None


def _is_a(cls: Class, within: Class | None) -> bool:
    return within is None or cls.is_a(within.name)


def _named(role: str, wanted: str | None) -> bool:
    return wanted is None or role.lower() == wanted.lower()
