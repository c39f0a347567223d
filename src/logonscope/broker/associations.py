"""Association operations. References are the associations themselves, associators the instances at their other ends.

For one association each process is read only once. If the items of the association contain an end, the rows of this end
are made from the same items. A logon session that is reached from a process is described from that process. So values
of two processes cannot be mixed, even if a pid is reused meanwhile. The cost of a request about one process does not
depend on the size of the host if the login of the process has a record. Without a record, one small file of every
process is read (see logon_of_process.py).
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain, permutations
from typing import NamedTuple

from logonscope.broker.columns import Columns, classes_with_properties, select_columns
from logonscope.broker.instances import find_exact_target, find_instance, has_spellings, matching_rows, not_found_error
from logonscope.broker.item_query import ItemQuery
from logonscope.broker.item_readers import read_items
from logonscope.broker.request import Request
from logonscope.broker.resolve import instance_of
from logonscope.broker.row_filter import references_to
from logonscope.cim.binding import Target
from logonscope.cim.classes import AMENDED, Class, Property, find_qualifier, list_classes_hint, suggest_name
from logonscope.cim.instances import ClassRows
from logonscope.cim.paths import ObjectPath
from logonscope.cim.schema import Schema
from logonscope.errors import InvalidParameterError
from logonscope.machine import Selection
from logonscope.providers.helpers.provider import COUNTS, Provider
from logonscope.providers.helpers.registry import classes_at_end, find_provider, get_provider
from logonscope.wql.predicate import Row


class AssociationOptions(NamedTuple):
    """Options of associators and references: class names and the names of ends (roles). None: no restriction."""

    assoc_class: str | None = None
    result_class: str | None = None
    role: str | None = None  # the end at which the given instance is
    result_role: str | None = None  # the end at which the results are
    properties: Sequence[str] | None = None  # of the results; a class without any of these properties is left out
    keys_only: bool = False  # return the keys in place of ``properties``
    required_qualifier: str | None = None  # a qualifier, not an amended one, that the class of the results must have
    required_assoc_qualifier: str | None = None  # a qualifier, not an amended one, that the association must have


NO_OPTIONS = AssociationOptions()


class Link(NamedTuple):
    """One way in which instances of a class can be connected with others: an association, and the roles of its ends."""

    association: Class
    provider: Provider
    role: str  # the end at which the given instance is
    result_role: str
    far_classes: tuple[Class, ...]  # the classes with a provider that can be at the other end


def references(
    request: Request,
    path: str | ObjectPath | Target,
    options: AssociationOptions = NO_OPTIONS,
    namespace: str | None = None,
) -> Iterator[ClassRows]:
    """Return the associations that refer to an instance; the option ``result_class`` is the class of the associations.

    Raises:
        NotFoundError: the caller may see no such instance. It is raised at once, or by the iteration before any row.
        InvalidObjectPathError, InvalidNamespaceError, TypeMismatchError: the path is invalid.
        InvalidClassError: the class of the path, or of an option, does not exist.
        InvalidParameterError: the class of an option is not an association, or no association has an end of this name.
        InvalidPropertyError: no result can have such a property.
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    target = path if isinstance(path, Target) else instance_of(request, path, namespace)
    return _check_target_exists(request, target, find_associated(request, target, options, references=True))


def associators(
    request: Request,
    path: str | ObjectPath | Target,
    options: AssociationOptions = NO_OPTIONS,
    namespace: str | None = None,
) -> Iterator[ClassRows]:
    """Return the instances that are associated with an instance, once for each association.

    Raises:
        As ``references``.
    """
    request.admit()
    target = path if isinstance(path, Target) else instance_of(request, path, namespace)
    return _check_target_exists(request, target, find_associated(request, target, options))


def find_associated(
    request: Request, target: Target, options: AssociationOptions, *, references: bool = False
) -> Iterator[ClassRows]:
    """Return the associators of an instance, or its ``references``; nothing if the instance does not exist.

    Raises:
        NotFoundError: the path could name several instances, and none of them exists.
        InvalidClassError, InvalidParameterError, InvalidPropertyError: an option is invalid.
    """
    classes = _resolve_classes(options, target.cls, references=references)
    instance = _resolve_spelling(request, target)
    if references:
        return _read_references(request, instance, options, classes)
    return _read_associators(request, instance, options, classes)


class RequiredClasses(NamedTuple):
    """The classes that the association, and the instances at its other end, must be of; None: any."""

    association: Class | None
    far: Class | None


def _resolve_classes(options: AssociationOptions, cls: Class, *, references: bool) -> RequiredClasses:
    for role in (options.role, options.result_role):
        if role is not None:
            role_named(cls.schema, role, cls.namespace)
    association_name = options.result_class if references else options.assoc_class
    far_name = None if references else options.result_class
    return RequiredClasses(
        None if association_name is None else association_named(cls.schema, association_name, cls.namespace),
        None if far_name is None else class_named(cls.schema, far_name, cls.namespace),
    )


def _read_references(
    request: Request, target: Target, options: AssociationOptions, required: RequiredClasses
) -> Iterator[ClassRows]:
    links = [link for link in _links_of_class(target.cls) if _is_within(link.association, required.association)]
    links = [link for link in links if _is_role(link.role, options.role)]
    links = [link for link in links if _has_qualifier(link.association, options.required_qualifier)]
    with_properties = classes_with_properties([link.association for link in links], options.properties)
    # a link is an ordered pair of references: with three references, two links of an association have the same role
    unique_links = {(link.association.name, link.role): link for link in links if link.association in with_properties}
    return (_references_by_link(request, link, target, options) for link in unique_links.values())


def _read_associators(
    request: Request, target: Target, options: AssociationOptions, required: RequiredClasses
) -> Iterator[ClassRows]:
    def is_required(cls: Class) -> bool:
        return _is_within(cls, required.far) and _has_qualifier(cls, options.required_qualifier)

    links = [
        link._replace(far_classes=tuple(filter(is_required, link.far_classes)))
        for link in _links_of_class(target.cls)
        if _is_within(link.association, required.association)
        if _has_qualifier(link.association, options.required_assoc_qualifier)
        if _is_role(link.role, options.role) and _is_role(link.result_role, options.result_role)
    ]
    # A property is an error only if no class of the whole result has it: it is checked over all links at once. A class
    # that has none of the properties is left out.
    with_properties = classes_with_properties([cls for link in links for cls in link.far_classes], options.properties)
    links = [
        link._replace(far_classes=tuple(cls for cls in link.far_classes if cls in with_properties)) for link in links
    ]
    return (result for link in links if link.far_classes for result in read_far_ends(request, link, target, options))


def associated_classes(
    cls: Class, options: AssociationOptions = NO_OPTIONS, *, references: bool = False
) -> Iterator[Class]:
    """Yield the classes that a class can be associated with; if ``references``, the association classes.

    Only the schema is read: the classes need not have instances here. A class is yielded once for each association
    and role that leads to it.

    Raises:
        InvalidClassError: the class of an option does not exist.
        InvalidParameterError: the class of an option is not an association, or no association has an end of this name.
    """
    association_class, far_class = _resolve_classes(options, cls, references=references)
    qualifier = options.required_qualifier if references else options.required_assoc_qualifier
    for association, near, far in _end_pairs(cls.schema, cls.namespace):
        if not (cls.is_a(near.reference or "") and _is_role(near.name, options.role)):
            continue
        if not (_is_within(association, association_class) and _has_qualifier(association, qualifier)):
            continue
        if references:
            yield association
        elif _is_role(far.name, options.result_role):
            declared = cls.schema.find(far.reference or "", cls.namespace)
            # the end is declared with a superclass of ResultClass: an instance at this end may be of ResultClass
            if declared and far_class and far_class.is_a(declared.name):
                declared = far_class
            if declared and _is_within(declared, far_class) and _has_qualifier(declared, options.required_qualifier):
                yield declared


@cache
def _end_pairs(schema: Schema, namespace: str) -> tuple[tuple[Class, Property, Property], ...]:
    """Return each association with each ordered pair of its ends: first the near end, where the given instance is."""
    return tuple(
        (association, *ends)
        for association in schema.classes(namespace)
        if association.is_association
        for ends in permutations((end for end in association.properties.values() if end.type == "reference"), 2)
    )


def _resolve_spelling(request: Request, target: Target) -> Target:
    """Return the target with its actual class and key spelling, reading the instance only if these are ambiguous."""
    # A path may name a superclass of the instance's class, and its text keys may differ in case. A class with a
    # provider and keys without letters leave no choice, and no reading is needed.
    if find_provider(target.cls) is not None and not any(map(has_spellings, target.keys or ())):
        return target
    instance = find_exact_target(request, target)
    if instance is None:
        raise not_found_error(request, target)
    return instance


def class_named(schema: Schema, name: str, namespace: str) -> Class:
    """Return the class of this name.

    Raises:
        InvalidClassError: there is no such class.
    """
    return schema.get(name, namespace)


def association_named(schema: Schema, name: str, namespace: str) -> Class:
    """Return the association class of this name.

    Raises:
        InvalidClassError: there is no such class.
        InvalidParameterError: the class is not an association.
    """
    cls = schema.get(name, namespace)
    if not cls.is_association:
        raise InvalidParameterError(f"{cls.name} is not an association class", list_classes_hint(namespace))
    return cls


def role_named(schema: Schema, name: str, namespace: str) -> str:
    """Return the name of an end of an association, as the schema spells it.

    Raises:
        InvalidParameterError: no association has such an end.
    """
    for role in _roles(schema, namespace):
        if _is_role(role, name):
            return role
    raise InvalidParameterError(
        f"no association has a reference '{name}'",
        suggest_name(name, _roles(schema, namespace), list_classes_hint(namespace)),
    )


@cache
def _roles(schema: Schema, namespace: str) -> list[str]:
    """Return the names of the ends of all associations."""
    return sorted({near.name for _, near, _ in _end_pairs(schema, namespace)})


@cache
def _links_of_class(cls: Class) -> tuple[Link, ...]:
    """Return every link of a class by an association that has a provider."""
    return tuple(_find_links(cls))


def _find_links(cls: Class) -> Iterator[Link]:
    for association, near, far in _end_pairs(cls.schema, cls.namespace):
        provider = find_provider(association)
        if provider and any(cls.is_a(near_class.name) for near_class in classes_at_end(association, near.name)):
            yield Link(association, provider, near.name, far.name, classes_at_end(association, far.name))


def _references_by_link(request: Request, link: Link, target: Target, options: AssociationOptions) -> ClassRows:
    columns = _result_columns(link.association, options)
    rows = _association_rows(request, link, target, columns.stored)
    return ClassRows(link.association, columns.stored, rows, columns.shown)


def _result_columns(cls: Class, options: AssociationOptions) -> Columns:
    return select_columns(cls, cls.keys if options.keys_only else options.properties)


def _association_rows(request: Request, link: Link, target: Target, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of the association that refer to the target."""
    return matching_rows(request, link.association, columns, references_to(link.role, target))


def read_far_ends(request: Request, link: Link, target: Target, options: AssociationOptions) -> Iterator[ClassRows]:
    """Yield the instances at the other end of an association, in the cheapest of three ways."""
    end = link.provider.ends[link.result_role]
    selection = link.provider.selection({link.role: frozenset({target.reference})})
    # The item of the association does not hold the far instance, and no process leads to it. So the far instance is
    # read by its key, which the row of the association has.
    if end.item_slice is None and (end.subject != "logon session" or selection.pids is None):
        yield from _find_by_key(request, link, target, options)
        return
    for cls in link.far_classes:
        provider, columns = get_provider(cls), _result_columns(cls, options)
        if end.item_slice is not None:
            # The item of the association holds the far instance, so one reading serves both.
            rows = _rows_of_parts(request, link, target, provider, columns.stored)
        else:
            # The far instance is the logon session of one process. A reading by its LogonId would read every process of
            # the host to find the members. A reading from the process does so only if the login has no record.
            rows = _rows_without_counts(request, provider, selection, columns.stored)
        yield ClassRows(cls, columns.stored, rows, columns.shown)


def _rows_without_counts(
    request: Request, provider: Provider, selection: Selection, columns: Sequence[str]
) -> Iterator[Row]:
    """Return the rows of the logon session of one process; columns that count the session's processes are null."""
    # the item has only one process, the one that led to the logon session: a count would always be 1
    columns = provider.columns_without(COUNTS, columns)
    items = read_items(request, provider.subject, ItemQuery(provider.facts_of_rows(columns), selection))
    return provider.rows(items, request.context, columns)


def _rows_of_parts(
    request: Request, link: Link, target: Target, far: Provider, columns: Sequence[str]
) -> Iterator[Row]:
    """Yield the rows of the far end, made from the items of the association that refer to the target."""
    association, item_slice = link.provider, link.provider.ends[link.result_role].item_slice
    assert item_slice is not None  # noqa: S101 -- checked by the caller
    facts = association.facts_of_rows([link.role]) | far.facts_of_rows(columns)
    selection = association.selection({link.role: frozenset({target.reference})})
    query = ItemQuery(facts, selection, association.include_hidden, target.cls.namespace)
    items = read_items(request, association.subject, query)
    context = request.context
    near_reference = association.columns[link.role].checked_value
    # The reading may return more than was selected, so the near reference of each item is compared as well.
    refers_to_target = references_to(link.role, target).predicate([link.role])
    parts = (
        item[item_slice]
        for item in items
        if association.is_instance(*item, context) and refers_to_target((near_reference(*item, context),))
    )
    return far.rows(parts, context, columns)


def _find_by_key(request: Request, link: Link, target: Target, options: AssociationOptions) -> Iterator[ClassRows]:
    for (reference,) in _association_rows(request, link, target, (link.result_role,)):
        assert isinstance(reference, tuple)  # noqa: S101 -- the column of a reference
        cls = target.cls.schema.get(str(reference[0]), target.cls.namespace)
        properties = cls.keys if options.keys_only else options.properties
        # the reference may name a superclass: the instance is looked up among the classes that the options allow
        result = find_instance(request, Target(cls, reference[1:]), properties, candidate_classes=link.far_classes)
        if result is not None:
            yield result


def _check_target_exists(request: Request, target: Target, results: Iterator[ClassRows]) -> Iterator[ClassRows]:
    """Yield the results that have rows; if none has, check that the target exists.

    Raises:
        NotFoundError: the target does not exist, or the caller may not see it.
    """
    is_empty = True
    for result in results:
        first_row = next(result.rows, None)
        if first_row is not None:
            is_empty = False
            yield result._replace(rows=chain((first_row,), result.rows))
    # Any row proves that the target exists. Only an empty answer needs a reading of its own.
    if is_empty and find_instance(request, target, target.cls.keys) is None:
        raise not_found_error(request, target)


def _has_qualifier(cls: Class, name: str | None) -> bool:
    """Return whether a class has a qualifier that is not amended: clients request amended qualifiers separately."""
    if name is None:
        return True
    qualifier = find_qualifier(cls.qualifiers, name)
    return qualifier is not None and not qualifier.flavor & AMENDED


def _is_within(cls: Class, required: Class | None) -> bool:
    return required is None or cls.is_a(required.name)


def _is_role(role: str, required: str | None) -> bool:
    return required is None or role.lower() == required.lower()
