"""What did it come to? Rows of one table, printed for a terminal or as Markdown."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple


class Row(NamedTuple):
    """One line: a contestant of a question, what was measured, and how Logonscope stands beside it."""

    question: str
    contestant: str
    measured: str
    ratio: str = ""
    aim: str = ""


def at_most(ratio: float, most: float) -> str:
    """Return the words for an aim that a ratio should not exceed."""
    return f"≤ {most:g}: {'met' if ratio <= most else 'MISSED'}"


def at_least(ratio: float, least: float) -> str:
    """Return the words for an aim that a ratio should reach."""
    return f"≥ {least:g}: {'met' if ratio >= least else 'MISSED'}"


def milliseconds(seconds: float) -> str:
    """Return a duration for people."""
    return f"{seconds * 1e3:.1f} ms"


def for_terminal(rows: Sequence[Row]) -> str:
    """Return the table as lines, a heading a question."""
    widths = [max((len(row[column]) for row in rows if row.ratio), default=0) for column in (1, 2, 3)]
    lines = []
    for question, group in groupby(rows, key=lambda row: row.question):
        lines.append(f"\n{question}")
        for row in group:
            cells = [text.ljust(width) for text, width in zip(row[1:4], widths, strict=True)]
            lines.append(f"  {'  '.join([*cells, row.aim])}".rstrip())
    return "\n".join(lines)


def as_markdown(rows: Sequence[Row]) -> str:
    """Return the table as docs/speed.md shows it; a question stands in the first of its lines alone."""
    lines = ["| question | who | median | ratio | aim |", "|---|---|---:|---|---|"]
    for question, group in groupby(rows, key=lambda row: row.question):
        for at, row in enumerate(group):
            cells = [question if at == 0 else "", *row[1:]]
            lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)
