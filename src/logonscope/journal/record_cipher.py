"""Opaque keys of records: encrypted record numbers, for callers that may not see all records.

Plain numbers are consecutive: the gap between two of them would show how much other users did. AES-SIV (RFC 5297)
always encrypts the number of a record of one kind to the same text, and rejects texts that it did not make.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from logonscope.machine.history import RecordKind

MAX_CACHED = 4096
_NUMBER_BYTES = 8
_CHARACTERS = 48
"""Length of a key: 24 bytes in hex. Base64 cannot be used, because WMI compares texts ignoring case."""


class RecordCipher:
    """Writes and reads the opaque keys of one journal."""

    def __init__(self, key: bytes | None, journal_id: str) -> None:
        """Create it.

        Args:
            key: the secret key of the journal; None: a random key, so that only this object can read the opaque keys.
            journal_id: the id of the journal; other journals do not accept the keys of its records.
        """
        self._cipher, self._journal = AESSIV(key or AESSIV.generate_key(256)), journal_id.encode()
        # many records name the same logon session or parent
        self.hide = lru_cache(MAX_CACHED)(self._hide)

    def __repr__(self) -> str:
        return f"<RecordCipher of {self._journal.decode()}>"

    def _hide(self, kind: RecordKind, number: int) -> str:
        # two texts of associated data (RFC 5297). A cursor has one: so no cursor is accepted as an opaque key, and no
        # opaque key as a cursor
        return self._cipher.encrypt(number.to_bytes(_NUMBER_BYTES, "big"), [self._journal, kind.encode()]).hex()

    def reveal(self, kind: RecordKind, key: str) -> int | None:
        """Return the number of a record; None: the text is not the key of a record of this kind."""
        if len(key) != _CHARACTERS:
            return None
        try:
            return int.from_bytes(self._cipher.decrypt(bytes.fromhex(key), [self._journal, kind.encode()]), "big")
        except (ValueError, InvalidTag):
            return None
