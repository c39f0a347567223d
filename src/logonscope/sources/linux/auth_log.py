"""Reader of sshd's lines in /var/log/auth.log or /var/log/secure, for hosts without systemd's journal.

Any user can write into these files, for example with logger(1), so a line proves nothing by itself: values
that are read from it are marked as unauthenticated. ownership/authentication.py decides which line is about a login.
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from logonscope.machine import Look, Trouble
from logonscope.sources.linux.parse import decode_text

FILES = ("var/log/auth.log.1", "var/log/auth.log", "var/log/secure.1", "var/log/secure")
"""The files of Debian and Red Hat, older ones first."""

MAX_BYTES = 16 << 20
"""Maximum bytes that are read from the end of a file."""

_LINE = re.compile(
    rb"(?:([A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8})|([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9]{2}:[0-9]{2})))"
    rb" [^ ]+ sshd(?:-session)?\[([0-9]{1,10})\]: (Accepted .{1,4096})"
)
_RIGHTS = "run as root (for auth.log of Debian, the group adm is enough)"


class LogLine(NamedTuple):
    """A line of sshd about a successful authentication."""

    pid: int
    seconds: float  # since the epoch
    message: str


def read_auth_log(root: str, look: Look) -> Iterator[tuple[str, LogLine]]:
    """Yield sshd's lines about successful authentications, each with the path of its file; the oldest first."""
    current_time = time.time()
    for name in FILES:
        path = os.path.join(root, name)
        try:
            data = _read_end(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            look.report(Trouble(f"/{name}", os.strerror(error.errno or 0), _RIGHTS))
            continue
        for line in data.split(b"\n"):
            look.check()
            parsed_line = parse_line(line, current_time) if b"]: Accepted " in line else None
            if parsed_line is not None:
                yield f"/{name}", parsed_line


def parse_line(line: bytes, current_time: float) -> LogLine | None:
    """Parse a line of sshd about a successful authentication ("Accepted ..."); return None for any other line.

    Args:
        line: without its end.
        current_time: the current time, in seconds since the epoch: the traditional form of a time has no year.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    try:
        seconds = _parse_traditional(match[1].decode(), current_time) if match[1] else _parse_iso(match[2].decode())
    except (ValueError, OverflowError):
        return None
    return LogLine(int(match[3]), seconds, decode_text(match[4]))


def _parse_iso(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _parse_traditional(text: str, current_time: float) -> float:
    """Return the time of "Feb  3 10:02:03", which has no year: the latest one that is at most one day in the future."""
    year = time.localtime(current_time).tm_year
    # around New Year the clock of the writer, or the time zone, may be a day ahead
    for candidate_year in (year + 1, year, year - 1):
        try:
            seconds = datetime.strptime(f"{candidate_year} {text}", "%Y %b %d %H:%M:%S").timestamp()  # noqa: DTZ007 -- local, as syslog writes it
        except ValueError:  # February 29 of another year
            continue
        if seconds <= current_time + 86_400:
            return seconds
    raise ValueError(f"invalid time {text!r}")


def _read_end(path: str) -> bytes:
    """Return the last bytes of a file, from the beginning of a line; no bytes if the file is not a regular file."""
    # opening a FIFO without O_NONBLOCK could block for ever
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb", buffering=0) as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return b""
        skipped = max(0, status.st_size - MAX_BYTES)
        file.seek(skipped)
        data = file.read(MAX_BYTES)
    return data[data.find(b"\n") + 1 :] if skipped else data
