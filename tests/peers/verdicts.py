"""Verdicts on the answers, and the table of them."""

from collections.abc import Collection, Iterator, Mapping, Sequence

CORRECT, INCORRECT, NONE, ENDED = "correct", "incorrect", "no answer", "ended"
Verdicts = Mapping[str, Mapping[str, str]]
"""By the answer's column, then by the process."""


def verdict(answer: object, login: object, others: Collection[object]) -> str:
    """Judge an answer: correct if the login has the same one, and no process of another login has it."""
    if answer is None:
        return NONE
    return CORRECT if answer == login and answer not in others else INCORRECT


def count(verdicts: Mapping[str, str]) -> str:
    """Return for how many running processes the answer is correct, as "6 of 7"."""
    alive = [verdict for verdict in verdicts.values() if verdict != ENDED]
    return f"{alive.count(CORRECT)} of {len(alive)}"


def all_correct(before: Mapping[str, str], after: Mapping[str, str]) -> bool:
    """Return whether the answers for all processes are correct before logout, and for all that still run after it."""
    return {*before.values()} == {CORRECT} and CORRECT in after.values() and {*after.values()} <= {CORRECT, ENDED}


def markdown(columns: Sequence[str], rows: Sequence[str], before: Verdicts, after: Verdicts) -> Iterator[str]:
    """Yield the lines of the table: the verdicts before and after logout, one where both are the same."""
    yield f"| process | {' | '.join(columns)} |"
    yield f"|---|{'---|' * len(columns)}"
    for row in rows:
        cells = (both(before[column][row], after[column][row]) for column in columns)
        yield f"| {row} | {' | '.join(cells)} |"
    yield f"| before logout | {' | '.join(count(before[column]) for column in columns)} |"
    yield f"| after logout | {' | '.join(count(after[column]) for column in columns)} |"


def both(before: str, after: str) -> str:
    """Return the verdicts before and after logout as one text; one verdict where they are the same."""
    return before if before == after else f"{before}, then {after}"
