"""Row filters: conditions on the rows of a class, made from a query or from a reference to an instance."""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from logonscope.broker.request import Request
from logonscope.cim.binding import HOST_NAMED, Target, are_related, is_same_key, object_path
from logonscope.cim.classes import Class
from logonscope.cim.instances import column_indexes
from logonscope.cim.types import Value
from logonscope.providers.helpers.registry import classes_at_end, get_provider
from logonscope.wql.bind import PATH_PROPERTIES, REFERENCE, TEXT, THIS
from logonscope.wql.condition import (
    FALSE,
    Condition,
    Every,
    NullTest,
    Some,
    Term,
    Truth,
    condition_columns,
    fixed_values,
    simplify,
)
from logonscope.wql.predicate import ColumnReader, Predicate, Row, compile_predicate
from logonscope.wql.ranges import ColumnRange, column_ranges
from logonscope.wql.tree import EQUAL, ISA, UNEQUAL

GetReader = Callable[[str], ColumnReader]
"""A function from the name of a column to its reader: a function from a row to the value of this column."""


class RowFilter(NamedTuple):
    """A condition on the rows of a class, and what it limits."""

    columns: tuple[str, ...]  # the columns that the condition reads
    fixed: Mapping[str, frozenset[Value]]  # columns that the condition limits to these values
    compile: Callable[[GetReader], Predicate]  # builds the predicate, for any layout of rows
    ranges: Mapping[str, ColumnRange] = {}  # columns that the condition limits to a range

    def predicate(self, columns: Sequence[str]) -> Predicate:
        """Build the predicate for rows of these columns."""
        indexes = column_indexes(tuple(columns))

        def getter_of(name: str) -> ColumnReader:
            return itemgetter(indexes[name])

        return self.compile(getter_of)


def filter_by_condition(request: Request, cls: Class, condition: Condition) -> RowFilter:
    """Return the row filter of a query's condition."""
    names = condition_columns(condition)
    # __PATH and __RELPATH are stored nowhere: their text is built from the keys, so the rows need the keys
    stored = (column for name in names for column in (cls.keys if name in PATH_PROPERTIES else (name,)))
    shows_host_name = cls.name in HOST_NAMED or not set(PATH_PROPERTIES).isdisjoint(names)
    server = request.host_name if shows_host_name else ""

    # The condition is compiled late, and perhaps twice: for the rows of an answer, and for those of the early filter.
    # Rows of the early filter have only the columns of the condition, so a value has another index in them.
    def compile_condition(getter_of: GetReader) -> Predicate:
        def getter_with_paths(name: str) -> ColumnReader:
            if name in PATH_PROPERTIES:
                return _path_getter(cls, name, server, [getter_of(key) for key in cls.keys])
            return getter_of(name)

        return compile_predicate(condition, getter_with_paths, cls, request.look.check, server)

    return RowFilter(tuple(dict.fromkeys(stored)), fixed_values(condition), compile_condition, column_ranges(condition))


def filter_by_text_keys(target: Target) -> RowFilter | None:
    """Return the row filter of an instance whose keys are all texts, compared case-insensitively; None for other keys.

    It keeps the same rows as ``filter_by_condition`` does with the terms of ``wql.bind.key_tests``. Most instances have
    such keys.
    """
    cls, keys = target.cls, target.keys or ()
    if not keys or any(
        cls.properties[name].type != "string" or not isinstance(key, str)
        for name, key in zip(cls.keys, keys, strict=True)
    ):
        return None
    folded_keys = [str(key).lower() for key in keys]

    def compile_comparison(getter_of: GetReader) -> Predicate:
        getters = [getter_of(name) for name in cls.keys]

        def has_keys(row: Row) -> bool:
            values = [get(row) for get in getters]
            return None not in values and [str(value).lower() for value in values] == folded_keys

        return has_keys

    fixed = {name: frozenset({key}) for name, key in zip(cls.keys, keys, strict=True)}
    return RowFilter(tuple(cls.keys), fixed, compile_comparison)


def references_to(role: str, target: Target) -> RowFilter:
    """Return the row filter that keeps associations whose end ``role`` is this instance; case counts in text keys."""
    reference, cls = target.reference, target.cls
    schema, namespace = cls.schema, cls.namespace

    def compile_comparison(getter_of: GetReader) -> Predicate:
        get_reference = getter_of(role)

        def refers_to_target(row: Row) -> bool:
            return is_same_key(get_reference(row), reference, schema, namespace, fold=str)

        return refers_to_target

    return RowFilter((role,), {role: frozenset({reference})}, compile_comparison)


def simplify_for_class(condition: Condition, cls: Class, constants: Mapping[str, Value]) -> Condition:
    """Return the part of a condition that is not decided by the class alone.

    Args:
        condition: the condition.
        cls: the class of the rows.
        constants: columns that have the same value in all instances of the class.
    """

    def simplify_term(term: Term | NullTest) -> Condition:
        if term.column == THIS:
            if isinstance(term, NullTest):
                return Truth(not term.is_null)
            return Truth(cls.is_a(str(term.value)) is (term.operator == ISA))
        if term.column in constants:
            # the compiled term decides, so that a constant is compared in the same way as a value of a row
            def constant_getter(_: str) -> ColumnReader:
                return itemgetter(0)

            return Truth(compile_predicate(term, constant_getter, cls)((constants[term.column],)))
        if isinstance(term, Term) and term.kind == REFERENCE and term.operator in {EQUAL, UNEQUAL}:
            return _simplify_reference_term(term, cls)
        return term

    return simplify(condition, simplify_term)


def _simplify_reference_term(term: Term, cls: Class) -> Condition:
    """Simplify a term that compares a reference with a path.

    The class of the path, and the classes at the end that the reference names, decide some terms completely; the other
    terms must be decided for each row. The rows of the association may name an instance by a superclass, while the path
    has the instance's own class. Then the class of the instance is compared, too.
    """
    assert isinstance(term.value, tuple)  # noqa: S101 -- a reference
    path_class, end_classes = str(term.value[0]), classes_at_end(cls, term.column)
    matching_classes = [
        end_class.name
        for end_class in end_classes
        if are_related(path_class, end_class.name, cls.schema, cls.namespace)
    ]
    if not matching_classes:
        return FALSE if term.operator == EQUAL else NullTest(term.column, is_null=False)
    # A row may refer to Win32_Account although the account is a Win32_UserAccount. Then the reference and a path of
    # Win32_SystemAccount have equal keys, and only the compared column, such as Element.__CLASS, shows that they
    # differ.
    class_column = f"{term.column}.__CLASS"
    if len(matching_classes) == len(end_classes) or class_column not in get_provider(cls).compared_columns:
        return term
    class_terms = tuple(Term(class_column, term.operator, name, TEXT) for name in matching_classes)
    # "=" means "A and (B or C)"; "!=" means its negation, so "and" and "or" change places
    outer, inner = (Every, Some) if term.operator == EQUAL else (Some, Every)
    return outer((term, inner(class_terms) if len(class_terms) > 1 else class_terms[0]))


def _path_getter(cls: Class, name: str, server: str, key_readers: Sequence[ColumnReader]) -> ColumnReader:
    """Return the function that builds __PATH or __RELPATH from the keys of a row."""

    def path(row: Row) -> Value:
        keys = (read_key(row) for read_key in key_readers)
        object_path_of_row = object_path((cls.name, *keys), cls.schema, cls.namespace, server)
        return object_path_of_row.relative if name == "__RELPATH" else str(object_path_of_row)

    return path
