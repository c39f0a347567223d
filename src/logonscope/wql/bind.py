"""Binding of a query's condition to a class: names become properties, constants become values of the properties' types.

A number that is compared with a string property becomes its decimal text; a text that is compared with a number
property becomes the number that it means. The kind of a column decides how its values are compared.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from logonscope.cim.binding import Target, bind_path
from logonscope.cim.classes import Class, Property, show_class_hint, suggest_name
from logonscope.cim.datetimes import FORMAT_HINT, parse_datetime
from logonscope.cim.instances import SYSTEM_PROPERTIES
from logonscope.cim.paths import parse_path
from logonscope.cim.schema import Schema
from logonscope.cim.types import TYPES, Value
from logonscope.errors import (
    InvalidNamespaceError,
    InvalidQueryError,
    QuotaViolationError,
    TypeMismatchError,
)
from logonscope.wql.condition import FALSE, Condition, Every, NullTest, Some, Term, Truth
from logonscope.wql.like import MAX_PATTERN_CHARACTERS
from logonscope.wql.text import describe_position, parse_number, positioned_errors
from logonscope.wql.tree import (
    EQUAL,
    ISA,
    LIKE,
    UNEQUAL,
    And,
    Comparison,
    ConditionTree,
    Constant,
    IsNull,
    Name,
    Not,
    Or,
)

TEXT, NUMBER, BOOLEAN, MOMENT, REFERENCE, CLASS, PATH, ARRAY, OBJECT = (
    "text", "number", "boolean", "moment", "reference", "class", "path", "array", "object",
)  # fmt: skip
"""Kinds of columns. The kind decides how values are compared.

TEXT: without regard to case. NUMBER, BOOLEAN, MOMENT: by value. REFERENCE: by the instance that it names. CLASS and
OBJECT: by inheritance; the only operator is ISA. PATH: with the operators = and <>, by the class and the keys in the
path; with any other operator, as TEXT. ARRAY: cannot be compared.
"""

THIS = "__THIS"
"""The name on the left of ISA in a data query: the class of the row."""

SYSTEM_KINDS = {
    **dict.fromkeys(SYSTEM_PROPERTIES, TEXT), "__GENUS": NUMBER, "__PROPERTY_COUNT": NUMBER, "__DERIVATION": ARRAY,
    THIS: CLASS,
}  # fmt: skip
"""The kinds of system properties. In a data query, PATH_PROPERTIES have the kind PATH instead."""

PATH_PROPERTIES = ("__PATH", "__RELPATH")

_BOOLEANS = {"true": True, "1": True, "-1": True, "false": False, "0": False}
_UNORDERED = {BOOLEAN, REFERENCE}


class ComparedColumn(NamedTuple):
    """A column that a condition compares: the name of a property, and the kind of comparison."""

    name: str
    kind: str


class NameScope(NamedTuple):
    """How the names in a query are resolved to columns, and its paths to instances.

    Attributes:
        text: the query: errors give positions in it.
        column: returns the column of a name. In a data query, a dotted name such as Antecedent.Handle has no column
            (None): no row matches a condition on it.
        schema: the classes.
        namespace: the namespace of the classes in paths without a namespace.
        is_here: returns whether a server name in a path means this host.
    """

    text: str
    column: Callable[[Name], ComparedColumn | None]
    schema: Schema
    namespace: str
    is_here: Callable[[str], bool]


def bind(tree: ConditionTree, scope: NameScope) -> Condition:
    """Bind a condition to the properties of a scope.

    Raises:
        InvalidQueryError: a name is unknown, or its property does not support the operator; the message says where.
        TypeMismatchError: a constant does not have the property's type.
        InvalidObjectPathError: a reference, or the path of the row, is compared with an invalid path.
        InvalidClassError: a path, or ISA, names an unknown class.
        QuotaViolationError: a LIKE pattern is too long.
        PropertyNotAnObjectError: in an event query, a name has a dot after a property that is not an object.
    """
    return _bind_term(tree, scope, negated=False)


def _bind_term(tree: ConditionTree, scope: NameScope, *, negated: bool) -> Condition:
    if isinstance(tree, Not):
        return _bind_term(tree.term, scope, negated=not negated)
    if isinstance(tree, (And, Or)):
        # De Morgan: below an odd number of NOTs, AND and OR change places.
        terms = tuple(_bind_term(term, scope, negated=negated) for term in tree.terms)
        return Every(terms) if isinstance(tree, And) is not negated else Some(terms)
    column = scope.column(tree.name)
    if column is None:
        return FALSE
    if isinstance(tree, IsNull):
        return NullTest(column.name, is_null=not negated)
    with positioned_errors(scope.text, tree.position):
        if column.kind == PATH and tree.operator in {EQUAL, UNEQUAL}:
            return _compare_path(tree.constant, scope, equal=(tree.operator == EQUAL) is not negated)
        test = _bind_comparison(column, tree, scope)
    if isinstance(test, Term):
        return test.negated if negated else test
    assert isinstance(test, Truth)  # noqa: S101 -- the only other result
    # A comparison that holds for every value still does not hold for null, so it becomes IS NOT NULL.
    return NullTest(column.name, is_null=False) if test.holds is not negated else FALSE


def _compare_path(path: Constant, scope: NameScope, *, equal: bool) -> Condition:
    """Return a condition on class and keys: the row is the instance that a path names, or, if not ``equal``, is not."""
    target = _find_instance(path, scope)
    if target is None:
        return Truth(not equal)
    tests = key_tests(target.cls, target.keys or ())
    return Every(tests) if equal else Some(tuple(test.negated for test in tests))


def key_tests(cls: Class, keys: Sequence[Value]) -> tuple[Term, ...]:
    """Return the tests that together identify the instance with these keys: a test of its class, and of each key."""
    columns = (property_column(cls.properties[name]) for name in cls.keys)
    tests = (Term(name, EQUAL, value, kind) for (name, kind), value in zip(columns, keys, strict=True))
    return Term(THIS, ISA, cls.name, CLASS), *tests


def _bind_comparison(column: ComparedColumn, tree: Comparison, scope: NameScope) -> Term | Truth:
    name, kind = column
    operator, constant = tree.operator, tree.constant
    # Only = and <> compare the keys in a path (see _bind_term); the other operators compare its text.
    if kind == PATH:
        kind = TEXT
    if kind == ARRAY:
        raise InvalidQueryError(f"cannot compare {name}: it is an array", "use IS NULL or IS NOT NULL")
    if (operator == ISA) is not (kind in {CLASS, OBJECT}):
        reason = "it is not an object" if operator == ISA else "it is an object"
        raise InvalidQueryError(
            f"cannot use {operator} with {tree.name}: {reason}", "write `__this ISA 'Class'`, or name a property"
        )
    if operator == ISA:
        return Term(name, ISA, scope.schema.get(str(constant), scope.namespace).name, CLASS)
    if operator == LIKE:
        if kind in {NUMBER, BOOLEAN}:
            raise InvalidQueryError(f"cannot use LIKE with {name}: it is a {kind}", "compare by =, <>, < or >")
        if len(str(constant)) > MAX_PATTERN_CHARACTERS:
            raise QuotaViolationError(
                f"LIKE pattern too long: {len(str(constant)):,} characters, the limit is {MAX_PATTERN_CHARACTERS:,}",
                "shorten it",
            )
        return Term(name, LIKE, str(constant), kind)
    if kind in _UNORDERED and operator not in {EQUAL, UNEQUAL}:
        raise InvalidQueryError(f"cannot use {operator} with {name}: it is a {kind}", "compare by = or <>")
    if kind == REFERENCE:
        return _compare_reference(name, operator, constant, scope)
    return Term(name, operator, _CONVERTERS[kind](column, constant), kind)


def _compare_reference(name: str, operator: str, constant: Constant, scope: NameScope) -> Term | Truth:
    """Return the test whether a reference names the same instance as a path.

    No reference equals the path of a class, or a path to another namespace or host.
    """
    target = _find_instance(constant, scope)
    if target is None:
        return Truth(operator == UNEQUAL)
    return Term(name, operator, target.reference, REFERENCE)


def _find_instance(path: Constant, scope: NameScope) -> Target | None:
    """Return the instance that a path names; None: the path names a class, or is of another namespace or host."""
    try:
        target = bind_path(parse_path(str(path)), scope.schema, scope.namespace, scope.is_here)
    except InvalidNamespaceError:
        return None
    # A reference in a row names an instance in the namespace of the row's class, so a path to another namespace is not
    # equal to it.
    return None if target.keys is None or target.cls.namespace != scope.namespace else target


def _to_text(_: ComparedColumn, constant: Constant) -> Value:
    return str(constant).upper() if isinstance(constant, bool) else str(constant)


def _to_number(column: ComparedColumn, constant: Constant) -> Value:
    try:
        value = parse_number(constant.strip()) if isinstance(constant, str) else constant or 0
    except ValueError:
        raise TypeMismatchError(
            f"invalid value '{constant}' for {column.name}: expected a number", "give a number"
        ) from None
    return int(value) if isinstance(value, bool) or value == int(value) else value


def _to_boolean(column: ComparedColumn, constant: Constant) -> Value:
    value = _BOOLEANS.get(str(constant).lower())
    if value is None:
        raise TypeMismatchError(
            f"invalid value '{constant}' for {column.name}: expected a boolean", "give TRUE or FALSE"
        )
    return value


def _to_moment(column: ComparedColumn, constant: Constant) -> Value:
    value = parse_datetime(str(constant), column.name)
    if not isinstance(value, datetime):
        raise TypeMismatchError(
            f"invalid value '{constant}' for {column.name}: expected a point in time, not an interval", FORMAT_HINT
        )
    return value


_CONVERTERS: Mapping[str, Callable[[ComparedColumn, Constant], Value]] = {
    TEXT: _to_text, NUMBER: _to_number, BOOLEAN: _to_boolean, MOMENT: _to_moment,
}  # fmt: skip
"""By kind of column, the function that converts a constant to the column's type."""


def class_scope(cls: Class, text: str, is_here: Callable[[str], bool]) -> NameScope:
    """Return the scope of a data query: the properties of a class, and the system properties."""
    return NameScope(text, partial(find_column, cls, text=text), cls.schema, cls.namespace, is_here)


def find_column(cls: Class, name: Name, text: str) -> ComparedColumn | None:
    """Return the column that a name means; None for a dotted name, such as A.B.

    As in WMI, no row matches a condition on a dotted name.

    Raises:
        InvalidQueryError: the class has no such property.
    """
    word = name.parts[0]
    if word.upper() in SYSTEM_KINDS:
        column = ComparedColumn(word.upper(), PATH if word.upper() in PATH_PROPERTIES else SYSTEM_KINDS[word.upper()])
    else:
        column = property_column(find_property(cls, word, name, text))
    return column if len(name.parts) == 1 else None


def find_property(cls: Class, word: str, name: Name, text: str) -> Property:
    """Return the property of a class that ``word``, a part of a name, means.

    Raises:
        InvalidQueryError: the class has no such property; the message says where.
    """
    if word not in cls.properties:
        hint = suggest_name(word, list(cls.properties), show_class_hint(cls.name, cls.namespace))
        raise InvalidQueryError(
            f"{cls.name} has no property '{word}', at {describe_position(text, name.position)}", hint
        )
    return cls.properties[word]


def property_column(member: Property) -> ComparedColumn:
    """Return the column of a property, with the kind that its type has."""
    if member.array:
        return ComparedColumn(member.name, ARRAY)
    if member.type in {"string", "char16"}:
        return ComparedColumn(member.name, TEXT)
    if member.type == "datetime":
        return ComparedColumn(member.name, MOMENT)
    is_number = TYPES[member.type].is_integer or member.type.startswith("real")
    return ComparedColumn(member.name, NUMBER if is_number else member.type)
