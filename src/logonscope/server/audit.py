"""Who came in, and who did what? A line of JSON for every authentication and every method, for whoever answers for it.

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
"""The logger that has these lines where no file has them."""

LONGEST = 200
"""Characters of what came from outside."""


class Audit:
    """Writes what happened; ``write`` takes a line without its end."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime]) -> None:
        self._write, self._clock = write, clock

    def authentication(self, peer: str, scheme: str, name: str, caller: Caller | None) -> None:
        """Tell that somebody came in, or did not."""
        self._tell("authentication", peer, name, scheme=scheme, accepted=caller is not None)

    def unable(self, peer: str, scheme: str, name: str) -> None:
        """Tell that a client tried a way by which that user cannot come, as many do before they send a password."""
        self._tell("unable", peer, name, scheme=scheme, reason="no such user with --ntlm")

    def method(self, peer: str, caller: Caller, what: str, path: str, outcome: str) -> None:
        """Tell that somebody ran a method, or was refused."""
        self._tell("method", peer, caller.name, method=what[:LONGEST], path=path[:LONGEST], outcome=outcome)

    def _tell(self, event: str, peer: str, user: str, **more: object) -> None:
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
            raise AccessDeniedError(f"{path} cannot be written: {error.strerror}", "give another --audit-log") from None

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
