"""Build step of WQL's parser: computes the parse table of grammar.lark with lark, and writes compiled.py.

hatch_build.py calls ``build`` when the wheel is built. After changing the grammar, run
``python -m logonscope.wql.build``.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import lark
from lark.grammar import Rule as LarkRule
from lark.grammar import Symbol, Terminal
from lark.lexer import PatternStr, TerminalDef

from logonscope.wql.lalr import Rule, Table

FOLDER = Path(__file__).parent
HEADER = '"""The parse table of WQL, generated from grammar.lark by build.py. Do not edit."""\n\n'
OPTIONS: dict[str, Any] = {"parser": "lalr", "maybe_placeholders": True}
"""Options of lark."""

SHIFT = 0
"""The number of lark's action "go to a state"; the other action is "apply a rule"."""


def read_grammar() -> str:
    """Return the text of grammar.lark."""
    return (FOLDER / "grammar.lark").read_text(encoding="utf-8")


def compute_table(grammar: str) -> Table:
    """Return the parse table of a grammar.

    Raises:
        ValueError: the grammar relies on a preference of lark that the parser in lalr.py does not have.
    """
    parser = lark.Lark(grammar, **OPTIONS)
    data, _ = parser.memo_serialize([TerminalDef, LarkRule])
    table, symbols = data["parser"]["parser"], data["parser"]["parser"]["tokens"]
    (start,), (final,) = table["start_states"].values(), table["end_states"].values()
    rows = {state: {symbols[symbol]: row[symbol] for symbol in row} for state, row in table["states"].items()}
    terminals = sorted(parser.terminals, key=_priority)
    for row in rows.values():
        _check_terminals([terminal for terminal in terminals if terminal.name in row])
    rule_numbers = {reference["@"]: number for number, reference in enumerate(data["rules"])}
    state_numbers = {state: number for number, state in enumerate(_states_in_order(rows, start))}
    numbered_rows = [
        {
            name: state_numbers[target] if action == SHIFT else -1 - rule_numbers[target["@"]]
            for name, (action, target) in sorted(rows[state].items())
        }
        for state in state_numbers
    ]
    nonterminals = {rule.origin.name for rule in parser.rules}
    return Table(
        terminals={terminal.name: terminal.pattern.to_regexp() for terminal in terminals},
        ignored=tuple(parser.ignore_tokens),
        actions=tuple({name: row[name] for name in row if name not in nonterminals} for row in numbered_rows),
        gotos=tuple({name: row[name] for name in row if name in nonterminals} for row in numbered_rows),
        rules=tuple(tuple(_describe_rule(rule)) for rule in parser.rules),
        start=state_numbers[start],
        final=state_numbers[final],
    )


def generate_module(grammar: str) -> str:
    """Return the Python text of compiled.py: the fields of the Table, as literals."""
    return f"{HEADER}TABLE: tuple[object, ...] = {tuple(compute_table(grammar))!r}\n"


def build(folder: Path = FOLDER) -> Path:
    """Write compiled.py into the folder, unless it is up to date, and return its path."""
    target = folder / "compiled.py"
    text = generate_module(read_grammar())
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")
    return target


def _states_in_order(rows: dict[int, dict[str, Any]], start: int) -> Iterator[int]:
    """Yield the states in the order in which the parser can reach them.

    The order in which lark numbers the states differs from run to run; a wheel must be reproducible.
    """
    reached = [start]
    for state in reached:  # the loop appends to this list
        yield state
        for _, (action, target) in sorted(rows[state].items()):
            if action == SHIFT and target not in reached:
                reached.append(target)


def _priority(terminal: TerminalDef) -> tuple[Any, ...]:
    """Return the key by which lark sorts the terminals that it tries."""
    pattern = terminal.pattern
    return -terminal.priority, -pattern.max_width, -len(pattern.value), terminal.name


def _check_terminals(terminals: Sequence[TerminalDef]) -> None:
    """Check that, of the terminals that a state accepts, no string matches a regular expression of the same priority.

    lark would prefer the string; the parser in lalr.py takes the first terminal that matches.
    """
    strings = [terminal for terminal in terminals if isinstance(terminal.pattern, PatternStr)]
    expressions = [terminal for terminal in terminals if terminal not in strings]
    for string, expression in product(strings, expressions):
        is_matched = re.fullmatch(expression.pattern.to_regexp(), string.pattern.value)
        if is_matched and string.priority == expression.priority:
            raise ValueError(f"{string.name} is matched by {expression.name}, too: give one of them a higher priority")


def _describe_rule(rule: LarkRule) -> Rule:
    """Return a rule, with the parts that lark puts into the tree.

    A terminal is left out if its name begins with an underscore, or if the rule contains it as a literal such as ",".
    If the name of a rule begins with an underscore, its parts become parts of the rule around it.
    """
    is_absent = rule.options.empty_indices or [False] * len(rule.expansion)
    symbols = enumerate(rule.expansion)
    parts: list[tuple[int, bool, int]] = []
    nones = 0
    for absent in is_absent:
        if absent:
            nones += 1
            continue
        index, symbol = next(symbols)
        if not (isinstance(symbol, Terminal) and symbol.filter_out):
            parts.append((index, _is_list(symbol), nones))
            nones = 0
    is_transparent = rule.options.expand1 and not rule.alias
    has_one_part = len(parts) == 1 and not parts[0][1] and not any(is_absent)
    is_value = _is_list(rule.origin) or (is_transparent and has_one_part)
    method = "" if is_value else str(rule.alias or rule.origin.name)
    return Rule(str(rule.origin.name), len(rule.expansion), method, is_transparent, tuple(parts), nones)


def _is_list(symbol: Symbol) -> bool:
    return not symbol.is_term and symbol.name.startswith("_")


if __name__ == "__main__":
    print(build())  # noqa: T201 -- the path of the table
