"""Shared parts of the commands on classes and instances: their arguments, and the printing of instances."""

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from logonscope.answers.logon_session import LOGON_TYPES
from logonscope.faces.cli.columns import ListColumn
from logonscope.faces.cli.exit_codes import FOUND
from logonscope.faces.cli.output import print_object, print_rows
from logonscope.faces.cli.parser import set_completion
from logonscope.faces.cli.text import cell_width, crop, for_terminal, format_time, styled, terminal_width, wants_color

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance

MAX_TABLE_PROPERTIES = 4
"""Maximum number of properties in a table, unless -p names them; more are shown one below the other.

PowerShell chooses between Format-Table and Format-List in the same way.
"""

SAMPLE_ROWS = 200
"""Number of rows that set the column widths of a table: the first ones. Later rows are printed as they arrive."""

MIN_LAST_COLUMN_CELLS = 20
"""Minimum width of the last column of a table, in cells of the terminal, if its texts are wider.

If the column has less room, each instance is printed as a list.
"""

REFERENCE = r"\\\\[^\\]+\\root\\"
"""The beginning of a reference, as a regular expression. References are not cut: their end names the instance."""

MAX_BYTES_SHOWN = 24
"""Maximum number of bytes of a value that a table or list shows; of a longer value, it also shows the length."""

LOGON_TYPE = "LogonType"
"""The name of the property whose numbers are shown with their names."""

_MOMENT = "%Y-%m-%d %H:%M:%S %z"

PropertyValues = dict[str, Any]


def add_namespace(parser: argparse.ArgumentParser) -> None:
    """Add -n NAMESPACE."""
    namespace = parser.add_argument(
        "-n", "--namespace", metavar="NAMESPACE",
        help="the namespace of the class: root/cimv2 (default) or root/logonscope; a backslash works as well",
    )  # fmt: skip
    set_completion(namespace, "namespaces")


def add_properties(parser: argparse.ArgumentParser) -> None:
    """Add -p NAMES and --system."""
    parser.add_argument(
        "-p", "--properties", metavar="NAME,NAME", type=_parse_names, action="extend",
        help="only these properties, in this order; system properties too, such as __PATH and __CLASS",
    )  # fmt: skip
    add_system(parser)


def add_system(parser: argparse.ArgumentParser) -> None:
    """Add --system."""
    parser.add_argument("--system", action="store_true", help="add all system properties, __GENUS to __PATH")


def add_path(parser: argparse.ArgumentParser) -> None:
    """Add the argument PATH."""
    parser.add_argument(
        "path", metavar="PATH",
        help="an object path, such as Win32_Process=4312; quote it for the shell if it contains quotes or backslashes",
    )  # fmt: skip


def add_class(parser: argparse.ArgumentParser, *names: str, **options: Any) -> None:
    """Add an argument whose value is a class name; shells complete it."""
    set_completion(parser.add_argument(*names, **options), "classes")


def print_instance(args: argparse.Namespace, instance: "Instance") -> int:
    """Print one instance; return the exit code."""
    values = _property_values(args, instance)
    if args.output == "table":
        _print_class(args, iter((values,)))
    else:
        print_object(args, _flatten_arrays(values) if args.output == "csv" else values)
    return FOUND


def print_instances(
    args: argparse.Namespace, instances: Iterator["Instance"], empty_message: str = "", *, headed: bool = False
) -> int:
    """Print instances as they arrive; return the exit code.

    Args:
        args: the command line; -o selects the format.
        instances: the instances.
        empty_message: the notice to print when there are no instances.
        headed: print the name of each class above its instances.
    """
    # a generator: instances are printed while others are still being read
    if args.output in {"json", "jsonl"}:
        rows = (_property_values(args, instance) for instance in instances)
        return print_rows(args, rows, empty_message=empty_message)
    class_values = ((instance.cim_class.name, _property_values(args, instance)) for instance in instances)
    if args.output == "csv":
        return print_rows(args, _unify_columns(class_values), empty_message=empty_message)
    is_first = True
    # consecutive instances of a class share a table: another class has other properties
    for name, group in groupby(class_values, itemgetter(0)):
        if not is_first:
            print()
        is_first = False
        if headed:
            print(styled(name, "bold", color=wants_color(args)))
        _print_class(args, (values for _, values in group))
    return print_rows(args, (), empty_message=empty_message) if is_first else FOUND


def _unify_columns(class_values: Iterable[tuple[str, PropertyValues]]) -> Iterator[PropertyValues]:
    """Yield rows with the properties of all classes as columns, and __CLASS where there are several classes."""
    pairs = list(class_values)
    # a dict rather than a set: it keeps the order of the properties
    names = dict.fromkeys(name for _, values in pairs for name in values)
    has_several_classes = len({cls for cls, _ in pairs}) > 1
    for cls, values in pairs:
        class_cell = {"__CLASS": cls} if has_several_classes else {}
        yield _flatten_arrays(class_cell | {name: values.get(name) for name in names})


def _print_class(args: argparse.Namespace, rows: Iterator[PropertyValues]) -> None:
    """Print instances of one class, at least one, as a table or as lists.

    A table is printed if it fits, and if there are few properties or -p names them.
    """
    sample = list(islice(rows, SAMPLE_ROWS))
    names, all_rows = list(sample[0]), chain(sample, rows)
    columns = [_table_column(name, sample) for name in names]
    has_few_properties = bool(args.properties) or len(names) <= MAX_TABLE_PROPERTIES
    has_references = any(re.match(REFERENCE, str(value)) for value in sample[0].values())
    if has_few_properties and _table_fits(columns, uncut=has_references):
        print_rows(args, all_rows, columns)
    else:
        _print_lists(names, all_rows, with_nulls=bool(args.properties))


def _table_fits(columns: Sequence[ListColumn], *, uncut: bool) -> bool:
    """Return whether the terminal has room for a table; its last column may be cut unless ``uncut``."""
    room = terminal_width()
    if room is None:
        return True
    *others, last = (column.cells for column in columns)
    return sum(others) + 2 * len(others) + (last if uncut else min(last, MIN_LAST_COLUMN_CELLS)) <= room


def _print_lists(names: Sequence[str], rows: Iterable[PropertyValues], *, with_nulls: bool) -> None:
    """Print the properties of each row one below the other, an array element on each line."""
    room, name_width = terminal_width(), max(map(len, names))
    for number, row in enumerate(rows):
        if number:
            print()
        for name, value in row.items():
            elements = value if isinstance(value, list) else [value]
            for index, element in enumerate(elements):
                if element is not None or with_nulls:
                    label = f"{'' if index else name:{name_width}} {' ' if index else ':'}"
                    print(crop(f"{label} {for_terminal(_property_text(element, name))}", room))


def _table_column(name: str, sample: Iterable[PropertyValues]) -> ListColumn:
    return ListColumn(
        name,
        max(len(name), *(cell_width(for_terminal(_property_text(row[name], name))) for row in sample)),
        partial(_text_in_row, name),
    )


def _text_in_row(name: str, row: PropertyValues) -> str:
    return _property_text(row[name], name)


def _property_text(value: Any, name: str) -> str:
    """Return the value of a property for people; a LogonType is shown as its name and number."""
    if name == LOGON_TYPE and value in LOGON_TYPES:
        return f"{LOGON_TYPES[value]} ({value})"
    return "-" if value is None else value_text(value)


def _property_values(args: argparse.Namespace, instance: "Instance") -> PropertyValues:
    """Return the properties of an instance by name; the system properties too, if --system is set."""
    if args.system:
        return instance.system_properties() | instance.properties()
    return instance.properties()


def _flatten_arrays(values: PropertyValues) -> PropertyValues:
    """Return the values for CSV, each array as one text."""
    return {name: _join_array(value) if isinstance(value, (list, bytes)) else value for name, value in values.items()}


def _join_array(value: list[Any] | bytes) -> str:
    return value.hex(" ") if isinstance(value, bytes) else "; ".join(map(value_text, value))


def value_text(value: Any) -> str:
    """Return the text of a value for people; times in the local zone."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return format_time(value, _MOMENT)
    if isinstance(value, bytes):
        rest = f" ... ({len(value)} bytes)" if len(value) > MAX_BYTES_SHOWN else ""
        return value[:MAX_BYTES_SHOWN].hex(" ") + rest
    if isinstance(value, list):
        return "{" + ", ".join(map(value_text, value)) + "}"
    return str(value)


def _parse_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError(f"invalid value {text!r}: expected names of properties")
    return names
