"""What do the commands on classes and instances share? Their arguments, and how an instance is printed."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from logonscope.faces.cli.output import Column, print_object, print_rows, when
from logonscope.faces.cli.run import FOUND
from logonscope.faces.cli.text import cells, crop, for_terminal, width

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance

MOST_IN_A_TABLE = 4
"""Properties that are shown as a table; more are shown one below the other, as PowerShell's Format-List has it."""

MOST_BYTES = 24
"""Bytes of an array that people are shown."""

SAMPLE = 200
"""Rows that decide how wide the columns of a table are; the rest is printed as it comes."""

_MOMENT = "%Y-%m-%d %H:%M:%S %z"


def add_namespace(parser: argparse.ArgumentParser) -> None:
    """Add -n NAMESPACE."""
    parser.add_argument(
        "-n", "--namespace", metavar="NAMESPACE",
        help=r"where the class is: root\cimv2 (the default) or root\logonscope; slashes lean either way",
    )  # fmt: skip


def add_properties(parser: argparse.ArgumentParser) -> None:
    """Add -p NAMES and --system."""
    parser.add_argument(
        "-p", "--properties", metavar="NAME,NAME", type=_names, help="only these properties, in this order"
    )
    parser.add_argument("--system", action="store_true", help="the system properties too: __CLASS, __PATH, ...")


def add_path(parser: argparse.ArgumentParser) -> None:
    """Add the argument PATH."""
    parser.add_argument(
        "path", metavar="PATH", help="an object path, as Win32_Process.Handle=4312 or Win32_Process=4312"
    )


def print_instance(args: argparse.Namespace, found: "Instance") -> int:
    """Print one instance; return the exit code."""
    named = _object(args, found)
    if args.output == "table":
        _print_class(args, iter((named,)))
    else:
        print_object(args, named)
    return FOUND


def print_instances(args: argparse.Namespace, instances: Iterator["Instance"], nothing: str = "") -> int:
    """Print instances as they come; return the exit code.

    Args:
        args: the command line; its output chooses the format.
        instances: the instances.
        nothing: what to say where there is none.
    """
    if args.output in {"json", "jsonl"}:
        return print_rows(args, (_object(args, found) for found in instances), nothing=nothing)
    objects = ((found.cim_class.name, _object(args, found)) for found in instances)
    some = False
    for _, group in groupby(objects, _heading if args.output == "csv" else _class):
        if some:
            print()
        some = True
        _print_class(args, (named for _, named in group))
    return FOUND if some else print_rows(args, (), nothing=nothing)


def _class(pair: tuple[str, dict[str, Any]]) -> object:
    return pair[0]


def _heading(pair: tuple[str, dict[str, Any]]) -> object:
    return tuple(pair[1])


def _print_class(args: argparse.Namespace, rows: Iterator[dict[str, Any]]) -> None:
    """Print instances with the same properties, of which there are some."""
    sample = list(islice(rows, SAMPLE))
    names, all_rows = list(sample[0]), chain(sample, rows)
    if args.output == "csv":
        print_rows(args, all_rows)
    elif args.properties or len(names) <= MOST_IN_A_TABLE:
        print_rows(args, all_rows, [_column(name, sample) for name in names])
    else:
        _print_lists(names, all_rows)


def _print_lists(names: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    """Print the properties of each row one below the other, but for those that are null."""
    room, widest = width(), max(map(len, names))
    for at, row in enumerate(rows):
        if at:
            print()
        for name, value in row.items():
            parts = value if isinstance(value, list) else [value] if value is not None else []
            for line, part in enumerate(parts):
                print(crop(f"{'' if line else name:{widest}} {' ' if line else ':'} {for_terminal(shown(part))}", room))


def _column(name: str, sample: Iterable[dict[str, Any]]) -> Column:
    def show(row: dict[str, Any]) -> str:
        return "-" if row[name] is None else shown(row[name])

    return Column(name, max(len(name), *(cells(for_terminal(show(row))) for row in sample)), show)


def _object(args: argparse.Namespace, found: "Instance") -> dict[str, Any]:
    """Return an instance as an object: its properties by name."""
    if args.system:
        return found.system_properties() | found.properties()
    return found.properties()


def shown(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return when(value, _MOMENT)
    if isinstance(value, bytes):
        more = f" ... ({len(value)} bytes)" if len(value) > MOST_BYTES else ""
        return value[:MOST_BYTES].hex(" ") + more
    if isinstance(value, list):
        return "{" + ", ".join(map(shown, value)) + "}"
    return str(value)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
