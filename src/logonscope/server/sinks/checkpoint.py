"""Checkpoints: files with the cursor after the last event that a sink has handled."""

import json
import os

from logonscope.server.atomic_file import write_atomically

MAX_BYTES = 4096


class Checkpoint:
    """The checkpoint of one sink."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __repr__(self) -> str:
        return f"<Checkpoint {self._path}>"

    def read(self) -> str | None:
        """Return the stored cursor; None: none is stored yet, or the file cannot be read."""
        try:
            with open(self._path, "rb") as file:
                cursor = json.loads(file.read(MAX_BYTES))["cursor"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return cursor if isinstance(cursor, str) else None

    def write(self, cursor: str) -> None:
        """Store a cursor.

        Raises:
            OSError: the file cannot be written.
        """
        os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
        write_atomically(self._path, json.dumps({"cursor": cursor}).encode())
