"""Options of the commands that print a list (columns, order), and the printing of a list in every format."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

from logonscope.client import Host
from logonscope.faces.cli.columns import ALL, ListColumn, find_column, select_columns
from logonscope.faces.cli.output import EmptyMessage, print_rows
from logonscope.faces.cli.parser import set_completion


def add_listing(parser: argparse.ArgumentParser, command: str, columns: Sequence[ListColumn]) -> None:
    """Add --columns, --sort, --reverse and --no-header."""
    group = parser.add_argument_group("options of a list")
    columns_help = f"show these columns, in this order, or all: {', '.join(column.name for column in columns)}"
    option = group.add_argument("--columns", metavar="NAME,NAME", type=_parse_names, action="extend", help=columns_help)
    set_completion(option, f"columns_{command}")
    sort_help = "sort by this column; unknown values come last"
    set_completion(group.add_argument("--sort", metavar="COLUMN", help=sort_help), f"sort_{command}")
    group.add_argument("--reverse", action="store_true", help="reverse the order of the lines")
    group.add_argument("--no-header", action="store_true", help="do not print the line of headings")


def _itself(row: Any) -> Any:
    return row


def print_listing(
    host: Host,
    args: argparse.Namespace,
    rows: Iterable[Any],
    columns: Sequence[ListColumn],
    empty_message: EmptyMessage,
) -> int:
    """Print rows with the options that add_listing adds; return the exit code.

    Raises:
        InvalidParameterError: a column does not exist, or is named twice.
    """
    shown_columns = columns if args.columns is None else select_columns(args.columns, columns)
    rows = order_rows(args, rows, columns)
    if args.columns is not None and args.output in {"json", "jsonl", "csv"}:
        rows = ({column.field or column.name: column.value(row) for column in shown_columns} for row in rows)
    return print_rows(args, rows, shown_columns, empty_message, partial(_read_time, host))


def _read_time(host: Host) -> datetime:
    """Return the time that the rows describe: the time of the recording or of --at, otherwise the current time."""
    return host.moment


def check_listing(args: argparse.Namespace, columns: Sequence[ListColumn]) -> None:
    """Check the columns of --columns and --sort before the host is read.

    Raises:
        InvalidParameterError: a column does not exist, or is named twice.
    """
    select_columns(args.columns or (), columns)
    if args.sort is not None:
        find_column(args.sort, columns)


def order_rows(
    args: argparse.Namespace,
    items: Iterable[Any],
    columns: Sequence[ListColumn],
    row_of: Callable[[Any], Any] = _itself,
) -> Iterable[Any]:
    """Return items in the order of --sort and --reverse; in both directions, items without a value come last.

    Args:
        args: the command line.
        items: rows, or objects from each of which ``row_of`` returns a row.
        columns: the columns of the rows.
        row_of: returns the row of an item.

    Raises:
        InvalidParameterError: --sort names a column that does not exist.
    """
    if args.sort is None:
        return list(items)[::-1] if args.reverse else items
    column = find_column(args.sort, columns)
    with_key, without_value = list[tuple[Any, Any]](), list[Any]()
    for item in items:
        row = row_of(item)
        if column.value(row) is None:
            without_value.append(item)
        else:
            with_key.append((column.sort_key(row), item))
    return [item for _, item in sorted(with_key, key=itemgetter(0), reverse=args.reverse)] + without_value


def _parse_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"invalid value {text!r}: expected names of columns, or {ALL}")
    return names
