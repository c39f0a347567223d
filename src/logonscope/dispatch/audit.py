"""The audit log: a line of JSON for every authentication and for every method that was run or refused.

Nothing secret is in it: no password, no token, no hash. A method has a line before it is run, and is not run where that
cannot be written. Authentication goes on where its line cannot be written, and the server's log says so: else a full
disk would keep administrators out.
"""

import contextlib
import errno
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import datetime

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError, InternalError

AUDIT = "logonscope.audit"
"""The logger that gets these lines where they go to no file."""

LONGEST = 200
"""Characters of a text that came from outside."""

BEGUN = "begun"
"""The outcome of a method that is about to be run."""

QUIET = 60.0
"""Seconds between two lines of the server's log about the same failure."""

_log = logging.getLogger(__name__)


class Audit:
    """Writes events; ``write`` takes a line without its end."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime]) -> None:
        self._write, self._clock = write, clock
        self._reported = -QUIET

    def authentication(self, peer: str, scheme: str, name: str, caller: Caller | None) -> None:
        """Write that a client authenticated, or failed to."""
        self._event("authentication", peer, name, scheme=scheme, accepted=caller is not None)

    def unable(self, peer: str, scheme: str, name: str) -> None:
        """Write that a client tried a scheme that the user does not have, as many do before they send a password."""
        self._event("unable", peer, name, scheme=scheme, reason="no such user with --ntlm")

    def begin(self, peer: str, caller: Caller, what: str, path: str) -> None:
        """Write that a caller is about to run a method.

        Raises:
            InternalError: it cannot be written; the method must not be run.
        """
        try:
            self._write(self._line("method", peer, caller.name, **_method(what, path, BEGUN)))
        except OSError as error:
            raise InternalError(
                f"cannot write to the audit log: {error.strerror}; nothing was done",
                "the server's administrator can make room, or turn it off: audit_log",
            ) from None

    def method(self, peer: str, caller: Caller, what: str, path: str, outcome: str) -> None:
        """Write that a caller ran a method, or was refused."""
        self._event("method", peer, caller.name, **_method(what, path, outcome))

    def _event(self, event: str, peer: str, user: str, **more: object) -> None:
        """Write a line; where that fails, report it to the server's log once a minute."""
        try:
            self._write(self._line(event, peer, user, **more))
        except OSError as error:
            now = time.monotonic()
            if now - self._reported >= QUIET:
                self._reported = now
                _log.error("cannot write to the audit log: %s", error.strerror)

    def _line(self, event: str, peer: str, user: str, **more: object) -> str:
        now = self._clock().isoformat(timespec="milliseconds")
        return json.dumps({"time": now, "event": event, "peer": peer, "user": user[:LONGEST], **more})


def _method(what: str, path: str, outcome: str) -> dict[str, str]:
    return {"method": what[:LONGEST], "path": path[:LONGEST], "outcome": outcome}


class Appender:
    """Appends lines to a file, which is made with mode 0600; where it was moved away (logrotate(8)), to a new one."""

    def __init__(self, path: str) -> None:
        """Take the path.

        Raises:
            AccessDeniedError: the file cannot be written.
        """
        self._path, self._lock = path, threading.Lock()
        try:
            self._file = self._open()
        except OSError as error:
            raise AccessDeniedError(f"{path} cannot be written: {error.strerror}", "give another file") from None

    def __call__(self, line: str) -> None:
        """Append a line, whole or not at all.

        Raises:
            OSError: there is no room.
        """
        data = f"{line}\n".encode()
        with self._lock:
            with contextlib.suppress(OSError):  # where there can be no new file, the old one has it
                self._follow()
            written = os.write(self._file, data)
            if written < len(data):  # the disk is full: part of a line would spoil the next one
                os.ftruncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _follow(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._file)):
                return
        fresh = self._open()
        os.close(self._file)
        self._file = fresh
