"""Output formats: a table for people; JSON, JSON lines and CSV for scripts; pids for kill(1) and xargs(1)."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logonscope.answers.jsonable import jsonable
from logonscope.faces.cli.exit_codes import FOUND, NOTHING_FOUND
from logonscope.faces.cli.messages import print_notice
from logonscope.faces.cli.text import for_terminal

if TYPE_CHECKING:
    from logonscope.faces.cli.columns import ListColumn
    from logonscope.faces.cli.table import Clock


EmptyMessage = str | Callable[[], str]


def print_rows(
    args: argparse.Namespace,
    rows: Iterable[Any],
    columns: "Sequence[ListColumn]" = (),
    empty_message: EmptyMessage = "",
    read_time: "Clock | None" = None,
) -> int:
    """Print rows, each as soon as it arrives if the format permits this; return the exit code.

    Args:
        args: the command line; -o selects the format.
        rows: NamedTuples or mappings.
        columns: the columns of the table for people.
        empty_message: the notice to print if there are no rows, or a function that returns this notice; "": no notice.
        read_time: a function that returns the time that the rows describe; None: the current time.
    """
    printers = {"json": _print_json, "jsonl": _print_jsonl, "csv": _print_csv, "pids": _print_pids}
    printer = printers.get(args.output)
    count = printer(rows) if printer else _print_table(args, rows, columns, read_time)
    if not count and empty_message:
        print_notice(args, empty_message if isinstance(empty_message, str) else empty_message())
    return FOUND if count else NOTHING_FOUND


def print_object(args: argparse.Namespace, values: Mapping[str, Any]) -> None:
    """Print one object for a script: as a JSON object, or as a line of CSV below its heading."""
    printers = {"jsonl": _print_jsonl, "csv": _print_csv}
    if args.output in printers:
        printers[args.output]((values,))
        return
    import json  # noqa: PLC0415 -- only this format needs it

    # a terminal gets escapes in place of characters that could control it
    ascii_only = sys.stdout.isatty()
    pairs = (
        f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=ascii_only)}" for name, value in jsonable(values).items()
    )
    print("{\n" + ",\n".join(pairs) + "\n}")


def _print_json(rows: Iterable[Any]) -> int:
    import json  # noqa: PLC0415 -- only this format needs it

    count = 0
    # element by element: rows are printed while others are still being read
    for count, row in enumerate(rows, 1):
        print("[" if count == 1 else ",")
        print(json.dumps(jsonable(row), ensure_ascii=sys.stdout.isatty()), end="")
    print("\n]" if count else "[]")
    return count


def _print_table(
    args: argparse.Namespace, rows: Iterable[Any], columns: "Sequence[ListColumn]", read_time: "Clock | None"
) -> int:
    from logonscope.faces.cli.table import now, print_table  # noqa: PLC0415 -- only this format needs it

    return print_table(args, rows, columns, read_time or now)


def _print_pids(rows: Iterable[Any]) -> int:
    """Print each pid once, although several rows may have it."""
    pids = dict.fromkeys(row.pid for row in rows)
    for pid in pids:
        print(pid)
    return len(pids)


def _print_jsonl(rows: Iterable[Any]) -> int:
    import json  # noqa: PLC0415 -- only this format needs it

    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 -- the count is returned
        print(json.dumps(jsonable(row), ensure_ascii=sys.stdout.isatty()), flush=True)
    return count


class CsvTable:
    """Writes rows of CSV to standard output. Lines end with LF; a field that contains CR or LF is quoted."""

    def __init__(self) -> None:
        import csv  # noqa: PLC0415 -- only this format needs it

        # Before Python 3.13, csv quotes a field with CR or LF only if csv itself writes this character at the end of a
        # line. If csv wrote LF alone, a process could name itself "x\rROW": readers of CSV, which accept CR as a line
        # end, would find one more row.
        self._writer = csv.writer(self, lineterminator=_CRLF)

    def write_row(self, fields: Iterable[object]) -> None:
        """Write one row."""
        self._writer.writerow(fields)

    def write(self, line: str) -> None:
        """Print one line that csv has formatted."""
        sys.stdout.write(line.removesuffix(_CRLF) + "\n")


_CRLF = "\r\n"


def _print_csv(rows: Iterable[Any]) -> int:
    writer, count = CsvTable(), 0
    for count, row in enumerate(rows, 1):
        # the heading has the fields of the first row: flatten() leaves out the fields that only some rows have
        flat = flatten(jsonable(row))
        if count == 1:
            writer.write_row(flat)
        writer.write_row([_csv_field(value) for value in flat.values()])
    return count


def _csv_field(value: object) -> object:
    """Return a value for CSV; on a terminal without control characters, because CSV does not escape them."""
    if value is None:
        return ""
    return for_terminal(value) if isinstance(value, str) and sys.stdout.isatty() else value


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the scalar values of an object by name; a value of a nested object has the name "outer_inner".

    Lists are left out, and so are the nested objects sources, unread and figures: their fields differ from row to row.
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if name in {"sources", "unread", "figures"} or isinstance(value, list):
            continue
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}_")
        else:
            flat[prefix + name] = value
    return flat
