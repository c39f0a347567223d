"""The audit log: a line of JSON for every authentication and for every method that was run or refused.

Nothing secret is in it: no password, no token, no hash.
"""

import contextlib
import json
import os
import threading
from collections.abc import Callable
from datetime import datetime

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError

AUDIT = "logonscope.audit"
"""The logger that gets these lines where they go to no file."""

LONGEST = 200
"""Characters of a text that came from outside."""


class Audit:
    """Writes events; ``write`` takes a line without its end."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime]) -> None:
        self._write, self._clock = write, clock

    def authentication(self, peer: str, scheme: str, name: str, caller: Caller | None) -> None:
        """Write that a client authenticated, or failed to."""
        self._event("authentication", peer, name, scheme=scheme, accepted=caller is not None)

    def unable(self, peer: str, scheme: str, name: str) -> None:
        """Write that a client tried a scheme that the user does not have, as many do before they send a password."""
        self._event("unable", peer, name, scheme=scheme, reason="no such user with --ntlm")

    def method(self, peer: str, caller: Caller, what: str, path: str, outcome: str) -> None:
        """Write that a caller ran a method, or was refused."""
        self._event("method", peer, caller.name, method=what[:LONGEST], path=path[:LONGEST], outcome=outcome)

    def _event(self, event: str, peer: str, user: str, **more: object) -> None:
        now = self._clock().isoformat(timespec="milliseconds")
        self._write(json.dumps({"time": now, "event": event, "peer": peer, "user": user[:LONGEST], **more}))


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
        """Append a line."""
        with self._lock:
            with contextlib.suppress(OSError):  # where there can be no new file, the old one has it
                self._follow()
            os.write(self._file, f"{line}\n".encode())

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _follow(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._file)):
                return
        fresh = self._open()
        os.close(self._file)
        self._file = fresh
