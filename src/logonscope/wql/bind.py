"""Do the names of a query mean something? Its tree, held against a class: properties, and constants as their values.

A constant becomes a value of the property's type: a number beside a string its digits, a text beside a number that
number. How both are compared is the kind of the column.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from logonscope.cim.binding import Target
from logonscope.cim.binding import bind as bind_path
from logonscope.cim.classes import Class, Property, meant, show_class
from logonscope.cim.datetimes import FORMS, parse_datetime
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
from logonscope.wql.condition import FALSE, Condition, Every, Null, Some, Term, Truth
from logonscope.wql.like import LONGEST
from logonscope.wql.parse import located, number, place
from logonscope.wql.tree import EQUAL, ISA, LIKE, UNEQUAL, And, Comparison, Constant, IsNull, Name, Not, Or
from logonscope.wql.tree import Condition as Tree

TEXT, NUMBER, BOOLEAN, MOMENT, REFERENCE, CLASS, PATH, ARRAY, OBJECT = (
    "text", "number", "boolean", "moment", "reference", "class", "path", "array", "object",
)  # fmt: skip
"""How values are compared: without regard to case; as numbers; as truth; as times; by what they name; by descent; by
the keys that they give; the last two not at all."""

THIS = "__THIS"
"""What ISA is asked of: the class itself."""

SYSTEM_KINDS = {
    **dict.fromkeys(SYSTEM_PROPERTIES, TEXT), "__GENUS": NUMBER, "__PROPERTY_COUNT": NUMBER, "__DERIVATION": ARRAY,
    THIS: CLASS,
}  # fmt: skip

PATHS = ("__PATH", "__RELPATH")

_TRUTHS = {"true": True, "1": True, "-1": True, "false": False, "0": False}
_UNORDERED = {BOOLEAN, REFERENCE}


class Column(NamedTuple):
    """A property that a condition names, and how its values are compared."""

    name: str
    kind: str


class Scope(NamedTuple):
    """Where names are looked for, and what paths are held against."""

    text: str
    column: Callable[[Name], Column | None]  # None: it can have no value, which no row fits
    schema: Schema
    namespace: str
    is_here: Callable[[str], bool]


def bind(tree: Tree, scope: Scope) -> Condition:
    """Return the condition.

    Raises:
        InvalidQueryError: a name means nothing, or an operator nothing for its property; says where.
        TypeMismatchError: a constant is no value of the property's type.
        InvalidObjectPathError, InvalidClassError: what a reference is compared with is no path.
    """
    return _bound(tree, scope, negated=False)


def _bound(tree: Tree, scope: Scope, *, negated: bool) -> Condition:
    if isinstance(tree, Not):
        return _bound(tree.term, scope, negated=not negated)
    if isinstance(tree, (And, Or)):
        terms = tuple(_bound(term, scope, negated=negated) for term in tree.terms)
        return Every(terms) if isinstance(tree, And) is not negated else Some(terms)
    column = scope.column(tree.name)
    if column is None:
        return FALSE
    if isinstance(tree, IsNull):
        return Null(column.name, is_null=not negated)
    with located(scope.text, tree.at):
        if column.kind == PATH and tree.operator in {EQUAL, UNEQUAL}:
            return _keyed(tree.constant, scope, equal=(tree.operator == EQUAL) is not negated)
        found = _test(column, tree, scope)
    if isinstance(found, Term):
        return found.negated if negated else found
    assert isinstance(found, Truth)  # noqa: S101 -- what is decided here
    return Null(column.name, is_null=False) if found.holds is not negated else FALSE


def _keyed(path: Constant, scope: Scope, *, equal: bool) -> Condition:
    """Return the condition that an instance is the one, or is not, that a path names: on its class and its keys."""
    target = _target(path, scope)
    if target is None:
        return Truth(not equal)
    tests = named_by(target.cls, target.keys or ())
    return Every(tests) if equal else Some(tuple(test.negated for test in tests))


def named_by(cls: Class, keys: Sequence[Value]) -> tuple[Term, ...]:
    """Return the tests that all hold for the instance with these keys: on its class and on each key."""
    columns = (property_column(cls.properties[name]) for name in cls.keys)
    keyed = (Term(name, EQUAL, value, kind) for (name, kind), value in zip(columns, keys, strict=True))
    return Term(THIS, ISA, cls.name, CLASS), *keyed


def _test(column: Column, tree: Comparison, scope: Scope) -> Term | Truth:
    name, kind = column
    operator, constant = tree.operator, tree.constant
    if kind == PATH:
        kind = TEXT
    if kind == ARRAY:
        raise InvalidQueryError(f"{name} is an array", "ask whether it is null")
    if (operator == ISA) is not (kind in {CLASS, OBJECT}):
        what = "asks for the class of an object" if operator == ISA else f"compares {name}, which is an object"
        raise InvalidQueryError(f"{tree.name} {operator} {what}", "write `__this ISA 'Class'`, or name a property")
    if operator == ISA:
        return Term(name, ISA, scope.schema.get(str(constant), scope.namespace).name, CLASS)
    if operator == LIKE:
        if kind in {NUMBER, BOOLEAN}:
            raise InvalidQueryError(f"{name} LIKE compares text, and it is a {kind}", "compare by =, <, > and the like")
        if len(str(constant)) > LONGEST:
            raise QuotaViolationError(
                f"a pattern of {len(str(constant)):,} characters; {LONGEST:,} are taken", "shorten it"
            )
        return Term(name, LIKE, str(constant), kind)
    if kind in _UNORDERED and operator not in {EQUAL, UNEQUAL}:
        raise InvalidQueryError(f"{name} {operator} has no meaning: it is a {kind}", "compare by = or <>")
    if kind == REFERENCE:
        return _reference(name, operator, constant, scope)
    return Term(name, operator, _VALUES[kind](column, constant), kind)


def _reference(name: str, operator: str, constant: Constant, scope: Scope) -> Term | Truth:
    """Return the test for what a path names; nothing here is equal to what is elsewhere, or to a class."""
    target = _target(constant, scope)
    if target is None:
        return Truth(operator == UNEQUAL)
    return Term(name, operator, target.reference, REFERENCE)


def _target(path: Constant, scope: Scope) -> Target | None:
    """Return the instance that a path names; None where it names none of this namespace of this host."""
    try:
        target = bind_path(parse_path(str(path)), scope.schema, scope.namespace, scope.is_here)
    except InvalidNamespaceError:
        return None
    return None if target.keys is None or target.cls.namespace != scope.namespace else target


def _text(_: Column, constant: Constant) -> Value:
    return str(constant).upper() if isinstance(constant, bool) else str(constant)


def _number(column: Column, constant: Constant) -> Value:
    try:
        value = number(constant.strip()) if isinstance(constant, str) else constant or 0
    except ValueError:
        raise TypeMismatchError(f"{column.name} is a number, not '{constant}'", "give a number") from None
    return int(value) if isinstance(value, bool) or value == int(value) else value


def _boolean(column: Column, constant: Constant) -> Value:
    found = _TRUTHS.get(str(constant).lower())
    if found is None:
        raise TypeMismatchError(f"{column.name} is a boolean, not '{constant}'", "give TRUE or FALSE")
    return found


def _moment(column: Column, constant: Constant) -> Value:
    value = parse_datetime(str(constant), column.name)
    if not isinstance(value, datetime):
        raise TypeMismatchError(f"{column.name} is a point in time, not the interval '{constant}'", FORMS)
    return value


_VALUES: Mapping[str, Callable[[Column, Constant], Value]] = {
    TEXT: _text, NUMBER: _number, BOOLEAN: _boolean, MOMENT: _moment,
}  # fmt: skip


def scope_of(cls: Class, text: str, is_here: Callable[[str], bool]) -> Scope:
    """Return the scope of a data query: the properties of a class, and the system's."""
    return Scope(text, lambda name: column_of(cls, name, text), cls.schema, cls.namespace, is_here)


def column_of(cls: Class, name: Name, text: str) -> Column | None:
    """Return a property of a class; None for one inside another that is no object (WMI: no rows, no error).

    Raises:
        InvalidQueryError: the class has none of that name.
    """
    first = name.parts[0]
    if first.upper() in SYSTEM_KINDS:
        found = Column(first.upper(), PATH if first.upper() in PATHS else SYSTEM_KINDS[first.upper()])
    else:
        found = property_column(property_named(cls, first, name, text))
    return found if len(name.parts) == 1 else None


def property_named(cls: Class, word: str, name: Name, text: str) -> Property:
    """Return the property of a class that a word of a name means.

    Raises:
        InvalidQueryError: the class has none; says where.
    """
    if word not in cls.properties:
        hint = meant(word, list(cls.properties), show_class(cls.name, cls.namespace))
        raise InvalidQueryError(f"{cls.name} has no property '{word}', at {place(text, name.at)}", hint)
    return cls.properties[word]


def property_column(of: Property) -> Column:
    """Return the column of a property."""
    if of.array:
        return Column(of.name, ARRAY)
    if of.type in {"string", "char16"}:
        return Column(of.name, TEXT)
    if of.type == "datetime":
        return Column(of.name, MOMENT)
    is_number = TYPES[of.type].is_integer or of.type.startswith("real")
    return Column(of.name, NUMBER if is_number else of.type)
