"""``logonscope query 'TEXT'``: the result of a WQL query, or how it would be read (--explain)."""

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, cast

from logonscope.client import Host
from logonscope.errors import QuotaViolationError
from logonscope.faces.cli.cim import add_namespace, add_system, print_instances
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.output import print_object, print_rows
from logonscope.faces.cli.text import for_terminal

if TYPE_CHECKING:
    from logonscope.answers.explanation import Explanation, PartExplained
    from logonscope.cim.instances import Instance

_EXPLANATION_COLUMNS = ("class", "properties", "fixed", "reads", "predicate")
"""The columns in CSV of one part of an explanation; before them are asks_for and subject of the whole explanation."""

MAX_INPUT_CHARACTERS = 1 << 20
"""Maximum number of characters of a query on standard input."""

EPILOG = r"""
WQL as on Windows: keywords, names and strings are case-insensitive; LIKE has %, _ and [a-f]; a backslash in a string is
written twice. Times: '2026-01-01T10:00:00+00:00', or the DMTF format '20260101100000.000000+000'.

examples:
  logonscope query "SELECT Handle, Name, CommandLine FROM Win32_Process WHERE Name LIKE '%ssh%'"
  logonscope query "SELECT * FROM Win32_LogonSession WHERE LogonType = 2 OR LogonType = 10"
  logonscope query "ASSOCIATORS OF {Win32_Process=4312} WHERE ResultClass = Win32_LogonSession"
  logonscope query "REFERENCES OF {Win32_LogonSession.LogonId=41} WHERE ClassDefsOnly"
  logonscope query "SELECT * FROM meta_class WHERE __this ISA 'Win32_Account'"
  logonscope query "SELECT Dependent, User FROM LS_SessionProcess WHERE Leftover = TRUE" -n root/logonscope -o jsonl
  logonscope query --explain "SELECT Name FROM Win32_Process WHERE Handle = 1"
                                       prints class and properties; "fixed": the properties that the condition limits
                                       to listed values, so that only matching instances are read; "reads": the facts
                                       that are read; "predicate": the part of the condition that this reading does not
                                       guarantee
  logonscope query - < query.wql       from standard input
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("text", metavar="TEXT", help="the query, in quotes; - reads it from standard input")
    parser.add_argument("--explain", action="store_true", help="print what the query would read, without running it")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="fail after this time")
    add_system(parser)
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the result; return the exit code."""
    from logonscope.cim.classes import Class  # noqa: PLC0415 -- to parse a command line needs no classes

    if args.text == "-":
        # keep the text: --watch runs this function again, and standard input is then at its end
        args.text = _read_input()
    text = args.text
    if args.explain:
        return _print_explanation(args, host.explain(text, namespace=args.namespace))
    results = host.query_any(text, namespace=args.namespace, timeout=args.timeout)
    empty_message = "no instance matches the query" + ("" if host.sees_everything else ", or none that you may see")
    # the first result shows whether the query returns classes or instances, and which properties
    first_result = next(results, None)
    all_results = () if first_result is None else chain((first_result,), results)
    if isinstance(first_result, Class):
        from logonscope.faces.cli.classes import print_classes  # noqa: PLC0415 -- most queries return instances

        return print_classes(args, cast("Iterator[Class]", all_results), empty_message)
    args.properties = _selected_properties(first_result)
    headed = not text.lstrip().upper().startswith("SELECT")
    return print_instances(args, cast("Iterator[Instance]", iter(all_results)), empty_message, headed=headed)


def _read_input() -> str:
    """Return the query on standard input.

    Raises:
        QuotaViolationError: the query is too long.
    """
    text = sys.stdin.read(MAX_INPUT_CHARACTERS + 1)
    if len(text) > MAX_INPUT_CHARACTERS:
        raise QuotaViolationError(f"query too long: more than {MAX_INPUT_CHARACTERS:,} characters", "WQL allows 16,384")
    # editors of Windows write a byte order mark
    return text.removeprefix("\ufeff")


def _selected_properties(first_instance: "Instance | None") -> list[str] | None:
    """Return the properties that a query selects by name; None: it selects all of them, or has no result."""
    if first_instance is None or tuple(first_instance) == tuple(first_instance.cim_class.properties):
        return None
    return list(first_instance.keys())


def _print_explanation(args: argparse.Namespace, explanation: "Explanation") -> int:
    if args.output == "csv":
        print_rows(args, [_csv_row(explanation, part) for part in explanation.parts])
        return FOUND
    if args.output != "table":
        print_object(args, explanation._asdict() | {"parts": [part._asdict() for part in explanation.parts]})
        return FOUND
    print(f"{explanation.asks_for} of {for_terminal(explanation.subject)}")
    for part in explanation.parts:
        for name, text in _part_lines(part):
            print(f"  {name:12}{for_terminal(text)}")
    return FOUND


def _csv_row(explanation: "Explanation", part: "PartExplained") -> dict[str, str]:
    """Return a part of an explanation as a row of CSV: several values of a field are joined by semicolons."""
    row = {"asks_for": explanation.asks_for, "subject": explanation.subject} | dict.fromkeys(_EXPLANATION_COLUMNS, "")
    for name, text in _part_lines(part):
        row[name] = f"{row[name]}; {text}" if row[name] else text
    return row


def _part_lines(part: "PartExplained") -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each line about a part of an explanation."""
    yield "class", part.class_name
    if part.properties:
        yield "properties", ", ".join(part.properties)
    for name, values in part.fixed.items():
        yield "fixed", f"{name} = {' or '.join(values)}"
    for text in part.reads:
        yield "reads", text
    if part.predicate is not None:
        yield "predicate", part.predicate
