"""Build step of WQL's parser: computes the parse table of grammar.lark and writes compiled.py.

The build runs it (hatch_build.py), because to compute the table takes ten times as long as to load it. After changing
the grammar, run ``python -m logonscope.wql.build``; until then every process computes it at its first query.
"""

from pathlib import Path
from typing import Any

import lark
from lark.grammar import Rule
from lark.lexer import TerminalDef

from logonscope.wql.grammar import OPTIONS, read_grammar

FOLDER = Path(__file__).parent
HEADER = '"""The parse table of WQL, generated from grammar.lark by build.py. Do not edit."""\n\n'

SHIFT = 0
"""The number of lark's action "go to a state"; the other action is "apply a rule"."""


def generate_module(grammar: str) -> str:
    """Return the Python text of compiled.py: lark's own serialization, as dictionaries, and what it is made from."""
    data, memo = lark.Lark(grammar, **OPTIONS).memo_serialize([TerminalDef, Rule])
    data["parser"]["parser"] = _renumbered(data["parser"]["parser"])
    source = f"LARK_VERSION = {lark.__version__!r}\nGRAMMAR = {grammar!r}\n"
    return f"{HEADER}{source}DATA: dict[str, object] = {data!r}\nMEMO: dict[int, object] = {memo!r}\n"


def build(folder: Path = FOLDER) -> Path:
    """Write compiled.py into the folder and return its path."""
    target = folder / "compiled.py"
    text = generate_module(read_grammar())
    if not target.exists() or target.read_text(encoding="utf-8") != text:
        target.write_text(text, encoding="utf-8")
    return target


def _renumbered(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table with its tokens in alphabetical order, and its states in the order in which they are reached.

    lark numbers both in the order of sets, which differs from run to run; wheels should be reproducible.
    """
    names, starts = table["tokens"], table["start_states"]
    token_numbers = {name: number for number, name in enumerate(sorted(names.values()))}
    actions = {
        state: {name: row[token] for token, name in sorted(names.items(), key=lambda pair: pair[1]) if token in row}
        for state, row in table["states"].items()
    }
    reached = dict.fromkeys(starts.values())
    waiting = list(reached)
    for state in waiting:
        for action, target in actions[state].values():
            if action == SHIFT and target not in reached:
                reached[target] = None
                waiting.append(target)
    state_numbers = {state: number for number, state in enumerate(reached)}
    states = {
        state_numbers[state]: {
            token_numbers[name]: (action, state_numbers[target] if action == SHIFT else target)
            for name, (action, target) in actions[state].items()
        }
        for state in reached
    }
    return {
        **table,
        "tokens": {number: name for name, number in token_numbers.items()},
        "states": states,
        "start_states": {name: state_numbers[state] for name, state in starts.items()},
        "end_states": {name: state_numbers[state] for name, state in table["end_states"].items()},
    }


if __name__ == "__main__":
    print(build())  # noqa: T201 -- says what was written
