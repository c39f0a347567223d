"""What does this text say? WQL to its tree, by a lark grammar; or where and why it is none.

Bounds come before the parser: length, nesting, number of terms. The parser is LALR and builds the tree as it goes, so
that what it costs is linear in the text.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any, NoReturn

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from logonscope.errors import (
    InvalidParameterError,
    InvalidQueryError,
    LogonscopeError,
    MissingAggregationListError,
    MissingGroupWithinError,
    QuotaViolationError,
)
from logonscope.wql.tree import (
    EQUAL,
    ISA,
    TURNED,
    UNEQUAL,
    And,
    Comparison,
    Condition,
    Constant,
    Group,
    IsNull,
    Name,
    Not,
    Or,
    Select,
    Statement,
    Tied,
)

LONGEST = 16_384
"""Characters of a query."""

MOST_NESTED = 64
"""Parentheses and NOTs inside each other."""

MOST_TERMS = 1_000
"""ANDs and ORs."""

LONGEST_NAME = 255
"""Characters of a class's or a property's name, and digits of a number."""

_SIMPLER = "ask for less at once"
_STRINGS = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|["'].*""", re.DOTALL)  # one that does not end is the last
_NUMBER = re.compile(r"[+-]?(0x[0-9a-f]+|([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?)", re.IGNORECASE)
_WORD = re.compile(r"\w+|.", re.DOTALL)
_LAST_WORD = re.compile(r"(\w+)\s*$")
_NESTING = re.compile(r"\(|\)|\bNOT\b|\b(?:AND|OR)\b", re.IGNORECASE)
_WORDS = {
    "_SELECT": "SELECT", "_FROM": "FROM", "_WITHIN": "WITHIN", "_WHERE": "WHERE", "_GROUP": "GROUP", "_BY": "BY",
    "_HAVING": "HAVING", "_AND": "AND", "_OR": "OR", "_NOT": "NOT", "_IS": "IS", "_ISA": "ISA", "_OF": "OF",
    "_NULL": "NULL", "NULL": "NULL", "TRUE": "TRUE", "FALSE": "FALSE", "TIED": "ASSOCIATORS or REFERENCES",
    "OPERATOR": "an operator", "EQUAL": '"="', "STAR": '"*"', "NUMBER": "a number", "STRING": "a quoted string",
    "NAME": "a name", "PATH": "an object path in braces", "LPAR": '"("', "RPAR": '")"', "COMMA": '","', "DOT": '"."',
    "$END": "the end",
}  # fmt: skip
_ENDLESS = {"'": "string", '"': "string", "{": "object path"}
_ABSENT = {
    "ORDER": "there is no ORDER BY: sort the answer",
    "IN": "there is no IN: write = ... OR = ...",
    "BETWEEN": "there is no BETWEEN: write >= ... AND <= ...",
    "JOIN": "there is no JOIN: ASSOCIATORS OF {path} follows associations",
    "LIMIT": "there is no LIMIT: take as many of the answer as you want",
    "INSERT": "a query only reads",
    "UPDATE": "a query only reads",
    "DELETE": "a query only reads",
    "NOT": "NOT stands before the property: NOT Name LIKE 'a%'",
    ";": "a query ends without a semicolon",
}
"""What SQL has and WQL has not."""

_ABSENT_BEFORE = {
    "COUNT": "there is no COUNT: count the answer",
    "DISTINCT": "there is no DISTINCT: drop what comes twice",
    "TOP": "there is no TOP: take as many of the answer as you want",
}
"""The same, where it reads as a property until the next word."""

_NARROWING = {
    "assocclass": "assoc_class",
    "resultclass": "result_class",
    "role": "role",
    "resultrole": "result_role",
    "requiredqualifier": "required_qualifier",
    "requiredassocqualifier": "required_assoc_qualifier",
}
_FLAGS = {"keysonly": "keys_only", "classdefsonly": "class_defs_only", "schemaonly": "schema_only"}
_ONLY_ASSOCIATORS = {"assocclass", "resultrole", "requiredassocqualifier"}


def parse(text: str) -> Statement:
    """Return the tree of a query.

    Raises:
        InvalidParameterError: there is no text.
        InvalidQueryError: it is no WQL; says where.
        MissingGroupWithinError: it has BY without GROUP WITHIN.
        QuotaViolationError: it is longer or more nested than is taken.
    """
    if not text.strip():
        raise InvalidParameterError("there is no query", "write one, as SELECT * FROM Win32_SessionProcess")
    _check_bounds(text)
    try:
        tree: Statement = _parser().parse(text)  # type: ignore[assignment]  # the transformer makes it one
    except UnexpectedInput as error:
        _refuse(text, error)
    except _RefusalError as refused:
        raise refused.error(f"{refused.message}, at {place(text, refused.at)}", refused.hint) from None
    return tree


class _RefusalError(Exception):
    """A piece of a query that the grammar takes, and that means nothing: where it is, and what is wrong about it."""

    def __init__(
        self, at: int | None, message: str, hint: str, error: type[LogonscopeError] = InvalidQueryError
    ) -> None:
        super().__init__(message)
        self.at, self.message, self.hint, self.error = at or 0, message, hint, error


def number(text: str) -> int | float:
    """Return the number that a text is: 5, -5, 0x1F, 0.5, 1e3.

    Raises:
        ValueError: it is none, or none that a double can hold.
    """
    if len(text) > LONGEST_NAME or not _NUMBER.fullmatch(text):
        raise ValueError(text)
    if "x" in text.lower():
        return int(text, 16)
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdecimal() else value


def place(text: str, at: int) -> str:
    """Say where an offset is: line and column, counted from 1."""
    line = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    return f"line {line}, column {column}"


@contextmanager
def located(text: str, at: int) -> Iterator[None]:
    """Add to what is refused within where it stands."""
    try:
        yield
    except LogonscopeError as error:
        raise type(error)(f"{error.message}, at {place(text, at)}", error.advice) from None


@cache
def _parser() -> Lark:
    grammar = files("logonscope.wql").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", maybe_placeholders=True, transformer=_Tree())


def _check_bounds(text: str) -> None:
    if len(text) > LONGEST:
        raise QuotaViolationError(f"a query of {len(text):,} characters; {LONGEST:,} are taken", _SIMPLER)
    depth = deepest = terms = nots = 0
    for match in _NESTING.finditer(_STRINGS.sub("''", text)):
        word = match[0].upper()
        if word == ")":
            depth -= 1
        elif word == "(":
            depth += 1
        elif word == "NOT":
            nots += 1
        else:
            terms, nots = terms + 1, 0
        deepest = max(deepest, depth + nots)
    if deepest > MOST_NESTED:
        raise QuotaViolationError(f"a condition nested {deepest} deep; {MOST_NESTED} are taken", _SIMPLER)
    if terms > MOST_TERMS:
        raise QuotaViolationError(f"a condition of {terms + 1:,} terms; {MOST_TERMS + 1:,} are taken", _SIMPLER)


def _refuse(text: str, error: UnexpectedInput) -> NoReturn:
    at = error.pos_in_stream or 0
    if isinstance(error, UnexpectedCharacters) and (what := _ENDLESS.get(text[at])):
        raise InvalidQueryError(f"the {what} at {place(text, at)} does not end", "close it")
    parser = getattr(error, "interactive_parser", None)
    expected = set(parser.accepts()) if parser else set[str]()
    if "_GROUP" in expected:
        expected.discard("_BY")  # which is taken to be refused
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        at, found = len(text.rstrip()), "the end"
    else:
        _refuse_sql(text, at)
        found = f"'{_shown(error.token) if isinstance(error, UnexpectedToken) else _word(text, at)}'"
    words = " or ".join(sorted({_WORDS.get(name, name) for name in expected}))
    raise InvalidQueryError(
        f"{found} at {place(text, at)} is not expected there", f"expected is {words}" if words else ""
    )


def _refuse_sql(text: str, at: int) -> None:
    """Say of what is of SQL what to write instead."""
    before = _LAST_WORD.search(text, max(0, at - LONGEST_NAME), at)
    for word, start, absent in (
        (_word(text, at), at, _ABSENT), (before and before[1], before and before.start(1), _ABSENT_BEFORE),
    ):  # fmt: skip
        if word and (hint := absent.get(word.upper())):
            raise InvalidQueryError(f"'{word}' at {place(text, start or 0)} is not of WQL", hint)


def _word(text: str, at: int) -> str:
    match = _WORD.match(text, at, at + LONGEST_NAME)
    return match[0] if match else ""


def _string(token: Token) -> str:
    """Undo the escapes of a string: a backslash stands before a backslash or a quote, and before nothing else."""
    inner = str(token)[1:-1]
    if "\\" not in inner:
        return inner
    wrong = re.search(r"""\\(?![\\"'])""", re.sub(r"""\\[\\"']""", "..", inner))
    if wrong:
        at = (token.start_pos or 0) + 1 + wrong.start()
        raise _RefusalError(at, f"a single backslash in {_shown(token)}", "write every backslash twice: \\\\")
    return re.sub(r"""\\([\\"'])""", r"\1", inner)


def _shown(token: Token) -> str:
    return str(token) if len(token) <= 40 else f"{token[:37]}..."


class _Tree(Transformer[Token, Any]):
    """Builds the nodes, from the leaves up."""

    def select(self, parts: list[Any]) -> Select:
        columns, class_name, within, where, group = parts
        return Select(columns, _name(class_name), where, within, group, class_name.start_pos or 0)

    def columns(self, parts: list[Any]) -> tuple[Name, ...] | None:
        return None if isinstance(parts[0], Token) else tuple(parts)

    def within(self, parts: list[Token]) -> float:
        return float(_number(parts[0]))

    def group(self, parts: list[Any]) -> Group:
        seconds, by, having = parts
        within = _number(seconds)
        if not isinstance(within, int) or not 0 <= within < 1 << 32:
            raise _RefusalError(
                seconds.start_pos, f"GROUP WITHIN takes whole seconds, not {seconds}", "give a number from 0 on"
            )
        return Group(within, by or (), having)

    def by_alone(self, parts: list[Any]) -> NoReturn:
        (name, *_), _ = parts
        hint = "write GROUP WITHIN seconds BY ..."
        raise _RefusalError(name.at, f"BY {name} without GROUP WITHIN", hint, MissingGroupWithinError)

    def by_all(self, parts: list[Token]) -> NoReturn:
        hint = "name properties after BY"
        raise _RefusalError(parts[0].start_pos, "BY * aggregates by everything", hint, MissingAggregationListError)

    def by(self, parts: list[Name]) -> tuple[Name, ...]:
        return tuple(parts)

    def condition(self, parts: list[Condition]) -> Condition:
        return Or(tuple(parts))

    def conjunction(self, parts: list[Condition]) -> Condition:
        return And(tuple(parts))

    def negation(self, parts: list[Condition]) -> Not:
        return Not(parts[0])

    def comparison(self, parts: list[Any]) -> Condition:
        name, operator, (constant, at) = parts
        return _compared(name, _operator(operator), constant, at)

    def turned(self, parts: list[Any]) -> Condition:
        (constant, at), operator, name = parts
        turned = _operator(operator)
        if turned == "LIKE":
            raise _RefusalError(at, "LIKE has its pattern on the right", f"write {name} LIKE '...'")
        return _compared(name, TURNED.get(turned, turned), constant, at)

    def two_properties(self, parts: list[Any]) -> NoReturn:
        one, operator, other = parts
        hint = f"WQL compares with constants: quote '{other}'?"
        raise _RefusalError(one.at, f"{one} {operator} {other} compares two properties", hint)

    def is_null(self, parts: list[Name]) -> IsNull:
        return IsNull(parts[0])

    def is_not_null(self, parts: list[Name]) -> Not:
        return Not(IsNull(parts[0]))

    def isa(self, parts: list[Any]) -> Comparison:
        name, of = parts
        return Comparison(name, ISA, _string(of) if of.type == "STRING" else _name(of), of.start_pos or 0)

    def property(self, parts: list[Token]) -> Name:
        return Name(tuple(map(_name, parts)), parts[0].start_pos or 0)

    def constant(self, parts: list[Token]) -> tuple[Constant, int]:
        (token,) = parts
        return _constant(token), token.start_pos or 0

    def tied(self, parts: list[Any]) -> Tied:
        kind, path, *options = parts
        references = kind.upper() == "REFERENCES"
        said: dict[str, Any] = {}
        for keyword, value in filter(None, options):
            folded = keyword.lower()
            known = _NARROWING if value is not None else _FLAGS
            if folded not in known or (references and folded in _ONLY_ASSOCIATORS):
                raise _unknown_option(kind, keyword, value, references=references)
            if known[folded] in said:
                raise _RefusalError(keyword.start_pos, f"{keyword} is given twice", "give it once")
            said[known[folded]] = True if value is None else Name((_name(value),), value.start_pos or 0)
        return Tied(references, str(path)[1:-1].strip(), at=(path.start_pos or 0) + 1, **said)

    def option(self, parts: list[Token]) -> tuple[Token, Token | None]:
        return (parts[0], parts[2]) if len(parts) == 3 else (parts[0], None)


def _unknown_option(kind: str, keyword: Token, value: Token | None, *, references: bool) -> _RefusalError:
    flags = {"KeysOnly", "ClassDefsOnly", "SchemaOnly"}
    narrowing = {"ResultClass", "Role", "RequiredQualifier"}
    if not references:
        narrowing |= {"AssocClass", "ResultRole", "RequiredAssocQualifier"}
    takes = ", ".join([*sorted(f"{name} = ..." for name in narrowing), *sorted(flags)])
    said = f"{keyword} = {value}" if value is not None else str(keyword)
    hint = f"after WHERE come, parted by blanks: {takes}"
    return _RefusalError(keyword.start_pos, f"{kind.upper()} OF knows no {said}", hint)


def _operator(token: Token) -> str:
    return UNEQUAL if token == "!=" else token.upper()  # noqa: S105 -- an operator


def _compared(name: Name, operator: str, constant: Constant, at: int) -> Condition:
    """Return a comparison; one with NULL asks whether the property is null."""
    if constant is None:
        if operator not in {EQUAL, UNEQUAL}:
            raise _RefusalError(at, f"{name} {operator} NULL has no meaning", "compare with NULL by =, <> or IS")
        return IsNull(name) if operator == EQUAL else Not(IsNull(name))
    if isinstance(constant, bool) and operator not in {EQUAL, UNEQUAL}:
        raise _RefusalError(at, f"{name} {operator} {str(constant).upper()} has no meaning", "compare by = or <>")
    if operator == "LIKE" and not isinstance(constant, str):
        raise _RefusalError(at, f"{name} LIKE {constant} has no pattern", "quote it")
    return Comparison(name, operator, constant, at)


def _constant(token: Token) -> Constant:
    if token.type == "STRING":
        return _string(token)
    if token.type == "NUMBER":
        return _number(token)
    return {"TRUE": True, "FALSE": False}.get(token.type)


def _number(token: Token) -> int | float:
    try:
        return number(token)
    except ValueError:
        raise _RefusalError(
            token.start_pos, f"{_shown(token)} is too large a number", "nothing here is that large"
        ) from None


def _name(token: Token) -> str:
    if len(token) > LONGEST_NAME:
        raise _RefusalError(
            token.start_pos, f"a name of {len(token):,} characters", f"a name has at most {LONGEST_NAME}"
        )
    return str(token)
