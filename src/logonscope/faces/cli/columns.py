"""Columns of a list: what each shows, and which of them fit on a terminal.

Each column has a rank: if the room is too small, the column of the greatest rank is left out first, whatever its
position. In the list of logon sessions, for example, user, state and leftovers stay longest. Columns that are left out
are named below the list.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from logonscope.answers.logon_session import Detail
from logonscope.errors import InvalidParameterError

EXTRA = 10
"""Columns of this rank and above are shown only if no other column must be cut for them."""

ON_REQUEST = 100
"""Columns of this rank and above are shown only on request: by --columns, or by an option such as --auth."""

GAP = 2
"""Blanks between two columns; before a column is left out, 1 blank is tried."""

MIN_LAST_COLUMN_CELLS, USUAL_LAST_COLUMN_CELLS = 20, 32
"""Cells of a column that takes the remaining room: the minimum, and what it gets before extra columns are added."""

ALL = "all"
"""The word that selects every column."""


class ListColumn(NamedTuple):
    """A column of a list: its heading, its width, and what it shows of a row."""

    heading: str
    cells: int  # the width if rows are printed as they arrive; longer texts make a line longer; 0: the remaining room
    text_of: Callable[[Any], str]
    field: str = ""  # the field of the row with the value; its name is also the name of the column in JSON and CSV
    rank: int = 0  # columns of greater rank are left out first; 0: never left out
    min_cells: int = 0  # the width that the column can be cut to; 0: it is never cut
    shorten: Callable[[Any, int, datetime], str] | None = None  # returns a shorter text; None: the text is cut
    is_highlighted: Callable[[Any], bool] | None = None  # returns whether a row's text is printed in a colour
    detail: Detail | None = None  # the detail of logon sessions that must be read for the column
    value_of: Callable[[Any], Any] | None = None  # returns the value of the column, if it is not a field of the row

    @property
    def name(self) -> str:
        """Return the name that --columns and --sort take."""
        return self.heading.lower().replace(" ", "_")

    @property
    def fills_line(self) -> bool:
        """Return whether the column fills the line: it gets the width that the other columns leave."""
        return self.cells == 0

    def value(self, row: Any) -> Any:
        """Return the value that the column has for a row, for scripts and as the sort key."""
        if self.value_of is not None:
            return self.value_of(row)
        return getattr(row, self.field) if self.field else self.text_of(row)

    def sort_key(self, row: Any) -> tuple[bool, Any]:
        """Return the sort key of a row whose value is not None: numbers by size, then text without regard to case."""
        value = self.value(row)
        # a LogonId is a text, but is sorted as a number
        if isinstance(value, str) and value.isascii() and value.isdecimal():
            value = int(value)
        if isinstance(value, datetime):
            value = value.timestamp()
        is_text = isinstance(value, str)
        return is_text, value.lower() if is_text else value


class Layout(NamedTuple):
    """The columns that are shown, the width of each, and the columns that are left out."""

    columns: Sequence[ListColumn]
    widths: Sequence[int]
    gap: int = GAP
    left_out: Sequence[ListColumn] = ()
    natural_widths: Sequence[int] = ()  # the width of each with enough room; (): no column is cut

    def has_room_for_last_column(self, room: int | None) -> bool:
        """Return whether the last column gets the remaining width, and this width is at least its minimum."""
        *others, last = zip(self.columns, self.widths, strict=True)
        used_cells = sum(cells + self.gap for _, cells in others)
        return last[0].fills_line and room is not None and used_cells + MIN_LAST_COLUMN_CELLS <= room

    def is_cut(self, index: int) -> bool:
        """Return whether a column is narrower than its natural width."""
        return bool(self.natural_widths) and self.widths[index] < self.natural_widths[index]


def default_columns(columns: Iterable[ListColumn]) -> list[ListColumn]:
    """Return the columns that can be shown without a request: all below ON_REQUEST."""
    return [column for column in columns if column.rank < ON_REQUEST]


def select_columns(names: Sequence[str], columns: Sequence[ListColumn]) -> list[ListColumn]:
    """Return the columns with these names, in this order; "all" adds all that are not selected yet.

    Raises:
        InvalidParameterError: a column does not exist, or is named twice.
    """
    selected: list[ListColumn] = []
    for name in names:
        for column in columns if name.lower() == ALL else (find_column(name, columns),):
            if column not in selected:
                selected.append(column)
            elif name.lower() != ALL:
                raise InvalidParameterError(f"invalid columns: {name!r} is named twice", "name each column once")
    return selected


def find_column(name: str, columns: Sequence[ListColumn]) -> ListColumn:
    """Return the column with this heading or, if there is none, the column that shows the field of this name.

    Case is ignored.

    Raises:
        InvalidParameterError: the column does not exist.
    """
    normal_name = name.strip().lower().replace(" ", "_")
    for column in columns:
        if normal_name == column.name:
            return column
    for column in columns:
        if normal_name and normal_name == column.field:
            return column
    names = ", ".join(column.name for column in columns)
    raise InvalidParameterError(f"invalid column {name!r}: expected one of {names}")


def fit_columns(columns: Sequence[ListColumn], text_widths: Sequence[int], room: int | None) -> Layout:
    """Choose the columns that fit, and their widths.

    Args:
        columns: the columns that are shown with enough room.
        text_widths: the width in cells of the widest text of each column, its heading included.
        room: cells in a line of the terminal; None: no limit.
    """
    natural_widths = [
        min(cells, USUAL_LAST_COLUMN_CELLS) if column.fills_line else cells
        for column, cells in zip(columns, text_widths, strict=True)
    ]
    if room is None:
        return Layout(columns, [*text_widths])
    widths = {column.heading: cells for column, cells in zip(columns, natural_widths, strict=True)}
    shown = [column for column in columns if column.rank < EXTRA]
    # each extra column is added, the most important first, if no column has to be cut for it
    for column in sorted(columns, key=_rank):
        candidate = [item for item in columns if item in shown or item is column]
        if column not in shown and _total_width(candidate, widths, GAP) <= room:
            shown = candidate
    # then the least important columns are left out, one at a time, until the others fit; narrow gaps are tried first
    while True:
        natural, left_out = [widths[item.heading] for item in shown], [item for item in columns if item not in shown]
        for gap in (GAP, 1):
            fitting = _shrink_widths(shown, widths, room - gap * (len(shown) - 1))
            if fitting is not None:
                return Layout(shown, fitting, gap, left_out, natural)
        least_important = max(shown, key=_rank)
        if least_important.rank == 0:
            return Layout(shown, natural, GAP, left_out)
        shown.remove(least_important)


_rank = attrgetter("rank")


def _total_width(columns: Sequence[ListColumn], widths: dict[str, int], gap: int) -> int:
    return sum(widths[column.heading] for column in columns) + gap * (len(columns) - 1)


def _shrink_widths(columns: Sequence[ListColumn], widths: dict[str, int], room: int) -> list[int] | None:
    """Return the widths, cut so that all columns fit into the room; None if they cannot be cut enough."""
    fitting = {column.heading: widths[column.heading] for column in columns}
    excess = sum(fitting.values()) - room
    # the least important columns are cut first
    for column in sorted(columns, key=_rank, reverse=True):
        min_cells = MIN_LAST_COLUMN_CELLS if column.fills_line else column.min_cells
        if min_cells and excess > 0:
            min_cells = max(min_cells, len(column.heading))
            saved_cells = max(0, min(excess, fitting[column.heading] - min_cells))
            fitting[column.heading] -= saved_cells
            excess -= saved_cells
    if excess > 0:
        return None
    # a negative excess is unused room, which goes to the column that fills the line
    return [fitting[column.heading] - excess if column.fills_line else fitting[column.heading] for column in columns]
