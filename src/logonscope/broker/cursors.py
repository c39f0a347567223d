"""Cursors of hosts without a history or without kernel events: random names of positions in the event stream.

All subscriptions of this process share them. Consecutive numbers would show a caller how many events are hidden from
it. Other cursors are in event_cursors.py.
"""

import secrets
from collections import OrderedDict
from collections.abc import Iterator

MAX_CURSORS = 65_536
"""Maximum number of positions whose names are kept; the oldest are forgotten. A stream does not keep more events."""

NAME_BYTES, DRAWN_NAMES = 8, 512
"""Number of random bytes of a name, and number of names that are drawn at once."""

UNKNOWN_POSITION = 1 << 63
"""A position beyond the end of every stream: a reader that begins there learns that events were lost."""


class CursorNames:
    """The names of positions; safe to use from any thread."""

    def __init__(self, max_positions: int = MAX_CURSORS) -> None:
        self._max_positions = max_positions
        self._names: OrderedDict[int, str] = OrderedDict()
        self._positions: dict[str, int] = {}
        self._random_names: Iterator[str] = iter(())

    def __repr__(self) -> str:
        return f"<CursorNames of {len(self._names)} positions>"

    def write(self, position: int) -> str:
        """Return the cursor of a position."""
        name = self._names.get(position)
        if name is None:
            # Each of these calls is atomic: another thread that names the same position gets the same name.
            name = self._names.setdefault(position, next(self._random_names, None) or self._draw_names())
            self._positions[name] = position
            if len(self._names) > self._max_positions:
                _, oldest = self._names.popitem(last=False)
                self._positions.pop(oldest, None)
        return name

    def _draw_names(self) -> str:
        """Return a random name, and keep others for later: one call of the kernel draws DRAWN_NAMES names."""
        digits = secrets.token_hex(NAME_BYTES * DRAWN_NAMES)
        names = [digits[begin : begin + 2 * NAME_BYTES] for begin in range(0, len(digits), 2 * NAME_BYTES)]
        # an iterator of a list never gives the same name to two threads
        self._random_names = iter(names[1:])
        return names[0]

    def read(self, text: str) -> int:
        """Return the position of a cursor; UNKNOWN_POSITION: this process did not make it, or has forgotten it."""
        return self._positions.get(text, UNKNOWN_POSITION)


_names = CursorNames()
write_cursor, read_cursor = _names.write, _names.read
