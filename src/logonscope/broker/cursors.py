"""Cursors as clients see them: numbers of the stream, encrypted with a key of this run.

Consecutive numbers would show a caller how much happened that it may not see. A cursor of another run of the service
decrypts to a number that the stream does not have.
"""

import hmac
import os

_KEY = os.urandom(32)
_ROUNDS = 4
_HALF = 32
_MASK = (1 << _HALF) - 1


def write_cursor(position: int) -> str:
    """Return a position in the stream as a cursor."""
    left, right = position >> _HALF, position & _MASK
    # a Feistel network: a permutation, whatever the function of a round is
    for turn in range(_ROUNDS):
        left, right = right, left ^ _mix(turn, right)
    return f"{left << _HALF | right:016x}"


def read_cursor(text: str) -> int:
    """Return the position of a cursor; one that no stream has, if it is not a cursor of this run."""
    try:
        number = int(text, 16) if len(text) == 16 and text.isascii() and text.isalnum() else None
    except ValueError:
        number = None
    if number is None:
        return 1 << 63
    left, right = number >> _HALF, number & _MASK
    for turn in reversed(range(_ROUNDS)):
        left, right = right ^ _mix(turn, left), left
    return left << _HALF | right


def _mix(turn: int, half: int) -> int:
    digest = hmac.digest(_KEY, turn.to_bytes(1) + half.to_bytes(4), "sha256")
    return int.from_bytes(digest[:4])
