"""Tests of wql/lalr.py: it accepts the texts that lark's parser of the same grammar accepts, with the same values."""

from typing import Any

import lark
import pytest

from logonscope.errors import LogonscopeError
from logonscope.wql import parse as wql_parse
from logonscope.wql.build import OPTIONS, compute_table, read_grammar
from logonscope.wql.lalr import Parser, Token, UnexpectedInputError
from logonscope.wql.parse import parse
from tests.wql.test_fuzz import QUERIES, TEXTS, texts

IGNORED = "%ignore / +/"
GRAMMARS = [
    (f"""
        start: item ("," item)* ["!" NAME] -> list
        ?item: NAME | "(" start ")" | NAME "=" [NUMBER] [NAME] -> pair
        NAME: /[a-z]+/
        NUMBER: /[0-9]+/
        {IGNORED}
    """,
    ["a", "a,b , c", "a!b", "(a,b)!c", "a=", "a=1", "a=b", "a= 1 b", "", "a,", ",", "a b", "a=1 2", "(a", "a)", "a ?"]),
    (f"""
        ?start: (word | KEEP)+ end?
        word: _OPEN WORD* _CLOSE
        end: "END"
        _OPEN: "<"
        _CLOSE: ">"
        KEEP.2: /keep\\b/
        WORD.1: /\\w+/
        {IGNORED}
    """,
    ["<>", "<a b>", "keep", "keep keep<a>", "<keep>", "keeps", "<a", ">", "<a>END", "END", "<a>END END", "<a> ?"]),
]  # fmt: skip


class Shown:
    """Shows each rule that is applied; for both parsers."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda parts: (name, [show(part) for part in parts])


def show(value: Any) -> Any:
    """Return a value of which both parsers have an equal one."""
    if isinstance(value, Token):
        return value.type, str(value), value.position
    return (value.type, str(value), value.start_pos) if isinstance(value, lark.Token) else value


def outcome_of_lark(parser: lark.Lark, text: str) -> Any:
    """Return the value, or the position of the error, the token there, and what the grammar accepts there."""
    try:
        return shown_tree(parser.parse(text))
    except lark.exceptions.UnexpectedInput as error:
        token = error.token if isinstance(error, lark.exceptions.UnexpectedToken) else None
        accepted = frozenset[str](error.interactive_parser.accepts())  # type: ignore[no-untyped-call]
        if token is not None and token.type == "$END":
            return "end", accepted
        return error.pos_in_stream, token and str(token), accepted


def shown_tree(value: Any) -> Any:
    """Return a tree of lark as Shown shows the same value."""
    if isinstance(value, lark.Tree):
        return str(value.data), [shown_tree(part) for part in value.children]
    return show(value)


def outcome(parser: Parser, text: str) -> Any:
    """Return the same of our parser."""
    try:
        return show(parser.parse(text))
    except UnexpectedInputError as error:
        if error.token is not None and error.token.type == "$END":
            return "end", error.expected
        return error.position, error.token and str(error.token), error.expected


@pytest.mark.parametrize(("grammar", "examples"), GRAMMARS)
def test_small_grammars_are_parsed_as_lark_parses_them(grammar: str, examples: list[str]) -> None:
    parser, model = Parser(compute_table(grammar), Shown()), lark.Lark(grammar, **OPTIONS)
    outcomes = [outcome_of_lark(model, text) for text in examples]
    assert [outcome(parser, text) for text in examples] == outcomes
    assert {len(result) for result in outcomes} == {2, 3}  # trees, and errors


def test_wql_is_parsed_as_lark_parses_it() -> None:
    grammar = read_grammar()
    parser, model = Parser(compute_table(grammar), Shown()), lark.Lark(grammar, **OPTIONS)
    kinds = {"tree": 0, "end": 0, "token": 0, "character": 0}
    for text in (*QUERIES, *texts(TEXTS)):
        expected = outcome_of_lark(model, text)
        assert outcome(parser, text) == expected, text
        is_tree = expected[0] in {"select", "association_query"}
        kinds["tree" if is_tree else "end" if expected[0] == "end" else "token" if expected[1] else "character"] += 1
    assert all(count > TEXTS / 200 for count in kinds.values()), kinds


def test_a_rule_without_a_method_is_an_error_at_the_start() -> None:
    table = compute_table('start: "a" pair\npair: "b" "c"')
    with pytest.raises(AttributeError, match="pair"):
        Parser(table, type("Actions", (), {"start": list})())


def test_a_list_of_many_parts_is_not_copied_for_each_part() -> None:
    lists: list[list[Any]] = []
    table = compute_table('start: item ("," item)*\nitem: "a"')
    actions = type("Actions", (), {"start": staticmethod(lists.append), "item": staticmethod(len)})()
    Parser(table, actions).parse("a" + ",a" * 50_000)
    assert len(lists[0]) == 50_001


def test_a_checkout_that_was_not_built_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    wql_parse._parser.cache_clear()  # noqa: SLF001 -- it is loaded once
    monkeypatch.setitem(__import__("sys").modules, "logonscope.wql.compiled", None)
    with pytest.raises(LogonscopeError, match="cannot parse queries: this checkout was not built"):
        parse("SELECT * FROM NotAskedBefore")
    monkeypatch.undo()
    assert parse("SELECT * FROM NotAskedBefore")
