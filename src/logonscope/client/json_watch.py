"""Watches of another Logonscope: server-sent events, read by a thread."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from logonscope.client.json_client import Connection
from logonscope.errors import LogonscopeError, TransportFailureError

MAX_QUEUED = 4_096
"""Maximum number of events that are read ahead of the program; the server keeps later events for a while."""

MAX_EVENT_BYTES = 8 << 20

Result = tuple[str | None, Any]
"""The cursor after a result, and the result."""


class SentEvents:
    """Reads server-sent events from a connection; see ``client.watch.ResultReader``."""

    def __init__(
        self, connection: Connection, parts: Iterator[bytes], read_row: Callable[[str, dict[str, Any]], Any], name: str
    ) -> None:
        """Start reading.

        Args:
            connection: the connection, which belongs to this watch alone.
            parts: the parts of the body of the response.
            read_row: returns the result for the name and the object of an event; raises the error that an event
                named "error" has.
            name: the name of the host, for messages.
        """
        self._connection, self._parts, self._read_row, self._name = connection, parts, read_row, name
        self._queue: queue.Queue[Result | LogonscopeError] = queue.Queue(MAX_QUEUED)
        self.is_closed = False
        self.description = f"events of {name}"
        threading.Thread(target=self._run, name="logonscope-events", daemon=True).start()

    def __repr__(self) -> str:
        return f"<SentEvents of {self._name}>"

    def read(self, seconds: float | None = None) -> Sequence[Result]:
        """See ``ResultReader``.

        Raises:
            LogonscopeError: the error with which the server ended the watch, or the connection is lost.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while not self.is_closed:
            # short waits, because another thread may close the watch meanwhile
            seconds_left = 0.5 if end is None else min(0.5, end - time.monotonic())
            try:
                item = self._queue.get(timeout=max(seconds_left, 0.0)) if seconds_left > 0 else self._queue.get_nowait()
            except queue.Empty:
                if end is not None and time.monotonic() >= end:
                    return ()
                continue
            # an error comes after all events that were read before it
            if isinstance(item, LogonscopeError):
                self.close()
                raise item
            return (item,)
        return ()

    def close(self) -> None:
        """See ``ResultReader``."""
        self.is_closed = True
        self._connection.abort()

    def _run(self) -> None:
        try:
            for name, cursor, data in _events(self._parts):
                self._put((cursor, self._read_row(name, data)))
                if self.is_closed:
                    return
            self._put(TransportFailureError(f"{self._name} has ended the watch", "watch again"))
        except LogonscopeError as error:
            self._put(error)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            self._put(TransportFailureError(f"invalid event from {self._name}: {error}", "check the server"))
        finally:
            self._connection.close()

    def _put(self, item: Result | LogonscopeError) -> None:
        # while the queue is full, nothing is read from the server; the server counts the events that are lost meanwhile
        while not self.is_closed:
            try:
                self._queue.put(item, timeout=0.5)
            except queue.Full:
                continue
            return


def _events(parts: Iterator[bytes]) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Yield name, cursor and object of each event (HTML standard, 9.2.6); comments are heartbeats, which are skipped.

    Raises:
        ValueError: an event is too long, or no JSON object.
    """
    rest = b""
    for part in parts:
        # a part may end within an event, or within a character
        *blocks, rest = (rest + part).split(b"\n\n")
        if len(rest) > MAX_EVENT_BYTES:
            raise ValueError(f"more than {MAX_EVENT_BYTES:,} bytes")
        for block in blocks:
            # the server writes one line for each field
            fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if ": " in line)
            if "data" in fields:
                data = json.loads(fields["data"])
                if not isinstance(data, dict):
                    raise ValueError("it is no object")
                yield fields.get("event", ""), fields.get("id"), data
