"""LIKE patterns: ``%`` any run, ``_`` any character, ``[abc]``, ``[a-f]``, ``[^a-f]`` one of a set.

The pattern is cut at its ``%`` into pieces of fixed length, and each is searched once after the one before it. A search
is linear in the text: a short piece is a regular expression, a long one in a long text a bit-parallel automaton. Both
pass a checkpoint after every block of bounded work, because a regular expression runs without giving up the GIL.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

LONGEST = 1_000
"""Characters of a pattern."""

SHORT_PIECE = 16
"""Characters up to which a regular expression is never slower than the automaton."""

BLOCK = 1 << 16
"""Characters of the text times characters of the piece that one search may compare: about a millisecond."""

MOST_MASKS = 4096
"""Characters whose masks an automaton remembers."""

Checkpoint = Callable[[], object]
"""Called between two blocks of work; raises an error where there is no time left."""

_PART = re.compile(r"\[\^?[^\]]*\]|.", re.DOTALL)
_RANGE = re.compile(r"(.)-(.)|.", re.DOTALL)
_FLAGS = re.IGNORECASE | re.DOTALL
_NEVER = "(?!)"
_LAST = chr(0x10FFFF)


def like(pattern: str, checkpoint: Checkpoint = lambda: None) -> Callable[[str], bool]:
    """Return the function that matches a text against the pattern, without regard to case."""
    first, *rest = ([*map(_character, piece)] for piece in _pieces(pattern))
    if not rest:
        return _Fixed(first).fits
    return _Like(first, rest[:-1], rest[-1], checkpoint).fits


class Character(NamedTuple):
    """What one character of a text may be: one of these ranges, or none of them; and the same as an expression."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool
    expression: str


class _Fixed:
    """A pattern without ``%``."""

    def __init__(self, piece: list[Character]) -> None:
        self._whole, self._width = _expression(piece), len(piece)

    def fits(self, text: str) -> bool:
        return len(text) == self._width and self._whole.match(text) is not None


class _Like:
    """A pattern with ``%``: how the text begins, what it contains, one after another, and how it ends."""

    def __init__(
        self, first: list[Character], middle: list[list[Character]], last: list[Character], checkpoint: Checkpoint
    ) -> None:
        self._first, self._first_width = _expression(first), len(first)
        self._last, self._last_width = _expression(last), len(last)
        self._middle = [_Search(piece, checkpoint) for piece in middle if piece]

    def fits(self, text: str) -> bool:
        """Return whether a text matches."""
        if self._first.match(text) is None:
            return False
        at = self._first_width
        for search in self._middle:
            end = search.end(text, at)
            if end is None:
                return False
            at = end
        last = len(text) - self._last_width
        return last >= at and self._last.match(text, last) is not None


class _Search:
    """The search for one piece, which has a fixed width."""

    def __init__(self, piece: list[Character], checkpoint: Checkpoint) -> None:
        self._piece, self._checkpoint = piece, checkpoint
        self._expression, self._width = _expression(piece), len(piece)
        self._automaton: _Automaton | None = None

    def end(self, text: str, at: int) -> int | None:
        """Return where the first match from a place on ends."""
        width, length = self._width, len(text) - at
        if width > SHORT_PIECE and width * length > BLOCK:
            if self._automaton is None:
                self._automaton = _Automaton(self._piece, self._checkpoint)
            return self._automaton.end(text, at)
        search, block = self._expression.search, BLOCK // width
        if length <= block:
            match = search(text, at)
            return None if match is None else match.end()
        for begin in range(at, len(text), block):
            self._checkpoint()
            match = search(text, begin, begin + block + width - 1)
            if match is not None:
                return match.end()
        return None


class _Automaton:
    """A search by Shift-And (Baeza-Yates and Gonnet 1992): a bit for every character of the piece.

    Bit i of the state is set where the last i + 1 characters of the text match as many of the piece. A step costs the
    same for every piece of at most 1,000 characters, whatever the text.
    """

    _STEPS = 8192

    def __init__(self, piece: list[Character], checkpoint: Checkpoint) -> None:
        self._checkpoint, self._accepted = checkpoint, 1 << (len(piece) - 1)
        self._negated = sum(1 << bit for bit, character in enumerate(piece) if character.is_negated)
        self._masks: dict[str, int] = {}
        changes: dict[str, int] = {}
        for bit, character in enumerate(piece):
            for first, after in _joined(character.ranges):
                for place in (first, after):
                    changes[place] = changes.get(place, 0) ^ 1 << bit
        self._places = sorted(changes)
        self._members, members = [0], 0
        for place in self._places:
            members ^= changes[place]
            self._members.append(members)

    def end(self, text: str, at: int) -> int | None:
        """Return where the first match from a place on ends."""
        masks, accepted, state = self._masks, self._accepted, 0
        for begin in range(at, len(text), self._STEPS):
            self._checkpoint()
            for number, character in enumerate(text[begin : begin + self._STEPS], begin + 1):
                mask = masks.get(character)
                if mask is None:
                    mask = self._mask(character)
                state = (state << 1 | 1) & mask
                if state & accepted:
                    return number
        return None

    def _mask(self, character: str) -> int:
        """Return the characters of the piece that a character matches, as bits."""
        mask = 0
        for variant in _variants(character):
            mask |= self._members[bisect_right(self._places, variant)]
        mask ^= self._negated
        if len(self._masks) < MOST_MASKS:
            self._masks[character] = mask
        return mask


def _joined(ranges: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """Yield the ranges without overlaps, each as its first character and the one after its last."""
    begin = end = ""
    for first, last in sorted(ranges):
        after = chr(ord(last) + 1) if last < _LAST else _LAST
        if begin and first <= end:
            end = max(end, after)
            continue
        if begin:
            yield begin, end
        begin, end = first, after
    if begin:
        yield begin, end


def _variants(character: str) -> set[str]:
    """Return the cases of a character, as ``re.IGNORECASE`` has them: only those that are one character."""
    lower, upper = character.lower(), character.upper()
    return {case for case in (character, lower, upper, upper.lower(), lower.upper()) if len(case) == 1}


def _expression(piece: list[Character]) -> re.Pattern[str]:
    return re.compile("".join(character.expression for character in piece), _FLAGS)


def _pieces(pattern: str) -> Iterator[list[str]]:
    """Yield the parts of the pattern between two runs: each matches one character."""
    piece: list[str] = []
    for part in _PART.findall(pattern):
        if part == "%":
            yield piece
            piece = []
        else:
            piece.append(part)
    yield piece


def _character(part: str) -> Character:
    if part == "_":
        return Character((), is_negated=True, expression=".")
    if len(part) == 1:
        cases = tuple((case, case) for case in _variants(part))
        return Character(cases, is_negated=False, expression=re.escape(part))
    is_negated = part.startswith("[^")
    ranges = [*map(_members, _RANGE.finditer(part[1 + is_negated : -1]))]
    members = "".join(_written(first, last) for first, last in ranges if first <= last)
    if not members:
        return Character((), is_negated, "." if is_negated else _NEVER)
    single = [(case, case) for first, last in ranges if first == last for case in _variants(first)]
    wide = [(first, last) for first, last in ranges if first < last]
    return Character((*single, *wide), is_negated, f"[{'^' if is_negated else ''}{members}]")


def _members(match: re.Match[str]) -> tuple[str, str]:
    """Return one character of a set, or a range; a range that goes backwards has no members."""
    first, last = match.groups()
    return (match[0], match[0]) if first is None else (first, last)


def _written(first: str, last: str) -> str:
    return re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"
