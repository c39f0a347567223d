"""Query plans: the syntax tree of a WQL query, resolved against the schema and this host before instances are read."""

from functools import partial
from typing import Any, NamedTuple

from logonscope.broker.associations import (
    AssociationOptions,
    associated_classes,
    association_named,
    class_named,
    role_named,
)
from logonscope.broker.columns import Columns, select_columns
from logonscope.broker.request import Request
from logonscope.broker.resolve import is_here, namespace_of, require_instance, target_of
from logonscope.broker.row_filter import simplify_for_class
from logonscope.cim.binding import Target
from logonscope.cim.classes import Class
from logonscope.cim.types import Value
from logonscope.errors import InvalidQueryError, InvalidQueryTypeError
from logonscope.providers.helpers.registry import provided_classes
from logonscope.wql.bind import SYSTEM_KINDS, THIS, ComparedColumn, NameScope, bind, class_scope, find_column
from logonscope.wql.condition import FALSE, TRUE, Condition, condition_columns
from logonscope.wql.events import EventQuery, bind_events
from logonscope.wql.parse import escape_pasted_backslashes, parse
from logonscope.wql.text import describe_position, positioned_errors
from logonscope.wql.tree import AssociationQuery, Name, Select

LANGUAGE = "WQL"
META_CLASS = "meta_class"
CLASS_GENUS, INSTANCE_GENUS = 1, 2


class PlanPart(NamedTuple):
    """The part of a query that reads one class; ``condition`` is what remains to be tested on its rows."""

    cls: Class
    columns: Columns
    condition: Condition


class RowsPlan(NamedTuple):
    """The plan of a query for instances: one part for each class that can have matching instances.

    ``is_projection``: the query selects properties, so the results are not whole instances.
    """

    cls: Class
    parts: tuple[PlanPart, ...]
    is_projection: bool = False


class ClassesPlan(NamedTuple):
    """The plan of a query for classes: the classes that match."""

    namespace: str
    classes: tuple[Class, ...]


class AssociationPlan(NamedTuple):
    """The plan of ASSOCIATORS OF or REFERENCES OF."""

    target: Target
    references: bool
    options: AssociationOptions
    class_defs_only: bool


Plan = RowsPlan | ClassesPlan | AssociationPlan | EventQuery


def plan(request: Request, text: str, namespace: str | None = None, language: str = LANGUAGE) -> Plan:
    """Return the plan of a query.

    Raises:
        InvalidParameterError: the text is empty; an option names a class that is no association, or an end that no
            association has; or WITHIN is invalid.
        InvalidQueryTypeError: the query language is unknown.
        InvalidQueryError, QuotaViolationError: the text is not WQL, or too long or complex.
        InvalidClassError, InvalidObjectPathError, InvalidNamespaceError, TypeMismatchError: a name or a key is invalid.
        NotEventClassError and similar classes: the query is not a valid event query.
        AccessDeniedError: the caller is not authenticated.
    """
    request.admit()
    if text.strip() and language.upper() != LANGUAGE:
        raise InvalidQueryTypeError(f"invalid query language '{language}'", f"use {LANGUAGE}")
    tree, namespace_name = parse(text), namespace_of(request, namespace)
    if isinstance(tree, AssociationQuery):
        return _plan_association_query(request, tree, namespace_name, text)
    if tree.class_name.lower() == META_CLASS:
        return _plan_class_query(request, tree, namespace_name, text)
    with positioned_errors(text, tree.position):
        cls = request.schema.get(tree.class_name, namespace_name)
    if cls.is_event or tree.within is not None or tree.group is not None:
        return bind_events(tree, cls, text, partial(is_here, request))
    return _plan_instance_query(request, tree, cls, text)


def _plan_instance_query(request: Request, tree: Select, cls: Class, text: str) -> RowsPlan:
    names = None if tree.columns is None else [_selected_name(cls, name, text) for name in tree.columns]
    condition: Condition = TRUE
    if tree.where is not None:
        condition = bind(tree.where, class_scope(cls, text, partial(is_here, request)))
    server = _server_name(request, condition)
    parts = []
    for subclass in provided_classes(cls):
        result_columns = select_columns(subclass, names)
        property_count = sum(name not in SYSTEM_KINDS for name in result_columns.shown)
        # Except for __PATH and __RELPATH, system properties are the same in all instances of a class: they are compared
        # here, once for each class. If the condition is false with these values, the class is not read at all.
        constants = system_properties(subclass, INSTANCE_GENUS, property_count, server)
        remaining_condition = simplify_for_class(condition, subclass, constants)
        if remaining_condition != FALSE:
            parts.append(PlanPart(subclass, result_columns, remaining_condition))
    return RowsPlan(cls, tuple(parts), is_projection=names is not None)


def _selected_name(cls: Class, name: Name, text: str) -> str:
    column = find_column(cls, name, text)
    if column is None or column.name == THIS:
        raise InvalidQueryError(
            f"{name} is not a property, at {describe_position(text, name.position)}", f"select properties of {cls.name}"
        )
    return column.name


def _plan_class_query(request: Request, tree: Select, namespace: str, text: str) -> ClassesPlan:
    if tree.columns is not None or tree.within is not None or tree.group is not None:
        raise InvalidQueryError(
            f"a query of {META_CLASS} returns whole classes only", "use SELECT * without WITHIN or GROUP"
        )
    condition: Condition = TRUE
    if tree.where is not None:
        scope = NameScope(text, partial(_class_column, text), request.schema, namespace, partial(is_here, request))
        condition = bind(tree.where, scope)
    server = _server_name(request, condition)
    matching_classes = []
    for cls in request.schema.classes(namespace):
        constants = system_properties(cls, CLASS_GENUS, len(cls.properties), server)
        constants |= {"__PATH": f"\\\\{server}\\{namespace}:{cls.name}", "__RELPATH": cls.name}
        # a class has no other columns than these constants, so the condition is decided completely
        if simplify_for_class(condition, cls, constants) == TRUE:
            matching_classes.append(cls)
    return ClassesPlan(namespace, tuple(matching_classes))


def _class_column(text: str, name: Name) -> ComparedColumn:
    word = str(name).upper()
    if word not in SYSTEM_KINDS:
        hint = "a class has __Class, __Superclass, __Dynasty, and `__this ISA 'Class'`"
        raise InvalidQueryError(
            f"{META_CLASS} has no property '{name}', at {describe_position(text, name.position)}", hint
        )
    return ComparedColumn(word, SYSTEM_KINDS[word])


def _plan_association_query(
    request: Request, tree: AssociationQuery, namespace: str, text: str
) -> AssociationPlan | ClassesPlan:
    with positioned_errors(text, tree.position):
        target = target_of(request, escape_pasted_backslashes(tree.path), namespace)
        if not tree.schema_only:
            require_instance(target)
        elif target.keys is not None:
            raise InvalidQueryError(
                f"SchemaOnly takes a class, and {tree.path} is an instance", f"use {{{target.cls.name}}}"
            )
    if tree.class_defs_only and (tree.result_class or tree.schema_only):
        excluded_option = "ResultClass" if tree.result_class else "SchemaOnly"
        position = describe_position(text, (tree.result_class or tree).position)
        raise InvalidQueryError(
            f"ClassDefsOnly and {excluded_option} exclude each other, at {position}", "remove one of them"
        )
    values: dict[str, Any] = {}
    for option, find_by_name in (
        ("assoc_class", association_named),
        ("result_class", association_named if tree.references else class_named),
        ("role", role_named),
        ("result_role", role_named),
        ("required_qualifier", None),
        ("required_assoc_qualifier", None),
    ):
        if name := getattr(tree, option):
            values[option] = str(name)
            # looked up here only to reject an unknown name with its position in the text
            with positioned_errors(text, name.position):
                if find_by_name:
                    find_by_name(request.schema, str(name), target.cls.namespace)
    options = AssociationOptions(**values, keys_only=tree.keys_only)
    if not tree.schema_only:
        return AssociationPlan(target, tree.references, options, tree.class_defs_only)
    classes = associated_classes(target.cls, options, references=tree.references)
    return ClassesPlan(target.cls.namespace, tuple(classes))


def _server_name(request: Request, condition: Condition) -> str:
    """Return the host's name; "" if the condition does not compare the name, so that the host need not be read."""
    return request.host_name if {"__SERVER", "__PATH"}.intersection(condition_columns(condition)) else ""


def system_properties(cls: Class, genus: int, property_count: int, server: str) -> dict[str, Value]:
    """Return the system properties that have the same value in all instances of a class."""
    return {
        "__GENUS": genus, "__CLASS": cls.name, "__SUPERCLASS": cls.superclass, "__DYNASTY": cls.dynasty,
        "__PROPERTY_COUNT": property_count, "__DERIVATION": cls.derivation, "__SERVER": server,
        "__NAMESPACE": cls.namespace,
    }  # fmt: skip
