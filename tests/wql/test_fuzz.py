"""Fuzz tests of wql: any text gives a tree or a rejection, and nothing else.

Queries that people write are cut, joined and sprinkled with what the grammar knows, by a generator that is the same
in every run. LOGONSCOPE_FUZZ says how many texts; `make fuzz` tries 200,000.
"""

import os
import random
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from logonscope.broker.plan import plan
from logonscope.errors import LogonscopeError
from logonscope.wql.parse import MAX_DEPTH, MAX_JUNCTIONS, MAX_QUERY_LENGTH, parse
from logonscope.wql.write import write_statement
from tests import example
from tests.broker.asked_in_wql import asked
from tests.broker.memory import Memory
from tests.hosts import ROOT

FOLDER = Path(__file__).parents[1] / "broker/queries"
QUERIES = [query.text for path in sorted(FOLDER.glob("*.txt")) for query in asked(path.read_text(encoding="utf-8"))]
TEXTS = int(os.environ.get("LOGONSCOPE_FUZZ", "3000"))
SEED = 20_260_101
MEMORY = 64 << 20
"""Bytes that the dearest text may take for a moment."""

PIECES = [
    *"'\"\\{}()[]%_*,.;:=<>@#-+ \t\n\r\x00\x7f\x80\xa0\u2028\ufeff\U0001f600\ud800",
    *("SELECT", "FROM", "WHERE", "WITHIN", "GROUP", "BY", "HAVING", "AND", "OR", "NOT", "IS", "ISA", "NULL", "TRUE"),
    *("FALSE", "LIKE", "OF", "ASSOCIATORS", "REFERENCES", "meta_class", "Win32_Process", "Handle", "TargetInstance."),
    *("__this", "__PATH", "KeysOnly", "SchemaOnly", "AssocClass=", "<=", "<>", "!=", "==", "0x", "0xff", "1e9", "-.5"),
    *("1e999", "1.", "''", '""', "\\'", "{}", "{'", "9" * 400, "(" * 40, ")" * 40, "NOT " * 40, " AND a=1" * 40),
]


def texts(count: int) -> Iterator[str]:
    """Yield that many texts, each made of a query by a few changes."""
    chance = random.Random(SEED)  # noqa: S311 -- to be the same in every run
    for _ in range(count):
        text = chance.choice(QUERIES)
        for _ in range(chance.randrange(1, 6)):
            start = chance.randrange(len(text) + 1)
            end = min(len(text), start + chance.choice((0, 0, 1, 1, 2, 5, 20)))
            kept = text[start:end]
            put = chance.choice((chance.choice(PIECES), kept + kept, kept[::-1], "", chance.choice(QUERIES)[start:end]))
            text = text[:start] + put + text[end:]
        yield text


def test_any_text_gives_a_tree_or_a_refusal() -> None:
    request = Memory(example.snapshot()).request(ROOT)
    outcomes = {"tree": 0, "plan": 0, "refusal": 0}
    for text in texts(TEXTS):
        try:
            tree = parse(text)
            outcomes["tree"] += 1
            assert parse(write_statement(tree)) == tree, text
            plan(request, text)
            outcomes["plan"] += 1
        except LogonscopeError:
            outcomes["refusal"] += 1
    assert all(count > TEXTS / 100 for count in outcomes.values()), outcomes


def test_the_dearest_texts_take_little_memory() -> None:
    condition = "a=1 OR " * MAX_JUNCTIONS + "a=1"
    dearest = [
        f"SELECT * FROM C WHERE {condition}",
        f"SELECT * FROM C WHERE {'(' * MAX_DEPTH}{condition}{')' * MAX_DEPTH}",
        "SELECT * FROM C WHERE a = '".ljust(MAX_QUERY_LENGTH // 2 * 2, "\\"),
        "SELECT " + ",".join("a" * (MAX_QUERY_LENGTH // 2 - 20)) + " FROM C",
        "ASSOCIATORS OF {" + "'" * (MAX_QUERY_LENGTH - 20) + "}",
        "SELECT * FROM C WHERE " + "(" * (MAX_QUERY_LENGTH - 30),
        "(" * MAX_QUERY_LENGTH * 100,
    ]
    parse("SELECT * FROM C")
    for text in dearest:
        tracemalloc.start()
        with suppress(LogonscopeError):
            parse(text)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MEMORY, text[:60]
