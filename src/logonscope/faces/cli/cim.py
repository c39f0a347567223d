"""What do the commands on classes and instances share? Their arguments, and how an instance is printed."""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from logonscope.answers.logon_session import LOGON_TYPES
from logonscope.faces.cli.columns import Column
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.output import print_object, print_rows
from logonscope.faces.cli.parser import set_completion
from logonscope.faces.cli.text import cell_width, crop, for_terminal, format_time, styled, terminal_width, wants_color

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance

MAX_TABLE_PROPERTIES = 4
"""Properties that are shown as a table; more are shown one below the other, as PowerShell's Format-List has it."""

SAMPLE = 200
"""Rows that decide how wide the columns of a table are; the rest is printed as it comes."""

MIN_LAST_COLUMN_CELLS = 20
"""Columns of a terminal that the last column of a table must have; else properties stand one below the other."""

REFERENCE = "\\\\.\\"
"""How a reference begins: what it names stands at its end, and must not be cut."""

MAX_BYTES_SHOWN = 24
"""Bytes of an array that people are shown."""

LOGON_TYPE = "LogonType"
"""The property whose numbers have words (Win32_LogonSession)."""

_MOMENT = "%Y-%m-%d %H:%M:%S %z"

PropertyValues = dict[str, Any]


def add_namespace(parser: argparse.ArgumentParser) -> None:
    """Add -n NAMESPACE."""
    namespace = parser.add_argument(
        "-n", "--namespace", metavar="NAMESPACE",
        help="where the class is: root/cimv2 (the default) or root/logonscope; slashes lean either way",
    )  # fmt: skip
    set_completion(namespace, "namespaces")


def add_properties(parser: argparse.ArgumentParser) -> None:
    """Add -p NAMES and --system."""
    parser.add_argument(
        "-p", "--properties", metavar="NAME,NAME", type=_parse_names, action="extend",
        help="only these properties, in this order; also the system's, as __PATH and __CLASS",
    )  # fmt: skip
    add_system(parser)


def add_system(parser: argparse.ArgumentParser) -> None:
    """Add --system."""
    parser.add_argument("--system", action="store_true", help="all system properties too, __GENUS to __PATH")


def add_path(parser: argparse.ArgumentParser) -> None:
    """Add the argument PATH."""
    parser.add_argument(
        "path", metavar="PATH",
        help="an object path, as Win32_Process=4312; one with quotes or backslashes between single quotes",
    )  # fmt: skip


def add_class(parser: argparse.ArgumentParser, *words: str, **options: Any) -> None:
    """Add an argument that is the name of a class."""
    set_completion(parser.add_argument(*words, **options), "classes")


def print_instance(args: argparse.Namespace, found: "Instance") -> int:
    """Print one instance; return the exit code."""
    named = _property_values(args, found)
    if args.output == "table":
        _print_class(args, iter((named,)))
    else:
        print_object(args, _flatten_arrays(named) if args.output == "csv" else named)
    return FOUND


def print_instances(
    args: argparse.Namespace, instances: Iterator["Instance"], nothing: str = "", *, headed: bool = False
) -> int:
    """Print instances as they come; return the exit code.

    Args:
        args: the command line; its output chooses the format.
        instances: the instances.
        nothing: what to say where there is none.
        headed: the name of each class stands above its instances.
    """
    if args.output in {"json", "jsonl"}:
        return print_rows(args, (_property_values(args, found) for found in instances), empty_message=nothing)
    objects = ((found.cim_class.name, _property_values(args, found)) for found in instances)
    if args.output == "csv":
        return print_rows(args, _unify_columns(objects), empty_message=nothing)
    some = False
    for name, group in groupby(objects, lambda pair: pair[0]):  # a class has its own columns
        if some:
            print()
        some = True
        if headed:
            print(styled(name, "bold", color=wants_color(args)))
        _print_class(args, (named for _, named in group))
    return FOUND if some else print_rows(args, (), empty_message=nothing)


def _unify_columns(objects: Iterable[tuple[str, PropertyValues]]) -> Iterator[PropertyValues]:
    """Yield rows that all have the same columns: of several classes, those of all, and which class each is of."""
    found = list(objects)
    names = dict.fromkeys(name for _, named in found for name in named)
    several = len({cls for cls, _ in found}) > 1
    for cls, named in found:
        head = {"__CLASS": cls} if several else {}
        yield _flatten_arrays(head | {name: named.get(name) for name in names})


def _print_class(args: argparse.Namespace, rows: Iterator[PropertyValues]) -> None:
    """Print instances of one class, of which there are some: as a table where it has room, else as lists."""
    sample = list(islice(rows, SAMPLE))
    names, all_rows = list(sample[0]), chain(sample, rows)
    columns = [_table_column(name, sample) for name in names]
    narrow = bool(args.properties) or len(names) <= MAX_TABLE_PROPERTIES
    references = any(str(value).startswith(REFERENCE) for value in sample[0].values())
    if narrow and _table_fits(columns, whole=references):
        print_rows(args, all_rows, columns)
    else:
        _print_lists(names, all_rows, everything=bool(args.properties))


def _table_fits(columns: Sequence[Column], *, whole: bool) -> bool:
    """Tell whether a table cuts no column but the last, and not that one where all are to be whole."""
    room = terminal_width()
    if room is None:
        return True
    *others, last = (column.cells for column in columns)
    return sum(others) + 2 * len(others) + (last if whole else min(last, MIN_LAST_COLUMN_CELLS)) <= room


def _print_lists(names: Sequence[str], rows: Iterable[PropertyValues], *, everything: bool) -> None:
    """Print the properties of each row one below the other; those that are null only where everything was chosen."""
    room, widest = terminal_width(), max(map(len, names))
    for at, row in enumerate(rows):
        if at:
            print()
        for name, value in row.items():
            parts = value if isinstance(value, list) else [value]
            for line, part in enumerate(parts):
                if part is not None or everything:
                    head = f"{'' if line else name:{widest}} {' ' if line else ':'}"
                    print(crop(f"{head} {for_terminal(_property_text(part, name))}", room))


def _table_column(name: str, sample: Iterable[PropertyValues]) -> Column:
    return Column(
        name,
        max(len(name), *(cell_width(for_terminal(_property_text(row[name], name))) for row in sample)),
        lambda row: _property_text(row[name], name),
    )


def _property_text(value: Any, name: str) -> str:
    """Return the value of a property for people; a LogonType in words, its number beside it."""
    if name == LOGON_TYPE and value in LOGON_TYPES:
        return f"{LOGON_TYPES[value]} ({value})"
    return "-" if value is None else value_text(value)


def _property_values(args: argparse.Namespace, found: "Instance") -> PropertyValues:
    """Return an instance as an object: its properties by name."""
    if args.system:
        return found.system_properties() | found.properties()
    return found.properties()


def _flatten_arrays(named: PropertyValues) -> PropertyValues:
    """Return an object for CSV: an array as one text."""
    return {name: _join_array(value) if isinstance(value, (list, bytes)) else value for name, value in named.items()}


def _join_array(value: list[Any] | bytes) -> str:
    return value.hex(" ") if isinstance(value, bytes) else "; ".join(map(value_text, value))


def value_text(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return format_time(value, _MOMENT)
    if isinstance(value, bytes):
        more = f" ... ({len(value)} bytes)" if len(value) > MAX_BYTES_SHOWN else ""
        return value[:MAX_BYTES_SHOWN].hex(" ") + more
    if isinstance(value, list):
        return "{" + ", ".join(map(value_text, value)) + "}"
    return str(value)


def _parse_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("no property is named")
    return names
