"""Tables for people: one line for each row, with the columns that fit; the other columns are named below the table."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain, islice
from typing import Any

from logonscope.faces.cli.columns import Layout, ListColumn, default_columns, fit_columns
from logonscope.faces.cli.text import cell_width, crop, for_terminal, styled, terminal_width, wants_color, wrapped

SAMPLE_ROWS = 200
"""Number of rows of an iterator that set the column widths on a terminal: the first ones."""

Clock = Callable[[], datetime]
"""A function that returns a point in time."""


def now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def print_table(
    args: argparse.Namespace, rows: Iterable[Any], columns: Sequence[ListColumn], read_time: Clock = now
) -> int:
    """Print one line for each row; return the number of rows.

    Args:
        args: the command line; all columns that it names are printed, even if they do not fit.
        rows: the rows. All rows of a list set the column widths. Of an iterator, the first SAMPLE_ROWS rows set them on
            a terminal; without a terminal, each column has its fixed width.
        columns: the columns of the table.
        read_time: a function that returns the time that the rows describe; recent times can be shown without the year.
    """
    # called at most once for all rows, because it may request the time of another host
    read_time = cache(read_time)
    room, are_columns_chosen, color = terminal_width(), bool(getattr(args, "columns", None)), wants_color(args)
    shown = columns if are_columns_chosen else default_columns(columns)
    # without a terminal, rows of an iterator are printed as they are read: no sample is needed
    sample = rows if isinstance(rows, list) else [] if room is None else list(islice(rows, SAMPLE_ROWS))
    rest = () if isinstance(rows, list) else rows
    layout = fit_columns(shown, _measure_columns(shown, sample, rows), None if are_columns_chosen else room)
    count = 0
    for count, row in enumerate(chain(sample, rest), 1):
        if count == 1 and not getattr(args, "no_header", False):
            print(
                crop(
                    _format_line(layout, [column.heading for column in layout.columns]),
                    None if are_columns_chosen else room,
                )
            )
        print(_format_row(layout, row, read_time, room, are_columns_chosen=are_columns_chosen, color=color))
    if count and layout.left_out:
        for line in wrapped(_omission_text(layout.left_out, args), room):
            print(styled(line, "dim", color=color))
    return count


def _measure_columns(columns: Sequence[ListColumn], sample: Sequence[Any], rows: Iterable[Any]) -> list[int]:
    """Return the width of each column: of its heading or widest text; without a sample, its fixed width."""
    if not sample and not isinstance(rows, list):
        return [column.cells for column in columns]
    return [
        max(len(column.heading), *(cell_width(for_terminal(column.text_of(row))) for row in sample), 0)
        for column in columns
    ]


def _format_row(
    layout: Layout, row: Any, read_time: Clock, room: int | None, *, are_columns_chosen: bool, color: bool
) -> str:
    """Return the line of a row, cut to ``room`` cells.

    If --columns chose the columns, the line is cut only if the last column takes the remaining room.
    """
    texts: list[str] = []
    for index, column in enumerate(layout.columns):
        # a column with shorten() drops the least important part of its text, instead of the end
        if column.shorten and layout.is_cut(index):
            texts.append(for_terminal(column.shorten(row, layout.widths[index], read_time())))
        else:
            text = for_terminal(column.text_of(row))
            # a layout without natural widths cuts no column
            texts.append(crop(text, layout.widths[index]) if column.min_cells and layout.natural_widths else text)
    line = _format_line(layout, texts)
    # columns that the user chose may be wider than the terminal, which then wraps the line
    if not are_columns_chosen or layout.has_room_for_last_column(room):
        line = crop(line, room)
    return _highlight(layout, row, texts, line) if color else line


def _highlight(layout: Layout, row: Any, texts: Sequence[str], line: str) -> str:
    """Return the line with the highlighted texts in a colour; a text that was cut off gets none."""
    position, colored_line = 0, line
    spans: list[tuple[int, str]] = []
    for column, text, cells in zip(layout.columns, texts, layout.widths, strict=True):
        if column.is_highlighted is not None and column.is_highlighted(row):
            spans.append((position, text))
        position += len(text) + max(0, cells - cell_width(text)) + layout.gap
    # from right to left: escape sequences that are inserted do not shift the positions before them
    for start, text in reversed(spans):
        # a text that was cut off is not in the line
        if line[start : start + len(text)] == text:
            colored_line = colored_line[:start] + styled(text, "alarm", color=True) + colored_line[start + len(text) :]
    return colored_line


def _format_line(layout: Layout, texts: Sequence[str]) -> str:
    """Return the texts as a line, all but the last padded to the width of their column."""
    pairs = zip(layout.widths[:-1], texts[:-1], strict=True)
    return (" " * layout.gap).join([*(text + " " * (width - cell_width(text)) for width, text in pairs), texts[-1]])


def _omission_text(columns: Sequence[ListColumn], args: argparse.Namespace) -> str:
    """Return the line that names the columns without room, and the option that shows them."""
    noun = "column" if len(columns) == 1 else "columns"
    option = "--columns all" if hasattr(args, "columns") else "-o json"
    return f"{len(columns)} more {noun}: {option} ({', '.join(column.name for column in columns)})"
