"""Instance operations: get an instance (or a class) by path, or enumerate the instances of a class.

Every check that can reject a request happens before the first row; rows are read while they are iterated.
"""

from collections.abc import Iterator, Sequence

from logonscope.broker.columns import Columns, check_columns, select_columns
from logonscope.broker.item_query import ItemQuery
from logonscope.broker.item_readers import read_items
from logonscope.broker.request import ProcessOwnerFilter, Request
from logonscope.broker.resolve import class_of, require_instance, target_of
from logonscope.broker.row_filter import RowFilter, filter_by_condition, filter_by_text_keys, simplify_for_class
from logonscope.cim.binding import Target, write_reference
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.cim.paths import ObjectPath
from logonscope.cim.types import Value
from logonscope.errors import Hint, HintCode, NotFoundError
from logonscope.facts import FILE_OF_FACT, Process
from logonscope.machine import EVERYTHING, OWNER_FACT, Facts, Owner, Selection
from logonscope.providers.helpers.provider import Provider
from logonscope.providers.helpers.registry import get_provider, provided_classes
from logonscope.wql.bind import key_tests
from logonscope.wql.condition import FALSE, TRUE, Every
from logonscope.wql.predicate import Row


def get(
    request: Request, path: str | ObjectPath, properties: Sequence[str] | None = None, namespace: str | None = None
) -> ClassRows | Class:
    """Return the instance that an object path names, as ClassRows with one row, or the class that it names.

    Raises:
        NotFoundError: there is no such instance, or the caller may not see it.
        InvalidObjectPathError: the text is not an object path; or it names a class, and properties are selected.
        InvalidNamespaceError, InvalidClassError, InvalidPropertyError, TypeMismatchError: a name or a key is invalid.
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    target = target_of(request, path, namespace)
    # a class has no values to select
    if target.keys is None and properties is None:
        return target.cls
    require_instance(target)
    check_columns(target.cls, properties)
    result = find_instance(request, target, properties)
    if result is None:
        raise not_found_error(request, target)
    return result


def find_instance(
    request: Request,
    target: Target,
    properties: Sequence[str] | None = None,
    candidate_classes: Sequence[Class] | None = None,
) -> ClassRows | None:
    """Find an instance of the target's class or of a subclass; None if there is none.

    Text keys are compared without regard to case. If several instances differ only in case, the one that is spelled
    like the target is returned. For a subclass, all of its properties are returned if ``properties`` is None.

    Args:
        request: the source and the caller.
        target: the class and the keys.
        properties: the properties to return; None: all.
        candidate_classes: the classes to search; None: the target's class and its subclasses.
    """
    keys = target.keys or ()
    text_filter = filter_by_text_keys(target)
    for cls in provided_classes(target.cls) if candidate_classes is None else candidate_classes:
        if not cls.is_a(target.cls.name):
            continue
        row_filter = text_filter
        if text_filter is None:
            condition = simplify_for_class(Every(key_tests(target.cls, keys)), cls, {})
            if condition == FALSE:
                continue
            row_filter = None if condition == TRUE else filter_by_condition(request, cls, condition)
        columns = select_columns(cls, properties)
        # the keys are appended to each row, so that their spelling can be compared
        rows = matching_rows(request, cls, (*columns.stored, *target.cls.keys), row_filter)
        row = _closest_spelling(rows, keys)
        if row is not None:
            return ClassRows(cls, columns.stored, iter((row[: len(columns.stored)],)), columns.shown)
    return None


def find_exact_target(request: Request, target: Target) -> Target | None:
    """Return the target with the actual class and key spelling of its instance; None if there is no such instance."""
    result = find_instance(request, target, target.cls.keys)
    return None if result is None else Target(result.cls, next(result.rows))


def has_spellings(key: Value) -> bool:
    """Return whether a key can be spelled in more than one way: a text with letters, or a reference."""
    return isinstance(key, tuple) or (isinstance(key, str) and key.lower() != key.upper())


def _closest_spelling(rows: Iterator[Row], keys: Row) -> Row | None:
    """Return the row whose last values, its keys, are spelled like ``keys``; if there is none, the first row."""
    first_row, spelling = None, _spelling(keys)
    for row in rows:
        if _spelling(row[len(row) - len(keys) :]) == spelling:
            return row
        first_row = first_row or row
    return first_row


def _spelling(keys: Row) -> Row:
    """Return keys in a form to compare their spelling: references without their class, which may be a superclass."""
    return tuple(_spelling(key[1:]) if isinstance(key, tuple) else key for key in keys)


def not_found_error(request: Request, target: Target) -> NotFoundError:
    """Return the error that there is no such instance, or that the caller may not see it."""
    path = write_reference(target.reference, target.cls.schema, target.cls.namespace)
    for_you = "" if request.caller.administrator else " for you to see"
    hint_values = {"name": target.cls.name, "namespace": target.cls.namespace.replace("\\", "/")}
    return NotFoundError(f"there is no {path}{for_you}", Hint(HintCode.LIST_INSTANCES, hint_values))


def enumerate_instances(
    request: Request,
    class_name: str,
    properties: Sequence[str] | None = None,
    namespace: str | None = None,
    *,
    deep: bool = True,
) -> Iterator[ClassRows]:
    r"""Return the instances of a class and, if ``deep``, of its subclasses: one result for each class.

    Args:
        request: the source and the caller.
        class_name: the class.
        properties: properties of this class; None: all properties of each instance.
        namespace: the namespace of the class; None: root\cimv2.
        deep: include its subclasses.

    Raises:
        InvalidNamespaceError, InvalidClassError, InvalidPropertyError: there is no such namespace, class or property.
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    cls = class_of(request, class_name, namespace)
    check_columns(cls, properties)
    classes = provided_classes(cls) if deep else [member for member in provided_classes(cls) if member is cls]
    return (_enumerate_class(request, member, select_columns(member, properties)) for member in classes)


def matching_rows(
    request: Request, cls: Class, columns: Sequence[str], row_filter: RowFilter | None = None
) -> Iterator[Row]:
    """Yield the rows of a class that match a filter; None: all rows."""
    provider = get_provider(cls)
    if row_filter is None:
        if provider.rows_of_groups is not None and tuple(columns) == tuple(provider.columns):
            return provider.rows_of_groups(request.logon_groups())
        query = ItemQuery(provider.facts_of_rows(columns), EVERYTHING, provider.include_hidden, cls.namespace)
        return provider.rows(read_items(request, provider.subject, query), request.context, columns)
    # The columns of the result come first: if a row is cut to their number, only the columns of the filter are removed.
    all_columns = (*columns, *(name for name in row_filter.columns if name not in columns))
    selection, width = provider.selection(row_filter.fixed), len(columns)
    if selection.is_empty:
        return iter(())
    has_all_columns = all_columns == tuple(provider.columns)
    if provider.rows_of_groups is not None and has_all_columns and _names_logons_alone(selection):
        groups, matches = request.logon_groups(selection.logon_ids), row_filter.predicate(all_columns)
        return (row[:width] for row in provider.rows_of_groups(groups) if matches(row))
    facts = provider.facts_of_rows(all_columns)
    # A selection by pid leaves few processes: testing them before they are read whole would save little.
    process_filter = _early_filter(request, provider, row_filter, facts) if selection.pids is None else None
    query = ItemQuery(
        facts, selection, provider.include_hidden, cls.namespace, process_filter, provider.limits(row_filter.ranges)
    )
    rows = provider.rows(read_items(request, provider.subject, query), request.context, all_columns)
    # Selection and early filter may keep rows that do not match, so the condition is tested again on each row.
    matches = row_filter.predicate(all_columns)
    return (row[:width] for row in rows if matches(row))


def _names_logons_alone(selection: Selection) -> bool:
    """Return whether a selection names logon sessions, and nothing else."""
    return selection.logon_ids is not None and selection == Selection(logon_ids=selection.logon_ids)


def _early_filter(
    request: Request, provider: Provider, row_filter: RowFilter, facts: Facts
) -> ProcessOwnerFilter | None:
    """Build the condition as a filter on processes.

    With this filter, files that only the rows need are read for matching processes only. None: the subject is not
    processes, or the filter would save no file, because the condition needs every file that the rows need.
    """
    condition_facts = provider.facts_of_columns(row_filter.columns)
    if provider.subject != "process" or _files(request, facts) <= _files(request, condition_facts):
        return None
    return ProcessOwnerFilter(condition_facts, _ConditionOnProcess(request, provider, row_filter).keeps)


class _ConditionOnProcess:
    """A condition on the rows of a class of processes, tested on a process before its row is made."""

    def __init__(self, request: Request, provider: Provider, row_filter: RowFilter) -> None:
        self._values = provider.value_functions(row_filter.columns)
        self._matches = row_filter.predicate(row_filter.columns)
        self._context = request.context

    def keeps(self, process: Process, owner: Owner) -> bool:
        """Return whether the row of a process matches."""
        context = self._context
        return self._matches(tuple([value(process, owner, context) for value in self._values]))


def _files(request: Request, facts: Facts) -> set[str]:
    """Return the files of a process that hold these facts; for OWNER_FACT those that determine its owner."""
    owner_facts = request.ownership.owner_facts if OWNER_FACT in facts else frozenset[str]()
    return {FILE_OF_FACT.get(fact, fact) for fact in (facts | owner_facts) - {OWNER_FACT}}


def _enumerate_class(request: Request, cls: Class, columns: Columns) -> ClassRows:
    return ClassRows(cls, columns.stored, matching_rows(request, cls, columns.stored), columns.shown)
