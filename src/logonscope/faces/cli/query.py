"""``logonscope query 'TEXT'``: what does a WQL query answer?"""

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, cast

from logonscope.client import Host
from logonscope.errors import QuotaViolationError
from logonscope.faces.cli.cim import add_namespace, add_system, print_instances
from logonscope.faces.cli.classes import print_classes
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.output import print_object, print_rows
from logonscope.faces.cli.text import for_terminal

if TYPE_CHECKING:
    from logonscope.answers.explanation import Explanation, PartExplained
    from logonscope.cim.instances import Instance

_PARTS = ("class", "properties", "fixed", "reads", "predicate")
MAX_INPUT_CHARACTERS = 1 << 20
"""Characters that are read from standard input."""

EXAMPLES = r"""
WQL as on Windows: keywords, names and texts without regard to case; % and _ and [a-f] in LIKE; a backslash in a text is
written twice. Times: '2026-01-01T10:00:00+00:00', or DMTF's '20260101100000.000000+000'.

examples:
  logonscope query "SELECT Handle, Name, CommandLine FROM Win32_Process WHERE Name LIKE '%ssh%'"
  logonscope query "SELECT * FROM Win32_LogonSession WHERE LogonType = 2 OR LogonType = 10"
  logonscope query "ASSOCIATORS OF {Win32_Process=4312} WHERE ResultClass = Win32_LogonSession"
  logonscope query "REFERENCES OF {Win32_LogonSession.LogonId=41} WHERE ClassDefsOnly"
  logonscope query "SELECT * FROM meta_class WHERE __this ISA 'Win32_Account'"
  logonscope query "SELECT Dependent, User FROM LS_SessionProcess WHERE Leftover = TRUE" -n root/logonscope -o jsonl
  logonscope query --explain "SELECT Name FROM Win32_Process WHERE Handle = 1"
                                       which class, what is fixed, what will be read, what is left as a predicate
  logonscope query - < query.wql       from standard input
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what this command takes."""
    parser.add_argument("text", metavar="TEXT", help="the query, between quotes; - reads it from standard input")
    parser.add_argument("--explain", action="store_true", help="do not answer; say how the query would be answered")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="give up after so many seconds")
    add_system(parser)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the answer."""
    from logonscope.cim.classes import Class  # noqa: PLC0415 -- to understand a command line needs no classes

    if args.text == "-":
        args.text = _read_input()  # kept: --watch asks again
    text = args.text
    if args.explain:
        return _print_explanation(args, host.explain(text, namespace=args.namespace))
    found = host.query_any(text, namespace=args.namespace, timeout=args.timeout)
    nothing = "nothing fits that query" + ("" if host.everything else ", or nothing that you may see")
    first = next(found, None)
    answers = () if first is None else chain((first,), found)
    if isinstance(first, Class):
        return print_classes(args, cast("Iterator[Class]", answers), nothing)
    args.properties = _selected_properties(first)
    headed = not text.lstrip().upper().startswith("SELECT")
    return print_instances(args, cast("Iterator[Instance]", iter(answers)), nothing, headed=headed)


def _read_input() -> str:
    text = sys.stdin.read(MAX_INPUT_CHARACTERS + 1)
    if len(text) > MAX_INPUT_CHARACTERS:
        raise QuotaViolationError(f"more than {MAX_INPUT_CHARACTERS:,} characters of a query", "give a shorter one")
    return text.removeprefix("\ufeff")  # editors of Windows begin a file with it


def _selected_properties(first: "Instance | None") -> list[str] | None:
    """Return the properties that a query named; None where it named none."""
    if first is None or tuple(first) == tuple(first.cim_class.properties):
        return None
    return list(first.keys())


def _print_explanation(args: argparse.Namespace, told: "Explanation") -> int:
    if args.output == "csv":
        print_rows(args, [_csv_row(told, part) for part in told.parts])
        return FOUND
    if args.output != "table":
        print_object(args, told._asdict() | {"parts": [part._asdict() for part in told.parts]})
        return FOUND
    print(f"{told.asks_for} of {for_terminal(told.of)}")
    for part in told.parts:
        for name, words in _part_lines(part):
            print(f"  {name:12}{for_terminal(words)}")
    return FOUND


def _csv_row(told: "Explanation", part: "PartExplained") -> dict[str, str]:
    """Return a part as a row of CSV: what there is several of stands in one field, parted by semicolons."""
    row = {"asks_for": told.asks_for, "of": told.of} | dict.fromkeys(_PARTS, "")
    for name, words in _part_lines(part):
        row[name] = f"{row[name]}; {words}" if row[name] else words
    return row


def _part_lines(part: "PartExplained") -> Iterator[tuple[str, str]]:
    yield "class", part.class_name
    if part.properties:
        yield "properties", ", ".join(part.properties)
    for name, values in part.fixed.items():
        yield "fixed", f"{name} = {' or '.join(values)}"
    for words in part.reads:
        yield "reads", words
    if part.predicate is not None:
        yield "predicate", part.predicate
