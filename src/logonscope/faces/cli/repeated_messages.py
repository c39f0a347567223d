"""Messages about what happens again and again: the first one at once, then one a minute with the number of times."""

import time
from collections.abc import Callable

from logonscope.display import count_text

SECONDS = 60.0
"""Seconds between two messages of the same kind."""


class RepeatedMessages:
    """Counts occurrences by kind, and writes a message of each kind at most once in ``seconds``."""

    def __init__(self, write: Callable[[str], object], seconds: float = SECONDS) -> None:
        self._write, self._seconds = write, seconds
        # (noun, predicate) -> when the next message is due, occurrences since the last message, newest detail
        self._counts: dict[tuple[str, str], tuple[float, int, str]] = {}

    def __repr__(self) -> str:
        return f"<RepeatedMessages of {len(self._counts)} kinds>"

    def add(self, noun: str, predicate: str, count: int = 1, detail: str = "") -> None:
        """Count occurrences, and write the message of their kind if it is due.

        Args:
            noun: what is counted, in the singular: "command".
            predicate: the rest of the message: "failed".
            count: how many occurrences there are.
            detail: what differs between occurrences: "exit status 1".
        """
        # the detail is no part of the kind: it may be different each time
        kind = noun, predicate
        due, total, _ = self._counts.get(kind, (0.0, 0, ""))
        self._counts[kind] = due, total + count, detail
        if due <= time.monotonic():
            self._write_kind(kind)

    def write_due(self) -> None:
        """Write the messages that are due."""
        for kind, (due, total, _) in self._counts.items():
            if total and due <= time.monotonic():
                self._write_kind(kind)

    def finish(self) -> None:
        """Write the messages of all occurrences for which no message was written yet."""
        for kind, (_, total, _) in self._counts.items():
            if total:
                self._write_kind(kind)

    def _write_kind(self, kind: tuple[str, str]) -> None:
        noun, predicate = kind
        _, total, detail = self._counts[kind]
        self._counts[kind] = time.monotonic() + self._seconds, 0, ""
        ending = "" if not detail else f": {detail}" if total == 1 else f", last: {detail}"
        self._write(f"{count_text(total, noun)} {predicate}{ending}")
