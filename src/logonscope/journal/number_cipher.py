"""Opaque numbers of records, for callers that may not see all of them.

Consecutive numbers would show how much others did in between.
A permutation of the numbers below 2^52, which every client can store exactly (a JSON number in JavaScript has 53
bits): a Feistel network whose rounds are keyed hashes.
"""

import hashlib
from functools import lru_cache

NUMBER_BITS = 52
ROUNDS = 6
"""Four are a permutation that few numbers do not distinguish from a random one (Luby, Rackoff 1988); two are margin."""

MAX_CACHED = 4096

_HALF_BITS = NUMBER_BITS // 2
_HALF = (1 << _HALF_BITS) - 1


class NumberCipher:
    """The opaque numbers of one journal."""

    def __init__(self, key: bytes) -> None:
        # copies of a keyed hash cost less than new ones
        self._hashes = [
            hashlib.blake2b(key=key, digest_size=4, person=b"record %d" % number) for number in range(ROUNDS)
        ]
        # logon sessions and parents come again and again
        self.hide = lru_cache(MAX_CACHED)(self._hide)

    def __repr__(self) -> str:
        return "<NumberCipher>"

    def _hide(self, number: int) -> int:
        left, right = number >> _HALF_BITS, number & _HALF
        for keyed_hash in self._hashes:
            left, right = right, left ^ _mix(keyed_hash, right)
        return left << _HALF_BITS | right

    def reveal(self, opaque: int) -> int | None:
        """Return the number; None: it is not one of a record."""
        if not 0 <= opaque < 1 << NUMBER_BITS:
            return None
        left, right = opaque >> _HALF_BITS, opaque & _HALF
        for keyed_hash in reversed(self._hashes):
            left, right = right ^ _mix(keyed_hash, left), left
        return left << _HALF_BITS | right


def _mix(keyed_hash: "hashlib.blake2b", half: int) -> int:
    hashed = keyed_hash.copy()
    hashed.update(half.to_bytes(4, "big"))
    return int.from_bytes(hashed.digest(), "big") & _HALF
