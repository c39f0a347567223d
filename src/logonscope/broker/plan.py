"""How will a query be answered? Its tree, held against the classes and this host, before anything is read."""

from collections.abc import Callable
from typing import Any, NamedTuple

from logonscope.broker.associations import Wanted, association_named, class_named, role_named, tied_classes
from logonscope.broker.columns import Columns, chosen
from logonscope.broker.request import Request
from logonscope.broker.resolve import instance, is_here, namespace_of, target_of
from logonscope.broker.row_filter import decided
from logonscope.cim.binding import Target
from logonscope.cim.classes import Class
from logonscope.cim.types import Value
from logonscope.errors import InvalidQueryError, InvalidQueryTypeError
from logonscope.providers.helpers.registry import family
from logonscope.wql.bind import SYSTEM_KINDS, THIS, Column, Scope, bind, column_of, scope_of
from logonscope.wql.condition import FALSE, TRUE, Condition, columns
from logonscope.wql.events import EventQuery, bind_events
from logonscope.wql.parse import located, parse, place, undoubled
from logonscope.wql.tree import Name, Select, Tied

LANGUAGE = "WQL"
META_CLASS = "meta_class"
CLASS_GENUS, INSTANCE_GENUS = 1, 2


class Part(NamedTuple):
    """What is asked of one class; ``condition`` is what the class itself does not decide."""

    cls: Class
    columns: Columns
    condition: Condition


class Rows(NamedTuple):
    """A query for instances: a part for each class that can have some; ``projected``: of some of their properties."""

    cls: Class
    parts: tuple[Part, ...]
    projected: bool = False


class Classes(NamedTuple):
    """A query for classes: those that fit."""

    namespace: str
    found: tuple[Class, ...]


class Ties(NamedTuple):
    """A query along associations."""

    target: Target
    references: bool
    wanted: Wanted
    class_defs_only: bool


Plan = Rows | Classes | Ties | EventQuery


def plan(request: Request, text: str, namespace: str | None = None, language: str = LANGUAGE) -> Plan:
    """Return how a query will be answered.

    Raises:
        InvalidParameterError: there is no text.
        InvalidQueryTypeError: the language is none that is known.
        InvalidQueryError, QuotaViolationError: it is no WQL, or too much of it.
        InvalidClassError, InvalidObjectPathError, InvalidNamespaceError, TypeMismatchError: it names what is not there.
        NotEventClassError and its like: it asks for events as they cannot be told.
        AccessDeniedError: the caller is nobody.
    """
    request.admit()
    if text.strip() and language.upper() != LANGUAGE:
        raise InvalidQueryTypeError(f"there is no query language '{language}'", f"ask in {LANGUAGE}")
    tree, space = parse(text), namespace_of(request, namespace)
    if isinstance(tree, Tied):
        return _ties(request, tree, space, text)
    if tree.class_name.lower() == META_CLASS:
        return _classes(request, tree, space, text)
    with located(text, tree.at):
        cls = request.schema.get(tree.class_name, space)
    if cls.is_event or tree.within is not None or tree.group is not None:
        return bind_events(tree, cls, text, _here(request))
    return _rows(request, tree, cls, text)


def _rows(request: Request, tree: Select, cls: Class, text: str) -> Rows:
    names = None if tree.columns is None else [_shown(cls, name, text) for name in tree.columns]
    condition: Condition = TRUE
    if tree.where is not None:
        condition = bind(tree.where, scope_of(cls, text, _here(request)))
    server = _server(request, condition)
    parts = []
    for below in family(cls):
        shown = chosen(below, names)
        count = sum(name not in SYSTEM_KINDS for name in shown.shown)
        left = decided(condition, below, _known(below, INSTANCE_GENUS, count, server))
        if left != FALSE:
            parts.append(Part(below, shown, left))
    return Rows(cls, tuple(parts), projected=names is not None)


def _shown(cls: Class, name: Name, text: str) -> str:
    column = column_of(cls, name, text)
    if column is None or column.name == THIS:
        raise InvalidQueryError(f"{name} is no property, at {place(text, name.at)}", f"name those of {cls.name}")
    return column.name


def _classes(request: Request, tree: Select, namespace: str, text: str) -> Classes:
    if tree.columns is not None or tree.within is not None or tree.group is not None:
        raise InvalidQueryError(f"of {META_CLASS} there is the whole class alone", "select * from it")
    condition: Condition = TRUE
    if tree.where is not None:
        scope = Scope(text, lambda name: _of_a_class(name, text), request.schema, namespace, _here(request))
        condition = bind(tree.where, scope)
    server = _server(request, condition)
    found = []
    for cls in request.schema.classes(namespace):
        known = _known(cls, CLASS_GENUS, len(cls.properties), server)
        known |= {"__PATH": f"\\\\{server}\\{namespace}:{cls.name}", "__RELPATH": cls.name}
        if decided(condition, cls, known) == TRUE:
            found.append(cls)
    return Classes(namespace, tuple(found))


def _of_a_class(name: Name, text: str) -> Column:
    word = str(name).upper()
    if word not in SYSTEM_KINDS:
        hint = "a class has __Class, __Superclass, __Dynasty, and `__this ISA 'Class'`"
        raise InvalidQueryError(f"{META_CLASS} has no property '{name}', at {place(text, name.at)}", hint)
    return Column(word, SYSTEM_KINDS[word])


def _ties(request: Request, tree: Tied, namespace: str, text: str) -> Ties | Classes:
    with located(text, tree.at):
        target = target_of(request, undoubled(tree.path), namespace)
        if not tree.schema_only:
            instance(target)
        elif target.keys is not None:
            raise InvalidQueryError(f"SchemaOnly is of a class, and {tree.path} an instance", f"give {target.cls.name}")
    if tree.class_defs_only and (tree.result_class or tree.schema_only):
        other = "ResultClass" if tree.result_class else "SchemaOnly"
        where = place(text, (tree.result_class or tree).at)
        raise InvalidQueryError(f"ClassDefsOnly and {other} exclude each other, at {where}", "leave one out")
    options: dict[str, Any] = {}
    for option, look_up in (
        ("assoc_class", association_named),
        ("result_class", association_named if tree.references else class_named),
        ("role", role_named),
        ("result_role", role_named),
        ("required_qualifier", None),
        ("required_assoc_qualifier", None),
    ):
        if named := getattr(tree, option):
            options[option] = str(named)
            with located(text, named.at):
                if look_up:
                    look_up(request.schema, str(named), target.cls.namespace)
    wanted = Wanted(**options, keys_only=tree.keys_only)
    if not tree.schema_only:
        return Ties(target, tree.references, wanted, tree.class_defs_only)
    found = tied_classes(target.cls, wanted, references=tree.references)
    return Classes(target.cls.namespace, tuple(found))


def _here(request: Request) -> Callable[[str], bool]:
    return lambda server: is_here(request, server)


def _server(request: Request, condition: Condition) -> str:
    return request.host_name if {"__SERVER", "__PATH"}.intersection(columns(condition)) else ""


def _known(cls: Class, genus: int, count: int, server: str) -> dict[str, Value]:
    """Return the system properties that all instances of a class share."""
    return {
        "__GENUS": genus, "__CLASS": cls.name, "__SUPERCLASS": cls.superclass, "__DYNASTY": cls.dynasty,
        "__PROPERTY_COUNT": count, "__DERIVATION": cls.derivation, "__SERVER": server, "__NAMESPACE": cls.namespace,
    }  # fmt: skip
