"""Verdicts on the answers, and the table of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence

RIGHT, WRONG, NONE, ENDED = "right", "wrong", "none", "ended"
Verdicts = Mapping[str, Mapping[str, str]]
"""By the answer's column, then by the process."""


def verdict(answer: object, login: object, others: Collection[object]) -> str:
    """Judge an answer: right if it is the one that the login has, and no process of another login has it."""
    if answer is None:
        return NONE
    return RIGHT if answer == login and answer not in others else WRONG


def count(verdicts: Mapping[str, str]) -> str:
    """Return how many processes that live were given their login, as "6 of 7"."""
    alive = [verdict for verdict in verdicts.values() if verdict != ENDED]
    return f"{alive.count(RIGHT)} of {len(alive)}"


def all_right(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Tell whether every process was given its login before logout, and after it whichever lives, some at least."""
    return {*before.values()} == {RIGHT} and RIGHT in after.values() and {*after.values()} <= {RIGHT, ENDED}


def markdown(columns: Sequence[str], rows: Sequence[str], before: Verdicts, after: Verdicts) -> Iterator[str]:
    """Yield the lines of the table: before and after logout, one word where both are the same."""
    yield f"| process | {' | '.join(columns)} |"
    yield f"|---|{'---|' * len(columns)}"
    for row in rows:
        cells = (both(before[column][row], after[column][row]) for column in columns)
        yield f"| {row} | {' | '.join(cells)} |"
    yield f"| before logout | {' | '.join(count(before[column]) for column in columns)} |"
    yield f"| after logout | {' | '.join(count(after[column]) for column in columns)} |"


def both(before: str, after: str) -> str:
    """Return the verdicts of two moments, as one word where they are the same."""
    return before if before == after else f"{before}, {after}"
