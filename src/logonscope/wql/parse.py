"""Parser of WQL: text to a syntax tree, by the grammar of grammar.lark; errors say where the text is wrong, and why.

The limits of length, nesting and number of terms are checked before parsing. The parser is LALR and builds the tree
while it parses, so that its cost is linear in the text.
"""

import re
from functools import cache, lru_cache
from typing import Any, NoReturn

from logonscope.errors import (
    InvalidParameterError,
    InvalidQueryError,
    LogonscopeError,
    MissingAggregationListError,
    MissingGroupWithinError,
    NotSupportedError,
    QuotaViolationError,
)
from logonscope.wql.lalr import END, Parser, Table, Token, UnexpectedInputError
from logonscope.wql.text import MAX_NAME_LENGTH, describe_position, parse_number
from logonscope.wql.tree import (
    EQUAL,
    ISA,
    MIRRORED_OPERATORS,
    UNEQUAL,
    And,
    AssociationQuery,
    Comparison,
    ConditionTree,
    Constant,
    GroupClause,
    IsNull,
    Name,
    Not,
    Or,
    Select,
    Statement,
)

MAX_QUERY_LENGTH = 16_384
"""Maximum characters of a query."""

MAX_DEPTH = 64
"""Maximum depth of parentheses and NOTs inside each other."""

MAX_JUNCTIONS = 1_000
"""Maximum number of ANDs and ORs; a condition has one term more."""

MAX_KEPT, MAX_KEPT_LENGTH = 128, 512
"""Maximum number of queries whose trees are cached, and of characters of each: a tree is much larger than its text."""

_SIMPLIFY = "simplify the query, or split it"
# The last alternative is an unterminated string: it runs to the end of the text.
_STRINGS = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|["'].*"""
_WORD = r"\w+|."
_LAST_WORD = r"(\w+)\s*$"
# what may be between the braces of PATH in grammar.lark
_PATH_BODY = r"""(?:[^{}"']|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')*"""
_PATH_STRING = r"""(["'])((?:\\.|(?!\1)[^\\])*)\1"""
_PATH_ESCAPE = r"""\\[\\"']"""
_UNESCAPED_PATH_BACKSLASH = r"""\\(?!["'])"""
_TWO_BACKSLASHES = r"\\\\"  # as a template of re.sub
_NESTING = r"\(|\)|\bNOT\b|\b(?:AND|OR)\b"
_TERMINAL_NAMES = {
    "_SELECT": "SELECT", "_FROM": "FROM", "_WITHIN": "WITHIN", "_WHERE": "WHERE", "_GROUP": "GROUP", "_BY": "BY",
    "_HAVING": "HAVING", "_AND": "AND", "_OR": "OR", "_NOT": "NOT", "_IS": "IS", "_ISA": "ISA", "_OF": "OF",
    "_NULL": "NULL", "NULL": "NULL", "TRUE": "TRUE", "FALSE": "FALSE",
    "ASSOCIATORS_OR_REFERENCES": "ASSOCIATORS or REFERENCES",
    "OPERATOR": "an operator", "EQUAL": '"="', "STAR": '"*"', "NUMBER": "a number", "STRING": "a quoted string",
    "NAME": "a name", "PATH": "an object path in braces", "LPAR": '"("', "RPAR": '")"', "COMMA": '","', "DOT": '"."',
    END: "end of the query",
}  # fmt: skip
_SQL_HINTS = {
    "ORDER": "WQL has no ORDER BY: sort the rows yourself",
    "IN": "WQL has no IN: write = ... OR = ...",
    "BETWEEN": "WQL has no BETWEEN: write >= ... AND <= ...",
    "JOIN": "WQL has no JOIN: use ASSOCIATORS OF {path} to follow associations",
    "LIMIT": "WQL has no LIMIT: read as many rows as you need",
    "INSERT": "WQL can only read",
    "UPDATE": "WQL can only read",
    "DELETE": "WQL can only read",
    "NOT": "write NOT before the property: NOT Name LIKE 'a%'",
    ";": "remove the semicolon",
}
"""Words and signs that SQL allows where WQL does not, and what to write instead."""

_SQL_HINTS_BEFORE = {
    "COUNT": "WQL has no COUNT: count the rows yourself",
    "DISTINCT": "WQL has no DISTINCT: drop duplicate rows yourself",
    "TOP": "WQL has no TOP: read as many rows as you need",
}
"""Words of SQL that parse as a property in WQL, so that the next word is unexpected, and what to write instead."""

_NAMED_OPTIONS = {
    "assocclass": "assoc_class",
    "resultclass": "result_class",
    "role": "role",
    "resultrole": "result_role",
    "requiredqualifier": "required_qualifier",
    "requiredassocqualifier": "required_assoc_qualifier",
}
_FLAG_OPTIONS = {"keysonly": "keys_only", "classdefsonly": "class_defs_only", "schemaonly": "schema_only"}
_ONLY_ASSOCIATORS = {"assocclass", "resultrole", "requiredassocqualifier"}


def parse(text: str) -> Statement:
    """Parse a query.

    Raises:
        InvalidParameterError: the text is empty.
        InvalidQueryError: the text is not WQL; the message says where.
        MissingGroupWithinError: the query has BY without GROUP WITHIN.
        MissingAggregationListError: the query has BY *.
        QuotaViolationError: the query is too long, too deeply nested, or has too many terms.
        NotSupportedError: this is a checkout whose parse table was not compiled.
    """
    # programs send the same few queries again and again; parsing a query can take longer than computing its result
    return _parse_cached(text) if len(text) <= MAX_KEPT_LENGTH else _parse(text)


@lru_cache(MAX_KEPT)
def _parse_cached(text: str) -> Statement:
    return _parse(text)


def _parse(text: str) -> Statement:
    if not text.strip():
        raise InvalidParameterError("the query is empty", "write a query such as SELECT * FROM Win32_SessionProcess")
    _check_limits(text)
    try:
        tree: Statement = _parser().parse(text)
    except UnexpectedInputError as error:
        _raise_syntax_error(text, error)
    except _InvalidPieceError as error:
        raise error.error_class(f"{error.message}, at {describe_position(text, error.position)}", error.hint) from None
    return tree


class _InvalidPieceError(Exception):
    """An error in a piece of a query that the grammar accepts: its position, and the error to raise for it."""

    def __init__(
        self, position: int, message: str, hint: str, error_class: type[LogonscopeError] = InvalidQueryError
    ) -> None:
        super().__init__(message)
        self.position, self.message, self.hint, self.error_class = position, message, hint, error_class


def escape_pasted_backslashes(path: str) -> str:
    r"""Escape the backslashes in the strings of an object path, so that pasted paths work.

    In ``{path}``, users paste ``\\.\PHYSICALDRIVE0`` without escapes. If a string has a backslash outside an escape,
    all its backslashes are doubled, except those before a quote. Other strings are returned unchanged.
    """
    return re.sub(_PATH_STRING, _double_backslashes, path, flags=re.DOTALL)


def _double_backslashes(match: re.Match[str]) -> str:
    quote, inner = match.groups()
    if "\\" not in re.sub(_PATH_ESCAPE, "", inner):
        return match[0]
    return f"{quote}{re.sub(_UNESCAPED_PATH_BACKSLASH, _TWO_BACKSLASHES, inner)}{quote}"


@cache
def _parser() -> Parser:
    """Return the parser of WQL.

    Raises:
        NotSupportedError: this is a checkout whose parse table was not compiled.
    """
    module = "logonscope.wql.compiled"
    try:
        from logonscope.wql.compiled import TABLE  # noqa: PLC0415 -- loaded with the first query
    except ImportError as error:
        if error.name != module:
            raise
        reason = "cannot parse queries: this checkout was not built"
        raise NotSupportedError(reason, "run python -m logonscope.wql.build") from None
    return Parser(Table._make(TABLE), _TreeBuilder())


def _check_limits(text: str) -> None:
    if len(text) > MAX_QUERY_LENGTH:
        raise QuotaViolationError(
            f"query too long: {len(text):,} characters, the limit is {MAX_QUERY_LENGTH:,}", _SIMPLIFY
        )
    # A NOT nests until the next AND or OR; strings are blanked first, because words in them do not count.
    depth = deepest = junctions = nots = 0
    for match in re.finditer(_NESTING, re.sub(_STRINGS, "''", text, flags=re.DOTALL), re.IGNORECASE):
        word = match[0].upper()
        if word == ")":
            depth -= 1
        elif word == "(":
            depth += 1
        elif word == "NOT":
            nots += 1
        else:
            junctions, nots = junctions + 1, 0
        deepest = max(deepest, depth + nots)
    if deepest > MAX_DEPTH:
        raise QuotaViolationError(f"condition nested too deep: {deepest} levels, the limit is {MAX_DEPTH}", _SIMPLIFY)
    if junctions > MAX_JUNCTIONS:
        raise QuotaViolationError(
            f"condition too long: {junctions + 1:,} terms, the limit is {MAX_JUNCTIONS + 1:,}", _SIMPLIFY
        )


def _raise_syntax_error(text: str, error: UnexpectedInputError) -> NoReturn:
    position, token = error.position, error.token
    if token is None:
        _raise_unterminated_error(text, position)
    terminals = set(error.expected)
    if "_GROUP" in terminals:
        terminals.discard("_BY")  # the grammar accepts BY without GROUP only for a better error
    if token is not None and token.type == END:
        position, unexpected = len(text.rstrip()), "end of the query"
    else:
        _raise_sql_error(text, position)
        unexpected = f"'{_read_word(text, position) if token is None else _abridge(token)}'"
    expected = " or ".join(sorted({_TERMINAL_NAMES.get(name, name) for name in terminals}))
    raise InvalidQueryError(
        f"unexpected {unexpected} at {describe_position(text, position)}", f"expected {expected}" if expected else ""
    )


def _raise_unterminated_error(text: str, position: int) -> None:
    """Raise an error that says what is missing, if a quote or an opening brace at the position begins no token."""
    if text[position] == "{":
        path_body = re.compile(_PATH_BODY, re.DOTALL).match(text, position + 1)
        end = path_body.end() if path_body else position + 1
        if end == len(text):
            message = f"unterminated object path at {describe_position(text, position)}"
            raise InvalidQueryError(message, "close it with a brace")
        if text[end] == "{":
            message = f"unexpected '{{' at {describe_position(text, end)}"
            raise InvalidQueryError(message, "in an object path, put a value with braces in quotes")
        position = end  # the quote that begins an unterminated string
    if text[position] in "'\"":
        hint = "close it with a quote"
        if (escaped_quote := f"\\{text[position]}") in text[position:]:
            hint += f"; {escaped_quote} does not close it: write every backslash twice"
        raise InvalidQueryError(f"unterminated string at {describe_position(text, position)}", hint)


def _raise_sql_error(text: str, position: int) -> None:
    """Raise an error that says what to write instead, if the word at or before the position is SQL but not WQL."""
    # COUNT, DISTINCT and TOP parse as the name of a property: only the token after such a word is unexpected.
    previous_word = re.compile(_LAST_WORD).search(text, max(0, position - MAX_NAME_LENGTH), position)
    for word, start, hints in (
        (_read_word(text, position), position, _SQL_HINTS),
        (previous_word and previous_word[1], previous_word and previous_word.start(1), _SQL_HINTS_BEFORE),
    ):
        if word and (hint := hints.get(word.upper())):
            raise InvalidQueryError(f"'{word}' at {describe_position(text, start or 0)} is not supported in WQL", hint)


def _read_word(text: str, position: int) -> str:
    match = re.compile(_WORD, re.DOTALL).match(text, position, position + MAX_NAME_LENGTH)
    return match[0] if match else ""


def _parse_string(token: Token) -> str:
    """Return the text of a quoted string; a backslash may come only before a backslash or a quote."""
    inner = str(token)[1:-1]
    if "\\" not in inner:
        return inner
    # Escapes are replaced by two characters, so that offsets in the string stay right.
    lone_backslash = re.search(r"""\\(?![\\"'])""", re.sub(r"""\\[\\"']""", "..", inner))
    if lone_backslash:
        position = token.position + 1 + lone_backslash.start()
        raise _InvalidPieceError(
            position, f"single backslash in {_abridge(token)}", "write every backslash twice: \\\\"
        )
    return re.sub(r"""\\([\\"'])""", r"\1", inner)


def _abridge(token: Token) -> str:
    return str(token) if len(token) <= 40 else f"{token[:37]}..."


class _TreeBuilder:
    """Builds the nodes of the tree from the leaves up; each method is called for the rule or alias of its name."""

    def select(self, parts: list[Any]) -> Select:
        columns, class_name, within, where, group = parts
        return Select(columns, _parse_name(class_name), where, within, group, class_name.position)

    def columns(self, parts: list[Any]) -> tuple[Name, ...] | None:
        return None if isinstance(parts[0], Token) else tuple(parts)

    def within(self, parts: list[Token]) -> float:
        return float(_parse_number_token(parts[0]))

    def group(self, parts: list[Any]) -> GroupClause:
        seconds, by, having = parts
        within = _parse_number_token(seconds)
        if not isinstance(within, int) or not 0 <= within < 1 << 32:
            raise _InvalidPieceError(
                seconds.position,
                f"invalid GROUP WITHIN {seconds}: expected whole seconds",
                "give a whole number, 0 or greater",
            )
        return GroupClause(within, by or (), having)

    def by_alone(self, parts: list[Any]) -> NoReturn:
        (name, *_), _ = parts
        hint = "write GROUP WITHIN seconds BY ..."
        raise _InvalidPieceError(name.position, f"BY {name} without GROUP WITHIN", hint, MissingGroupWithinError)

    def by_all(self, parts: list[Token]) -> NoReturn:
        hint = "name properties after BY"
        raise _InvalidPieceError(parts[0].position, "BY * is not supported", hint, MissingAggregationListError)

    def by(self, parts: list[Name]) -> tuple[Name, ...]:
        return tuple(parts)

    def condition(self, parts: list[ConditionTree]) -> ConditionTree:
        return Or(tuple(parts))

    def conjunction(self, parts: list[ConditionTree]) -> ConditionTree:
        return And(tuple(parts))

    def negation(self, parts: list[ConditionTree]) -> Not:
        return Not(parts[0])

    def comparison(self, parts: list[Any]) -> ConditionTree:
        name, operator, (constant, position) = parts
        return _build_comparison(name, _parse_operator(operator), constant, position)

    def mirrored_comparison(self, parts: list[Any]) -> ConditionTree:
        (constant, position), token, name = parts
        operator = _parse_operator(token)
        if operator == "LIKE":
            raise _InvalidPieceError(
                position, "the pattern of LIKE must be on the right side", f"write {name} LIKE '...'"
            )
        return _build_comparison(name, MIRRORED_OPERATORS.get(operator, operator), constant, position)

    def two_properties(self, parts: list[Any]) -> NoReturn:
        left_name, operator, right_name = parts
        hint = f"compare with a constant; if '{right_name}' is a string, quote it"
        comparison = f"{left_name} {operator} {right_name}"
        raise _InvalidPieceError(left_name.position, f"cannot compare two properties: {comparison}", hint)

    def is_null(self, parts: list[Name]) -> IsNull:
        return IsNull(parts[0])

    def is_not_null(self, parts: list[Name]) -> Not:
        return Not(IsNull(parts[0]))

    def isa(self, parts: list[Any]) -> Comparison:
        name, class_token = parts
        class_name = _parse_string(class_token) if class_token.type == "STRING" else _parse_name(class_token)
        return Comparison(name, ISA, class_name, class_token.position)

    def property(self, parts: list[Token]) -> Name:
        return Name(tuple(map(_parse_name, parts)), parts[0].position)

    def constant(self, parts: list[Token]) -> tuple[Constant, int]:
        (token,) = parts
        return _parse_constant(token), token.position

    def association_query(self, parts: list[Any]) -> AssociationQuery:
        first_word, path, *options = parts
        references = first_word.upper() == "REFERENCES"
        fields: dict[str, Any] = {}
        for keyword, value in filter(None, options):
            folded = keyword.lower()
            field_names = _NAMED_OPTIONS if value is not None else _FLAG_OPTIONS
            if folded not in field_names or (references and folded in _ONLY_ASSOCIATORS):
                raise _unknown_option(first_word, keyword, value, references=references)
            field = field_names[folded]
            if field in fields:
                raise _InvalidPieceError(keyword.position, f"duplicate option {keyword}", "give it once")
            fields[field] = True if value is None else Name((_parse_name(value),), value.position)
        return AssociationQuery(references, str(path)[1:-1].strip(), position=path.position + 1, **fields)

    def option(self, parts: list[Token]) -> tuple[Token, Token | None]:
        return (parts[0], parts[2]) if len(parts) == 3 else (parts[0], None)


def _unknown_option(first_word: str, keyword: Token, value: Token | None, *, references: bool) -> _InvalidPieceError:
    flags = {"KeysOnly", "ClassDefsOnly", "SchemaOnly"}
    named_options = {"ResultClass", "Role", "RequiredQualifier"}
    if not references:
        named_options |= {"AssocClass", "ResultRole", "RequiredAssocQualifier"}
    valid_options = ", ".join([*sorted(f"{name} = ..." for name in named_options), *sorted(flags)])
    option = f"{keyword} = {value}" if value is not None else str(keyword)
    hint = f"valid options, separated by spaces: {valid_options}"
    return _InvalidPieceError(keyword.position, f"invalid option {option} of {first_word.upper()} OF", hint)


def _parse_operator(token: Token) -> str:
    return UNEQUAL if token == "!=" else token.upper()  # noqa: S105 -- an operator


def _build_comparison(name: Name, operator: str, constant: Constant, position: int) -> ConditionTree:
    """Return the node of a comparison; a comparison with NULL becomes a test whether the property is null."""
    if constant is None:
        if operator not in {EQUAL, UNEQUAL}:
            raise _InvalidPieceError(
                position, f"cannot use {operator} with NULL: {name} {operator} NULL", "compare with NULL by =, <> or IS"
            )
        return IsNull(name) if operator == EQUAL else Not(IsNull(name))
    if isinstance(constant, bool) and operator not in {EQUAL, UNEQUAL}:
        truth = str(constant).upper()
        raise _InvalidPieceError(
            position, f"cannot use {operator} with {truth}: {name} {operator} {truth}", "compare by = or <>"
        )
    if operator == "LIKE" and not isinstance(constant, str):
        raise _InvalidPieceError(position, f"invalid LIKE pattern {constant}: expected a string", "quote it")
    return Comparison(name, operator, constant, position)


def _parse_constant(token: Token) -> Constant:
    if token.type == "STRING":
        return _parse_string(token)
    if token.type == "NUMBER":
        return _parse_number_token(token)
    return {"TRUE": True, "FALSE": False}.get(token.type)


def _parse_number_token(token: Token) -> int | float:
    try:
        return parse_number(token)
    except ValueError:
        raise _InvalidPieceError(
            token.position, f"number too large: {_abridge(token)}", "give a smaller number"
        ) from None


def _parse_name(token: Token) -> str:
    if len(token) > MAX_NAME_LENGTH:
        raise _InvalidPieceError(
            token.position,
            f"name too long: {len(token):,} characters, the limit is {MAX_NAME_LENGTH}",
            "shorten the name",
        )
    return str(token)
