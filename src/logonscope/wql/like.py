"""Does a text fit a pattern? LIKE: ``%`` any run, ``_`` any character, ``[abc]``, ``[a-f]``, ``[^a-f]`` one of a set.

The pattern is cut at its ``%`` into pieces of fixed length, and each is looked for once after the one before it: what
that costs is linear in the text for each character of the pattern, whatever the pattern.
"""

import re
from collections.abc import Callable, Iterator

LONGEST = 1_000
"""Characters of a pattern: each may cost a look at the whole text."""

_PART = re.compile(r"\[\^?[^\]]*\]|.", re.DOTALL)
_RANGE = re.compile(r"(.)-(.)|.", re.DOTALL)
_FLAGS = re.IGNORECASE | re.DOTALL
_NEVER = "(?!)"


def like(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a text fits the pattern; the case of letters does not count."""
    pieces = list(_pieces(pattern))
    first, *rest = (re.compile("".join(piece), _FLAGS) for piece in pieces)
    if not rest:
        whole = first
        return lambda text: whole.fullmatch(text) is not None
    *middle, last = rest
    width = len(pieces[-1])

    def fits(text: str) -> bool:
        match = first.match(text)
        for piece in middle:
            if match is None:
                return False
            match = piece.search(text, match.end())
        end = len(text) - width
        return match is not None and end >= match.end() and last.match(text, end) is not None

    return fits


def _pieces(pattern: str) -> Iterator[list[str]]:
    """Yield what stands between the runs: a regular expression for each character."""
    piece: list[str] = []
    for part in _PART.findall(pattern):
        if part == "%":
            yield piece
            piece = []
        else:
            piece.append(_character(part))
    yield piece


def _character(part: str) -> str:
    if part == "_":
        return "."
    if len(part) == 1:
        return re.escape(part)
    negated = part.startswith("[^")
    members = "".join(filter(None, map(_members, _RANGE.finditer(part[1 + negated : -1]))))
    if not members:
        return "." if negated else _NEVER
    return f"[{'^' if negated else ''}{members}]"


def _members(match: re.Match[str]) -> str:
    """Return one character of a set, or a range; one that goes backwards has none."""
    first, last = match.groups()
    if first is None:
        return re.escape(match[0])
    return f"{re.escape(first)}-{re.escape(last)}" if first <= last else ""
