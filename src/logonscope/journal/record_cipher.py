"""Opaque keys of records, for callers that may not see all of them: the kind and the number of a record, encrypted.

Consecutive numbers would show how much others did in between. AES-SIV (RFC 5297) gives a number always the same text,
and recognizes texts that it did not make.
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
            key: of the journal; None: no key is readable after this process.
            journal_id: other journals do not accept the keys.
        """
        self._cipher, self._journal = AESSIV(key or AESSIV.generate_key(256)), journal_id.encode()
        # logon sessions and parents come again and again
        self.hide = lru_cache(MAX_CACHED)(self._hide)

    def __repr__(self) -> str:
        return f"<RecordCipher of {self._journal.decode()}>"

    def _hide(self, kind: RecordKind, number: int) -> str:
        # two associated texts, where cursors have one: a text of one is never accepted as the other
        return self._cipher.encrypt(number.to_bytes(_NUMBER_BYTES, "big"), [self._journal, kind.encode()]).hex()

    def reveal(self, kind: RecordKind, key: str) -> int | None:
        """Return the number of a record; None: the text is not the key of one of this kind."""
        if len(key) != _CHARACTERS:
            return None
        try:
            return int.from_bytes(self._cipher.decrypt(bytes.fromhex(key), [self._journal, kind.encode()]), "big")
        except (ValueError, InvalidTag):
            return None
