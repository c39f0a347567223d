"""Columns of a list: what each shows, and which of them fit on a terminal.

State, leftovers and counts outlast decoration: a column is left out by its rank, never by where it stands, and what is
left out is named.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from logonscope.errors import InvalidParameterError

EXTRA = 10
"""The rank from which a column is shown only where there is room for it."""

ON_REQUEST = 100
"""The rank from which a column is shown only where it is asked for: --columns."""

GAP = 2
"""Blanks between two columns; 1 where that makes room for one more."""

LEAST_OF_A_LAST_COLUMN, ENOUGH_FOR_A_LAST_COLUMN = 20, 32
"""Cells of a column that takes what is left: what it must have, and what it has before others are shown beside it."""

ALL = "all"


class Column(NamedTuple):
    """A column of a list: its heading, how wide it is, and what it shows of a row."""

    heading: str
    cells: int  # where rows are printed as they come; a longer text pushes the rest to the right; 0: what is left
    text_of: Callable[[Any], str]
    field: str = ""  # of the row: its name in JSON and CSV, and what rows are sorted by
    rank: int = 0  # the greater, the earlier it is left out; 0: never
    min_cells: int = 0  # cells that it can be cut down to; 0: it is never cut
    shorten: Callable[[Any, int, datetime], str] | None = None  # the text in fewer cells; None: its beginning
    is_highlighted: Callable[[Any], bool] | None = None  # of a row: whether its text is to be seen at once

    @property
    def name(self) -> str:
        """Return the name by which it is chosen."""
        return self.heading.lower().replace(" ", "_")

    @property
    def takes_the_rest(self) -> bool:
        """Return whether it takes whatever room the others leave."""
        return self.cells == 0

    def value(self, row: Any) -> Any:
        """Return what it has of a row, for a script."""
        return getattr(row, self.field) if self.field else self.text_of(row)

    def sort_key(self, row: Any) -> tuple[bool, Any]:
        """Return what rows are sorted by where it is known: numbers by size, then text in any case."""
        value = self.value(row)
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            value = int(value)
        if isinstance(value, datetime):
            value = value.timestamp()
        is_text = isinstance(value, str)
        return is_text, value.lower() if is_text else value


class Layout(NamedTuple):
    """The columns that are shown, how wide each is, and those that there is no room for."""

    columns: Sequence[Column]
    widths: Sequence[int]
    gap: int = GAP
    left_out: Sequence[Column] = ()
    natural: Sequence[int] = ()  # how wide each would be with room enough; (): as wide as it is

    def has_room_for_last_column(self, room: int | None) -> bool:
        """Return whether the last column takes what is left, and enough is left."""
        *others, last = zip(self.columns, self.widths, strict=True)
        taken = sum(cells + self.gap for _, cells in others)
        return last[0].takes_the_rest and room is not None and taken + LEAST_OF_A_LAST_COLUMN <= room

    def is_cut(self, index: int) -> bool:
        """Return whether a column has less room than its texts take."""
        return bool(self.natural) and self.widths[index] < self.natural[index]


def default_columns(columns: Iterable[Column]) -> list[Column]:
    """Return the columns that nobody has to ask for."""
    return [column for column in columns if column.rank < ON_REQUEST]


def select_columns(names: Sequence[str], columns: Sequence[Column]) -> list[Column]:
    """Return the columns of these names, in this order; "all" is every one.

    Raises:
        InvalidParameterError: there is no such column, or one is named twice.
    """
    found: list[Column] = []
    for name in names:
        for column in columns if name.lower() == ALL else (find_column(name, columns),):
            if column not in found:
                found.append(column)
            elif name.lower() != ALL:
                raise InvalidParameterError(f"invalid columns: {name!r} is named twice", "name each column once")
    return found


def find_column(name: str, columns: Sequence[Column]) -> Column:
    """Return the column of a name: its heading, or the field that it shows; in any case.

    Raises:
        InvalidParameterError: there is none.
    """
    wanted = name.strip().lower().replace(" ", "_")
    for column in columns:
        if wanted == column.name:
            return column
    for column in columns:
        if wanted and wanted == column.field:
            return column
    names = ", ".join(column.name for column in columns)
    raise InvalidParameterError(f"invalid column {name!r}: expected one of {names}")


def fit_columns(columns: Sequence[Column], texts: Sequence[int], room: int | None) -> Layout:
    """Choose the columns that fit.

    Args:
        columns: all that would be shown with room enough.
        texts: how wide the widest text of each is, its heading included.
        room: columns of the terminal; None: any number.
    """
    wanted = [
        min(cells, ENOUGH_FOR_A_LAST_COLUMN) if column.takes_the_rest else cells
        for column, cells in zip(columns, texts, strict=True)
    ]
    if room is None:
        return Layout(columns, [*texts])
    widths = {column.heading: cells for column, cells in zip(columns, wanted, strict=True)}
    kept = [column for column in columns if column.rank < EXTRA]
    # what is extra is added one by one, the most important first, as long as nothing has to be cut for it
    for column in sorted(columns, key=_rank):
        grown = [one for one in columns if one in kept or one is column]
        if column not in kept and _total_width(grown, widths, GAP) <= room:
            kept = grown
    # then something is left out at a time until the rest fits: with wide gaps, with narrow ones, cut down
    while True:
        natural, left_out = [widths[one.heading] for one in kept], [one for one in columns if one not in kept]
        for gap in (GAP, 1):
            fitting = _shrink_widths(kept, widths, room - gap * (len(kept) - 1))
            if fitting is not None:
                return Layout(kept, fitting, gap, left_out, natural)
        last = max(kept, key=_rank)
        if last.rank == 0:
            return Layout(kept, natural, GAP, left_out)
        kept.remove(last)


def _rank(column: Column) -> int:
    return column.rank


def _total_width(columns: Sequence[Column], widths: dict[str, int], gap: int) -> int:
    return sum(widths[column.heading] for column in columns) + gap * (len(columns) - 1)


def _shrink_widths(columns: Sequence[Column], widths: dict[str, int], room: int) -> list[int] | None:
    """Return the widths, with what can be cut cut down as far as is needed; None where that is not enough."""
    fitting = {column.heading: widths[column.heading] for column in columns}
    excess = sum(fitting.values()) - room
    for column in sorted(columns, key=_rank, reverse=True):
        least = LEAST_OF_A_LAST_COLUMN if column.takes_the_rest else column.min_cells
        if least and excess > 0:
            least = max(least, len(column.heading))
            spared = max(0, min(excess, fitting[column.heading] - least))
            fitting[column.heading] -= spared
            excess -= spared
    if excess > 0:
        return None
    return [
        fitting[column.heading] - excess if column.takes_the_rest else fitting[column.heading] for column in columns
    ]
