"""Options of a listing: which columns, in which order; and the listing itself, in every format."""

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from logonscope.client import Host
from logonscope.faces.cli.columns import ALL, Column, find_column, select_columns
from logonscope.faces.cli.output import print_rows
from logonscope.faces.cli.parser import set_completion


def add_listing(parser: argparse.ArgumentParser, command: str, columns: Sequence[Column]) -> None:
    """Add --columns, --sort, --reverse and --no-header."""
    group = parser.add_argument_group("options of a list")
    names = f"show these columns, in this order, or all: {', '.join(column.name for column in columns)}"
    option = group.add_argument("--columns", metavar="NAME,NAME", type=_parse_names, action="extend", help=names)
    set_completion(option, f"columns_{command}")
    order = "sort by this column; what is not known comes last"
    set_completion(group.add_argument("--sort", metavar="COLUMN", help=order), f"columns_{command}")
    group.add_argument("--reverse", action="store_true", help="the last line first")
    group.add_argument("--no-header", action="store_true", help="without the line of headings")


def print_listing(
    host: Host, args: argparse.Namespace, rows: Iterable[Any], columns: Sequence[Column], nothing: str
) -> int:
    """Print rows as the options of a listing say; return the exit code.

    Raises:
        InvalidParameterError: there is no such column.
    """
    shown = columns if args.columns is None else select_columns(args.columns, columns)
    if args.sort is not None:
        rows = _sort_rows(rows, find_column(args.sort, columns), reverse=args.reverse)
    elif args.reverse:
        rows = list(rows)[::-1]
    if args.columns is not None and args.output in {"json", "jsonl", "csv"}:
        rows = ({column.field or column.name: column.value(row) for column in shown} for row in rows)
    return print_rows(args, rows, shown, nothing, lambda: host.moment)


def check_listing(args: argparse.Namespace, columns: Sequence[Column]) -> None:
    """Check the names of columns, before anything is asked.

    Raises:
        InvalidParameterError: there is no such column.
    """
    select_columns(args.columns or (), columns)
    if args.sort is not None:
        find_column(args.sort, columns)


def _sort_rows(rows: Iterable[Any], column: Column, *, reverse: bool) -> list[Any]:
    """Return the rows by a column, either way round with those at the end of which nothing is known."""
    rows = list(rows)
    known = [row for row in rows if column.value(row) is not None]
    unknown = [row for row in rows if column.value(row) is None]
    return sorted(known, key=column.sort_key, reverse=reverse) + unknown


def _parse_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"invalid value {text!r}: expected names of columns, or {ALL}")
    return names
