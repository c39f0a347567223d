"""Tables for people: one line a row, as many columns as the terminal has room for; what is left out is named below."""

import argparse
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from logonscope.faces.cli.columns import Column, Layout, default_columns, fit_columns
from logonscope.faces.cli.text import cell_width, crop, for_terminal, styled, terminal_width, wants_color, wrapped

SAMPLE = 200
"""Rows that decide how wide the columns are on a terminal; the rest is printed as it comes."""

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


def print_table(args: argparse.Namespace, rows: Iterable[Any], columns: Sequence[Column], moment: Clock = now) -> int:
    """Print a line a row; return the number of rows.

    Args:
        args: the command line; columns that it names are all printed, however wide.
        rows: a list is printed in columns as wide as it needs, and so is the sample of others that a terminal gets.
        columns: of the table.
        moment: returns when the rows were read.
    """
    room, is_chosen, color = terminal_width(), bool(getattr(args, "columns", None)), wants_color(args)
    shown = columns if is_chosen else default_columns(columns)
    sample = rows if isinstance(rows, list) else [] if room is None else list(islice(rows, SAMPLE))
    rest = () if isinstance(rows, list) else rows
    layout = fit_columns(shown, _measure_columns(shown, sample, rows), None if is_chosen else room)
    count = 0
    for count, row in enumerate(chain(sample, rest), 1):
        if count == 1 and not getattr(args, "no_header", False):
            print(
                crop(_format_line(layout, [column.heading for column in layout.columns]), None if is_chosen else room)
            )
        print(_format_row(layout, row, moment, room, is_chosen=is_chosen, color=color))
    if count and layout.left_out:
        for line in wrapped(_omission_text(layout.left_out, args), room):
            print(styled(line, "dim", color=color))
    return count


def _measure_columns(columns: Sequence[Column], sample: Sequence[Any], rows: Iterable[Any]) -> list[int]:
    """Return how wide each column has to be for its heading and the sample; as it says itself where there is none."""
    if not sample and not isinstance(rows, list):
        return [column.cells for column in columns]
    return [
        max(len(column.heading), *(cell_width(for_terminal(column.text_of(row))) for row in sample), 0)
        for column in columns
    ]


def _format_row(layout: Layout, row: Any, moment: Clock, room: int | None, *, is_chosen: bool, color: bool) -> str:
    texts: list[str] = []
    for index, column in enumerate(layout.columns):
        if column.shorten and layout.is_cut(index):
            texts.append(for_terminal(column.shorten(row, layout.widths[index], moment())))
        else:
            text = for_terminal(column.text_of(row))
            texts.append(crop(text, layout.widths[index]) if column.min_cells and layout.natural else text)
    line = _format_line(layout, texts)
    if not is_chosen or layout.has_room_for_last_column(room):
        line = crop(line, room)
    return _highlight(layout, row, texts, line) if color else line


def _highlight(layout: Layout, row: Any, texts: Sequence[str], line: str) -> str:
    """Return the line with the texts that matter in a colour, where they were not cut off."""
    at, marked = 0, line
    places: list[tuple[int, str]] = []
    for column, text, columns in zip(layout.columns, texts, layout.widths, strict=True):
        if column.is_highlighted is not None and column.is_highlighted(row):
            places.append((at, text))
        at += len(text) + max(0, columns - cell_width(text)) + layout.gap
    # from the right, so that the places of what stands left of it stay as they are
    for start, text in reversed(places):
        if line[start : start + len(text)] == text:
            marked = marked[:start] + styled(text, "alarm", color=True) + marked[start + len(text) :]
    return marked


def _format_line(layout: Layout, texts: Sequence[str]) -> str:
    """Pad all texts but the last: how wide a whole command line is need not be known."""
    pairs = zip(layout.widths[:-1], texts[:-1], strict=True)
    return (" " * layout.gap).join([*(text + " " * (columns - cell_width(text)) for columns, text in pairs), texts[-1]])


def _omission_text(columns: Sequence[Column], args: argparse.Namespace) -> str:
    """Name the columns that there was no room for, and how to get them."""
    noun = "column" if len(columns) == 1 else "columns"
    option = "--columns all" if hasattr(args, "columns") else "-o json"
    return f"{len(columns)} more {noun}: {option} ({', '.join(column.name for column in columns)})"
