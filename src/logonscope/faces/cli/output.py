"""How is a row printed? As a line for people, streamed with fixed columns as ps(1) does, or as JSON or CSV."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from logonscope.answers.jsonable import jsonable
from logonscope.answers.logon_session import LogonSession
from logonscope.faces.cli.codes import FOUND, NOTHING_FOUND
from logonscope.faces.cli.refusal import notice
from logonscope.faces.cli.text import cells, crop, for_terminal, width

WIDE = 110
"""Columns of a terminal from which every column of a list is shown."""


class Column(NamedTuple):
    """A column of a list: its heading, how wide it is, and what it shows of a row."""

    heading: str
    columns: int  # where rows are printed as they come; a longer text pushes the rest to the right
    show: Callable[[Any], str]
    wide: bool = False  # shown only where there is room: no terminal, or WIDE columns


def print_rows(args: argparse.Namespace, rows: Iterable[Any], columns: Sequence[Column] = (), nothing: str = "") -> int:
    """Print rows as they come; return the exit code.

    Args:
        args: the command line; its output chooses the format.
        rows: NamedTuples.
        columns: of the format for people.
        nothing: what to say where there is no row: what was not found, and what to do; "" where it has been said.
    """
    printers = {"json": _print_json, "jsonl": _print_jsonl, "csv": _print_csv}
    count = printers[args.output](rows) if args.output in printers else _print_lines(rows, columns)
    if not count and nothing:
        notice(args, nothing)
    return FOUND if count else NOTHING_FOUND


def print_object(args: argparse.Namespace, named: Mapping[str, Any]) -> None:
    """Print the one thing that was asked for, for a script: a JSON object, or a line of CSV below its heading."""
    printers = {"jsonl": _print_jsonl, "csv": _print_csv}
    if args.output in printers:
        printers[args.output]((named,))
        return
    import json  # noqa: PLC0415 -- people's format needs none

    ascii_only = sys.stdout.isatty()
    pairs = (
        f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=ascii_only)}" for name, value in jsonable(named).items()
    )
    print("{\n" + ",\n".join(pairs) + "\n}")


def counted(number: int | None, noun: str) -> str:
    """Return a number with its noun: "1 process", "2 processes"."""
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{ending}"


def is_approximate(session: LogonSession) -> bool:
    """Tell whether its start is an approximation, as its source says."""
    return session.sources.get("start", "").startswith("approx")


def when(moment: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a time for people, in the local zone."""
    return "" if moment is None else moment.astimezone().strftime(form)


def _print_lines(rows: Iterable[Any], columns: Sequence[Column]) -> int:
    """Print a line a row: rows that are all there already in columns as wide as they need, others as they come."""
    room, count = width(), 0
    columns = [column for column in columns if not column.wide or room is None or room >= WIDE]
    headings = [column.heading for column in columns]
    widths = [column.columns for column in columns]
    shown: Iterable[list[str]] = ([for_terminal(column.show(row)) for column in columns] for row in rows)
    if isinstance(rows, list):
        shown = list(shown)
        widths = [max(map(cells, texts)) for texts in zip(headings, *shown, strict=True)]
    for count, texts in enumerate(shown, 1):
        if count == 1:
            print(crop(_line(widths, headings), room))
        print(crop(_line(widths, texts), room))
    return count


def _line(widths: Sequence[int], texts: Sequence[str]) -> str:
    """Pad all texts but the last: how wide a whole command line is need not be known."""
    pairs = zip(widths[:-1], texts[:-1], strict=True)
    return "  ".join([*(text + " " * (columns - cells(text)) for columns, text in pairs), texts[-1]])


def _print_json(rows: Iterable[Any]) -> int:
    import json  # noqa: PLC0415 -- people's format needs none

    count = 0
    for count, row in enumerate(rows, 1):
        print("[" if count == 1 else ",")
        print(json.dumps(jsonable(row), ensure_ascii=sys.stdout.isatty()), end="")
    print("\n]" if count else "[]")
    return count


def _print_jsonl(rows: Iterable[Any]) -> int:
    import json  # noqa: PLC0415 -- people's format needs none

    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 -- the count is what is returned
        print(json.dumps(jsonable(row), ensure_ascii=sys.stdout.isatty()), flush=True)
    return count


def _print_csv(rows: Iterable[Any]) -> int:
    import csv  # noqa: PLC0415 -- people's format needs none

    writer, count = csv.writer(sys.stdout, lineterminator="\n"), 0
    for count, row in enumerate(rows, 1):
        flat = _flat(jsonable(row))
        if count == 1:
            writer.writerow(flat)
        writer.writerow([_field(value) for value in flat.values()])
    return count


def _field(value: object) -> object:
    """Return a value for CSV, which has no escapes of its own: made safe where a terminal shows it."""
    if value is None:
        return ""
    return for_terminal(value) if isinstance(value, str) and sys.stdout.isatty() else value


def _flat(named: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the single values of an object, those of an inner one under "inner_name"; no lists, no sources."""
    flat: dict[str, Any] = {}
    for name, value in named.items():
        if name in {"sources", "unread"} or isinstance(value, list):
            continue
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}_")
        else:
            flat[prefix + name] = value
    return flat
