"""Cursors of the history: encrypted marks of events. They do not show how many events there were.

AES-SIV (RFC 5297) always encrypts a mark to the same text, so that all readers can share the text. It rejects texts
that were not encrypted with the key. The key is in the journal, so that a cursor is valid after a restart.
"""

import base64
import struct
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from logonscope.machine.events import EventMark

_MARK = struct.Struct(">IQI")
MAX_CACHED = 4096


class CursorCipher:
    """Writes and reads the cursors of one journal."""

    def __init__(self, key: bytes, journal_id: str) -> None:
        self._cipher, self._journal = AESSIV(key), journal_id.encode()
        # all readers get the same events at about the same time: each mark is encrypted once
        self.write = lru_cache(MAX_CACHED)(self._write)

    def __repr__(self) -> str:
        return f"<CursorCipher of {self._journal.decode()}>"

    def _write(self, mark: EventMark) -> str:
        encrypted = self._cipher.encrypt(_MARK.pack(*mark), [self._journal])
        return base64.urlsafe_b64encode(encrypted).rstrip(b"=").decode()

    def read(self, text: str) -> EventMark | None:
        """Return the mark of a cursor; None: the text is not a cursor of this journal."""
        try:
            encrypted = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return EventMark(*_MARK.unpack(self._cipher.decrypt(encrypted, [self._journal])))
        except (ValueError, InvalidTag, struct.error):
            return None
