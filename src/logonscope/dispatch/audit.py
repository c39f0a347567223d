"""The audit log: a line of JSON for each authentication, view as another user, and method that changes something.

If a client sends a password with every request, there is one line for each connection. The log contains no secrets: no
password, token or hash. There is a line before a method runs, and a line for its outcome; if the line before it cannot
be written, the method is not run. If any other line cannot be written, the request continues: otherwise a full disk
would lock out administrators. The server's log reports this failure as an error.
"""

import contextlib
import errno
import json
import logging
import os
import threading
from collections.abc import Callable
from datetime import datetime

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError, InternalError
from logonscope.log_intervals import LogIntervals

AUDIT_LOGGER = "logonscope.audit"
"""The name of the logger for these lines, if they are not written to a file."""

MAX_TEXT_LENGTH = 200
"""Maximum number of characters of a text from a client that are recorded."""

BEGUN = "begun"
"""The outcome of a method that is about to run."""

_log = logging.getLogger(__name__)


class Audit:
    """Writes the events of the audit log; ``write`` writes one line, given without a line end."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime]) -> None:
        self._write, self._clock = write, clock
        self._log_intervals = LogIntervals()

    def record_authentication(self, peer: str, scheme: str, name: str, caller: Caller | None) -> None:
        """Record an authentication; it failed if ``caller`` is None."""
        self._write_event("authentication", peer, name, scheme=scheme, accepted=caller is not None)

    def record_scheme_unavailable(self, peer: str, scheme: str, name: str) -> None:
        """Record an NTLM attempt for a user without an NT hash; many clients try NTLM before they send a password."""
        self._write_event("scheme_unavailable", peer, name, scheme=scheme, reason="no such user with --ntlm")

    def record_method_begin(self, peer: str, caller: Caller, method_name: str, path: str) -> None:
        """Record that a caller is about to run a method.

        Raises:
            InternalError: the line cannot be written; the method must not be run.
        """
        try:
            self._write(self._line("method", peer, caller.name, **_method_details(method_name, path, BEGUN)))
        except OSError as error:
            raise InternalError(
                f"cannot write to the audit log: {error.strerror}; the method was not run",
                "the server's administrator can free space, or turn the audit log off: audit_log",
            ) from None

    def record_method_outcome(self, peer: str, caller: Caller, method_name: str, path: str, outcome: str) -> None:
        """Record the outcome of a method: its return value, or the name of the error."""
        self._write_event("method", peer, caller.name, **_method_details(method_name, path, outcome))

    def record_view(self, peer: str, caller: Caller, viewed_user: str, outcome: str) -> None:
        """Record that a caller requested the view of another user; ``outcome``: "accepted", or the error's name."""
        self._write_event("view_as", peer, caller.name, viewed_user=viewed_user[:MAX_TEXT_LENGTH], outcome=outcome)

    def _write_event(self, event: str, peer: str, user: str, **details: object) -> None:
        """Write a line; if that fails, report it in the server's log at most once a minute."""
        try:
            self._write(self._line(event, peer, user, **details))
        except OSError as error:
            if self._log_intervals.is_due("failed writes"):
                _log.error("cannot write to the audit log: %s", error.strerror)

    def _line(self, event: str, peer: str, user: str, **details: object) -> str:
        now = self._clock().isoformat(timespec="milliseconds")
        return json.dumps({"time": now, "event": event, "peer": peer, "user": user[:MAX_TEXT_LENGTH], **details})


def _method_details(method_name: str, path: str, outcome: str) -> dict[str, str]:
    return {"method": method_name[:MAX_TEXT_LENGTH], "path": path[:MAX_TEXT_LENGTH], "outcome": outcome}


class LogFile:
    """Appends lines to a file. It is created with mode 0600, and created anew after a rename (logrotate(8))."""

    def __init__(self, path: str) -> None:
        """Open or create the file.

        Raises:
            AccessDeniedError: the file cannot be opened for writing.
        """
        self._path, self._lock = path, threading.Lock()
        try:
            self._file = self._open()
        except OSError as error:
            raise AccessDeniedError(f"cannot write {path}: {error.strerror}", "give another --audit-log") from None

    def __call__(self, line: str) -> None:
        """Append a line completely, or not at all.

        Raises:
            OSError: the disk is full, or another error of the file.
        """
        data = f"{line}\n".encode()
        with self._lock:
            try:
                self._reopen_if_renamed()
            except OSError:
                # the old file gets the line, unless the file was deleted: then no program could find the line
                if not os.fstat(self._file).st_nlink:
                    raise
            written_bytes = os.write(self._file, data)
            # The disk is full. The part that was written is removed: otherwise the next line would be appended to it.
            if written_bytes < len(data):
                os.ftruncate(self._file, os.fstat(self._file).st_size - written_bytes)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _open(self) -> int:
        # The server never waits for a FIFO: if no process reads it, this raises; if it is full, it gets no line.
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)

    def _reopen_if_renamed(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._file)):
                return
        new_file = self._open()
        os.close(self._file)
        self._file = new_file
