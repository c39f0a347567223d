"""The hash chain: evidence that rows of the journal were not edited.

Each seal covers the rows of a range of numbers. It holds the sum of their hashes, so that the hash of a row that is
deleted later can be subtracted. The chain is no protection against root: a program that can write the file can
compute the chain anew. To detect a new chain, keep a copy of the last link on another machine:
``logonscope history verify`` prints it.
"""

from collections.abc import Iterable
from hashlib import blake2b, sha256
from typing import Any

DIGEST_BYTES = 16
MODULUS = 1 << (8 * DIGEST_BYTES)
FIRST_LINK = bytes(32)


def row_hash(kind: str, values: tuple[Any, ...]) -> int:
    """Return the hash of a row; ``kind`` is the name of its table, or "end" for the end of a process."""
    return int.from_bytes(blake2b(repr((kind, values)).encode(), digest_size=DIGEST_BYTES).digest(), "big")


def process_hash(row: tuple[Any, ...]) -> int:
    """Return the hash of a process that ended before its row was sealed.

    ``changes`` and ``ended`` are left out for ``start_hash``: they can be set after the start was sealed.
    """
    return int.from_bytes(blake2b(repr(row[:8] + row[9:13]).encode(), digest_size=DIGEST_BYTES).digest(), "big")


def start_hash(row: tuple[Any, ...]) -> int:
    """Return the hash of the start of a process that had not ended when its row was sealed."""
    return process_hash((*row[:9], None, None, None, None, None))


def end_hash(row: tuple[Any, ...]) -> int:
    """Return the hash of the end of a process whose row had been sealed."""
    return row_hash("end", (row[0], *row[9:14]))


def add_hashes(hashes: Iterable[int]) -> tuple[int, int]:
    """Return the number of hashes, and their sum modulo ``MODULUS``."""
    count = total = 0
    for value in hashes:
        count += 1
        total += value
    return count, total % MODULUS


def next_link(link: bytes, seq: int, count: int, digest: bytes) -> bytes:
    """Return the link of a seal: a hash of the previous link, and of number, row count and digest of the seal."""
    return sha256(link + f"{seq}:{count}:".encode() + digest).digest()


def pack_digest(total: int) -> bytes:
    """Return a sum of hashes as bytes."""
    return (total % MODULUS).to_bytes(DIGEST_BYTES, "big")


def unpack_digest(digest: bytes | None) -> int:
    """Return the sum that ``pack_digest`` packed; 0 for None."""
    return int.from_bytes(digest or b"", "big")
