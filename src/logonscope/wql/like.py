"""LIKE patterns: ``%`` matches any run of characters, ``_`` one character, ``[abc]`` and ``[^a-f]`` one of a set.

The pattern is split at each ``%`` into pieces of fixed width, which are searched in the text one after another. The
time of a search is linear in the length of the text: a long piece in a long text is searched with a bit-parallel
automaton, any other piece with a regular expression.
A long text is searched in blocks of bounded work. A checkpoint is called before each block, because within a block the
deadline is not checked, and a regular expression does not release the GIL.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

MAX_PATTERN_CHARACTERS = 1_000
"""Maximum characters of a pattern."""

SHORT_PIECE = 16
"""Length of a piece up to which a regular expression is never slower than the automaton."""

BLOCK = 1 << 16
"""Comparisons (characters of the text times characters of the piece) between two checkpoints: about a millisecond."""

MAX_MASKS = 4096
"""Maximum number of characters whose masks an automaton caches."""

Checkpoint = Callable[[], object]
"""Called between two blocks of work; raises an error when the deadline has passed."""

_PART = r"\[\^?[^\]]*\]|."
_RANGE = r"(.)-(.)|."
_FLAGS = re.IGNORECASE | re.DOTALL
_NEVER = "(?!)"


def _no_deadline() -> None:
    """Do nothing: the match has no deadline."""


def compile_like(pattern: str, checkpoint: Checkpoint = _no_deadline) -> Callable[[str], bool]:
    """Compile a pattern to a function that returns whether a text matches, without regard to case."""
    first, *rest = ([*map(_parse_character, piece)] for piece in _split_pieces(pattern))
    if not rest:
        return _FixedPattern(first).fits
    return _PatternWithRuns(first, rest[:-1], rest[-1], checkpoint).fits


class CharacterPattern(NamedTuple):
    """A pattern for one character, which must be in one of ``ranges``; if ``is_negated``, it must be in none of them.

    ``expression`` is the same pattern as a regular expression.
    """

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool
    expression: str


class _FixedPattern:
    """A pattern without ``%``: it matches texts of one length."""

    def __init__(self, piece: list[CharacterPattern]) -> None:
        self._whole, self._width = _expression(piece), len(piece)

    def fits(self, text: str) -> bool:
        return len(text) == self._width and self._whole.match(text) is not None


class _PatternWithRuns:
    """A pattern with ``%``: how a text starts, which pieces it then contains, in their order, and how it ends."""

    def __init__(
        self,
        first: list[CharacterPattern],
        middle: list[list[CharacterPattern]],
        last: list[CharacterPattern],
        checkpoint: Checkpoint,
    ) -> None:
        self._first, self._first_width = _expression(first), len(first)
        self._last, self._last_width = _expression(last), len(last)
        self._middle = [_PieceSearch(piece, checkpoint) for piece in middle if piece]

    def fits(self, text: str) -> bool:
        """Return whether a text matches."""
        if self._first.match(text) is None:
            return False
        # The leftmost match of each piece is enough: it leaves the most text for the pieces after it.
        position = self._first_width
        for search in self._middle:
            end = search.end(text, position)
            if end is None:
                return False
            position = end
        last_position = len(text) - self._last_width
        return last_position >= position and self._last.match(text, last_position) is not None


class _PieceSearch:
    """The search for one piece, which has a fixed width."""

    def __init__(self, piece: list[CharacterPattern], checkpoint: Checkpoint) -> None:
        self._piece, self._checkpoint = piece, checkpoint
        self._expression, self._width = _expression(piece), len(piece)
        self._automaton: _Automaton | None = None

    def end(self, text: str, start: int) -> int | None:
        """Return the offset where the first match at or after ``start`` ends; None: there is no match."""
        width, length = self._width, len(text) - start
        if width > SHORT_PIECE and width * length > BLOCK:
            if self._automaton is None:
                self._automaton = _Automaton(self._piece, self._checkpoint)
            return self._automaton.end(text, start)
        search, block = self._expression.search, BLOCK // width
        if length <= block:
            match = search(text, start)
            return None if match is None else match.end()
        # Blocks overlap by the width of the piece less one, so that no match is lost between two of them.
        for begin in range(start, len(text), block):
            self._checkpoint()
            match = search(text, begin, begin + block + width - 1)
            if match is not None:
                return match.end()
        return None


class _Automaton:
    """A search by Shift-And (Baeza-Yates and Gonnet 1992): a bit for every character of the piece.

    Bit i of the state is set if the last i + 1 characters that were read match the first i + 1 characters of the piece.
    A step costs nearly the same for every piece of at most 1,000 characters, whatever the text.
    """

    _STEPS = 8192
    """Characters of the text between two checkpoints."""

    def __init__(self, piece: list[CharacterPattern], checkpoint: Checkpoint) -> None:
        self._checkpoint, self._accepted = checkpoint, 1 << (len(piece) - 1)
        self._negated = sum(1 << bit for bit, character in enumerate(piece) if character.is_negated)
        self._masks: dict[str, int] = {}
        changes: dict[str, int] = {}
        # Each character of the piece has a bit, which flips at both boundaries of its ranges. Between two boundaries,
        # the mask is constant. So the mask of any character is found by bisection, and a range costs two entries, even
        # if it is as wide as Unicode.
        for bit, character in enumerate(piece):
            for first, after in _merge_ranges(character.ranges):
                for boundary in (first, after):
                    changes[boundary] = changes.get(boundary, 0) ^ 1 << bit
        self._boundaries = sorted(changes)
        self._boundary_masks, mask = [0], 0
        for boundary in self._boundaries:
            mask ^= changes[boundary]
            self._boundary_masks.append(mask)

    def end(self, text: str, start: int) -> int | None:
        """Return the offset where the first match at or after ``start`` ends; None: there is no match."""
        masks, accepted, state = self._masks, self._accepted, 0
        for begin in range(start, len(text), self._STEPS):
            self._checkpoint()
            for end, character in enumerate(text[begin : begin + self._STEPS], begin + 1):
                mask = masks.get(character)
                if mask is None:
                    mask = self._compute_mask(character)
                state = (state << 1 | 1) & mask
                if state & accepted:
                    return end
        return None

    def _compute_mask(self, character: str) -> int:
        """Return, as bits, the characters of the piece that match a character of the text."""
        mask = 0
        for variant in _case_variants(character):
            mask |= self._boundary_masks[bisect_right(self._boundaries, variant)]
        mask ^= self._negated
        if len(self._masks) < MAX_MASKS:
            self._masks[character] = mask
        return mask


def _merge_ranges(ranges: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, str]]:
    """Yield the ranges, merged where they overlap: the first character, and a text that sorts just after the last."""
    begin = end = ""
    for first, last in sorted(ranges):
        after = f"{last}\0"  # also for U+10FFFF, after which there is no character
        if begin and first <= end:
            end = max(end, after)
            continue
        if begin:
            yield begin, end
        begin, end = first, after
    if begin:
        yield begin, end


_CASE_GROUPS = (
    "Ii\u0130\u0131", "Kk\u212a", "Ss\u017f", "\u00b5\u039c\u03bc", "\u00c5\u00e5\u212b", "\u00df\u1e9e",
    "\u0345\u0399\u03b9\u1fbe", "\u0390\u1fd3", "\u0392\u03b2\u03d0", "\u0395\u03b5\u03f5", "\u0398\u03b8\u03d1\u03f4",
    "\u039a\u03ba\u03f0", "\u03a0\u03c0\u03d6", "\u03a1\u03c1\u03f1", "\u03a3\u03c2\u03c3", "\u03a6\u03c6\u03d5",
    "\u03a9\u03c9\u2126", "\u03b0\u1fe3", "\u0412\u0432\u1c80", "\u0414\u0434\u1c81", "\u041e\u043e\u1c82",
    "\u0421\u0441\u1c83", "\u0422\u0442\u1c84\u1c85", "\u042a\u044a\u1c86", "\u0462\u0463\u1c87", "\u1c88\ua64a\ua64b",
    "\u1e60\u1e61\u1e9b", "\ufb05\ufb06",
)  # fmt: skip
"""Characters that ``re.IGNORECASE`` treats as equal, where a character and its cases are not all of them."""

_GROUP_OF_CHARACTER = {character: frozenset(group) for group in _CASE_GROUPS for character in group}


def _case_variants(character: str) -> Iterable[str]:
    """Return the characters that ``re.IGNORECASE`` treats as equal to a character, and the character itself."""
    group = _GROUP_OF_CHARACTER.get(character)
    if group is not None:
        return group
    return {case for case in (character, character.lower(), character.upper(), character.title()) if len(case) == 1}


def _expression(piece: list[CharacterPattern]) -> re.Pattern[str]:
    return re.compile("".join(character.expression for character in piece), _FLAGS)


def _split_pieces(pattern: str) -> Iterator[list[str]]:
    """Yield the pieces before, between and after the ``%``, each as its parts; a part matches one character."""
    piece: list[str] = []
    for part in re.findall(_PART, pattern, re.DOTALL):
        if part == "%":
            yield piece
            piece = []
        else:
            piece.append(part)
    yield piece


def _parse_character(part: str) -> CharacterPattern:
    if part == "_":
        return CharacterPattern((), is_negated=True, expression=".")  # not in the empty set: any character
    if len(part) == 1:
        cases = tuple((case, case) for case in _case_variants(part))
        return CharacterPattern(cases, is_negated=False, expression=re.escape(part))
    is_negated = part.startswith("[^")
    ranges = [*map(_parse_range, re.finditer(_RANGE, part[1 + is_negated : -1], re.DOTALL))]
    members = "".join(_write_range(first, last) for first, last in ranges if first <= last)
    if not members:
        return CharacterPattern((), is_negated, "." if is_negated else _NEVER)
    single = [(case, case) for first, last in ranges if first == last for case in _case_variants(first)]
    wide = [(first, last) for first, last in ranges if first < last]
    return CharacterPattern((*single, *wide), is_negated, f"[{'^' if is_negated else ''}{members}]")


def _parse_range(match: re.Match[str]) -> tuple[str, str]:
    """Return the first and the last character of a range, or a single character twice; a range may be backwards."""
    first, last = match.groups()
    return (match[0], match[0]) if first is None else (first, last)


def _write_range(first: str, last: str) -> str:
    return re.escape(first) if first == last else f"{re.escape(first)}-{re.escape(last)}"
