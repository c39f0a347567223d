"""Follower of systemd's journal: the lines of login programs as they are written, with fields that no user can set.

journald takes `_UID`, `_PID`, `_EXE` and the time of a message from the kernel (systemd.journal-fields(7)), but reads
`_EXE` a moment after the message: a process can log, and then execute su. So a line from a process whose real uid is
not 0, such as one of su or sudo, is accepted only with another proof that this program wrote it.
"""

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any, NamedTuple

from logonscope.sources.linux.failed_lines import PAM_PROGRAMS, SSHD_PROGRAMS
from logonscope.sources.linux.journal import ENVIRONMENT, file_options

RETRY_SECONDS = 2.0
"""Seconds after which journalctl is started again when it has ended."""

MAX_LINE_BYTES = 65_536
"""Maximum bytes of an entry. Entries are shorter, because journalctl prints null in place of fields over 4 KiB."""

USER_PROGRAMS = ("su", "sudo")
"""Programs that log with the real uid of their caller."""

_LOGIN_PROGRAMS = (*SSHD_PROGRAMS, "login", *USER_PROGRAMS, *PAM_PROGRAMS)
"""Programs whose lines are read: those of USER_PROGRAMS with any real uid, those of the others with uid 0."""

_FIELDS = (
    "MESSAGE", "_PID", "_UID", "_EXE", "_COMM", "SYSLOG_IDENTIFIER", "_TRANSPORT", "_AUDIT_SESSION", "_SYSTEMD_CGROUP",
    "_SOURCE_REALTIME_TIMESTAMP",
)  # fmt: skip
_COMM_LENGTH = 15
_TRANSPORTS = ("syslog", "journal")
"""Not stdout: a line of stdout has the fields of the process that opened the stream."""


class LoggedLine(NamedTuple):
    """A line of a login program."""

    pid: int
    uid: int  # the real uid of the process
    program: str
    monotonic_ns: int  # when the line was written
    message: str
    ses: int | None
    cgroup: str | None


class JournalFollower:
    """A thread that passes on the lines of login programs."""

    def __init__(self, root: str, put: Callable[[LoggedLine], object]) -> None:
        """Create a follower; nothing is read yet.

        Args:
            root: the root directory of the host. If it is not "/", journalctl reads the journal's files below it.
            put: called in the thread with each line.
        """
        self._root, self._put = root, put
        self._is_stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._cursor: str | None = None
        self._since = 0.0  # seconds since the epoch
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def __repr__(self) -> str:
        return f"<JournalFollower of {self._root}>"

    def start(self) -> None:
        """Start the thread."""
        self._since = time.time()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._is_stopping.set()
        with self._lock:
            if self._child is not None:
                self._child.kill()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            with self._lock:
                if self._is_stopping.is_set():
                    return
                try:
                    command = _journalctl(self._root, self._since, self._cursor)
                    child = subprocess.Popen(  # noqa: S603 -- constants, and a cursor of the journal
                        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                        env=ENVIRONMENT, close_fds=True,
                    )  # fmt: skip
                except OSError:
                    child = None
                self._child = child
            if child is not None and child.stdout is not None:
                try:
                    self._pass_on(child.stdout)
                finally:
                    child.kill()
                    child.wait()
            self._is_stopping.wait(RETRY_SECONDS)

    def _pass_on(self, output: IO[bytes]) -> None:
        with output:
            is_whole = True
            while data := output.readline(MAX_LINE_BYTES):
                if self._is_stopping.is_set():
                    return
                was_whole, is_whole = is_whole, data.endswith(b"\n")
                # skip the parts of a line that is too long
                if not (was_whole and is_whole):
                    continue
                cursor, line = parse_entry(data)
                self._cursor = cursor or self._cursor
                if line is not None:
                    self._put(line)


def parse_entry(data: bytes) -> tuple[str | None, LoggedLine | None]:
    """Parse an entry of `journalctl -o json`; return its cursor and its line.

    Both are None if a required field is missing or has another type. Only the line is None if its transport is not one
    of _TRANSPORTS, if a number is negative, or if the cgroup is no text.
    """
    try:
        entry: Any = json.loads(data)
        cursor = entry["__CURSOR"]
        pid, uid = int(entry["_PID"]), int(entry["_UID"])
        received, monotonic = int(entry["__REALTIME_TIMESTAMP"]), int(entry["__MONOTONIC_TIMESTAMP"])
        sent = int(entry.get("_SOURCE_REALTIME_TIMESTAMP", received))
        message, exe, ses = entry["MESSAGE"], entry.get("_EXE"), entry.get("_AUDIT_SESSION")
        # A program of root logged, and ended before journald had read its executable, or even its name. sshd does so
        # for each connection that tried no password.
        if exe is None and uid == 0:
            exe = entry.get("_COMM", entry.get("SYSLOG_IDENTIFIER"))
        ses, cgroup = None if ses is None else int(ses), entry.get("_SYSTEMD_CGROUP")
        transport = entry["_TRANSPORT"]
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError):
        return None, None
    if not isinstance(cursor, str) or not isinstance(message, str) or not isinstance(exe, str):
        return None, None
    # a field that occurs twice is a list
    if transport not in _TRANSPORTS or min(pid, uid, sent) < 0 or not isinstance(cgroup, str | None):
        return cursor, None
    monotonic_ns = (monotonic - max(0, received - sent)) * 1000
    return cursor, LoggedLine(pid, uid, os.path.basename(exe), monotonic_ns, message, ses, cgroup)


def _journalctl(root: str, since: float, cursor: str | None) -> Sequence[str]:
    # lines are also read if they were written before journalctl had started, or between two of its runs
    start = f"--since=@{since:.6f}" if cursor is None else f"--after-cursor={cursor}"
    comms = [f"_COMM={name[:_COMM_LENGTH]}" for name in _LOGIN_PROGRAMS]
    identifiers = [f"SYSLOG_IDENTIFIER={name}" for name in _LOGIN_PROGRAMS]
    user_comms = [f"_COMM={name}" for name in USER_PROGRAMS]
    terms = ["_UID=0", *comms, "+", "_UID=0", *identifiers, "+", *user_comms]
    options = ["--quiet", "--no-pager", "--output=json", f"--output-fields={','.join(_FIELDS)}"]
    return ["journalctl", "--follow", "--no-tail", start, *options, *file_options(root), *terms]
