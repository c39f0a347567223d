"""Messages that report the end of a subscription to its subscriber, if this host has ended the subscription.

Each server that gets such messages has a thread, so a server that does not answer delays only the messages to itself.
When this service stops, messages that are not sent within STOP_SECONDS are dropped.
"""

import logging
import threading
import time
from collections import deque

from logonscope.dispatch.pushes import Ending, PushChannel, PushError

SEND_SECONDS = 10.0
"""Timeout of one message."""

STOP_SECONDS = 5.0
"""Seconds for all messages that are left when the service stops."""

MAX_WAITING = 200
"""Maximum number of messages that wait for one server."""

_log = logging.getLogger(__name__)


class EndNotices:
    """Sends the messages, in order for each server. Its methods do not block, save ``stop``."""

    def __init__(self, stop_seconds: float = STOP_SECONDS) -> None:
        self._stop_seconds = stop_seconds
        self._waiting: dict[str, deque[tuple[PushChannel, Ending]]] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._stop_time: float | None = None  # (monotonic) when the messages that are left are dropped

    def __repr__(self) -> str:
        return f"<EndNotices to {len(self._threads)} servers>"

    def add(self, channel: PushChannel, ending: Ending) -> None:
        """Queue a message if the subscriber has an address for it, unless MAX_WAITING messages wait already."""
        receiver = channel.end_receiver
        if receiver is None:
            return
        with self._lock:
            waiting = self._waiting.setdefault(receiver, deque())
            if len(waiting) >= MAX_WAITING:
                _log.warning("cannot report the end of a subscription to %s: too many wait", receiver)
                return
            waiting.append((channel, ending))
            # a thread ends when nothing waits for its server
            if receiver not in self._threads:
                thread = threading.Thread(target=self._send_all, args=(receiver,), name="push-end", daemon=True)
                self._threads[receiver] = thread
                thread.start()

    def begin_stop(self) -> None:
        """Limit the time for all messages, without waiting for them."""
        if self._stop_time is None:
            self._stop_time = time.monotonic() + self._stop_seconds

    def stop(self) -> None:
        """Wait until all messages are sent, at most until STOP_SECONDS after ``begin_stop``; drop all others."""
        self.begin_stop()
        with self._lock:
            threads = [*self._threads.values()]
        for thread in threads:
            thread.join(self._seconds_left)

    @property
    def _seconds_left(self) -> float:
        return SEND_SECONDS if self._stop_time is None else max(0.0, self._stop_time - time.monotonic())

    def _send_all(self, receiver: str) -> None:
        while (notice := self._next(receiver)) is not None:
            channel, ending = notice
            try:
                channel.send_end(ending, self._seconds_left)
            except PushError as error:
                _log.warning("cannot report the end of a subscription to %s: %s", receiver, error)
            except Exception:  # noqa: BLE001 -- a programming error: the log has the traceback; other messages are sent
                _log.exception("internal error in a message to %s", receiver)

    def _next(self, receiver: str) -> tuple[PushChannel, Ending] | None:
        """Return the next message to a server; None: its thread has to end."""
        with self._lock:
            waiting = self._waiting.get(receiver)
            if waiting and self._seconds_left > 0:
                return waiting.popleft()
            self._waiting.pop(receiver, None)
            del self._threads[receiver]
            return None
