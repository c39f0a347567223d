"""Who came in, and who did what? A line of JSON for every authentication and every method, for whoever answers for it.

Nothing secret is in it: no password, no token, no hash.
"""

import json
import os
from collections.abc import Callable
from datetime import datetime

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError

LONGEST = 200
"""Characters of what came from outside."""


class Audit:
    """Writes what happened; ``write`` takes a line without its end."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], datetime]) -> None:
        self._write, self._clock = write, clock

    def authentication(self, peer: str, scheme: str, name: str, caller: Caller | None) -> None:
        """Tell that somebody came in, or did not."""
        self._tell("authentication", peer, name, scheme=scheme, accepted=caller is not None)

    def method(self, peer: str, caller: Caller, what: str, path: str, outcome: str) -> None:
        """Tell that somebody ran a method, or was refused."""
        self._tell("method", peer, caller.name, method=what, path=path[:LONGEST], outcome=outcome)

    def _tell(self, event: str, peer: str, user: str, **more: object) -> None:
        now = self._clock().isoformat(timespec="milliseconds")
        self._write(json.dumps({"time": now, "event": event, "peer": peer, "user": user[:LONGEST], **more}))


def writer(path: str) -> Callable[[str], None]:
    """Return what appends lines to a file, which is made with mode 0600.

    Raises:
        AccessDeniedError: the file cannot be written.
    """
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AccessDeniedError(f"{path} cannot be written: {error.strerror}", "give another --audit-log") from None

    def write(line: str) -> None:
        os.write(file, f"{line}\n".encode())  # one write, so that lines of several threads stay whole

    return write
