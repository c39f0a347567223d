"""Reader of systemd's journal, by journalctl(1).

journald takes the fields that begin with "_" from the kernel (systemd.journal-fields(7)): a user who writes to the
journal, for example with logger(1) or systemd-cat(1), cannot choose them.
"""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from logonscope.machine import Look, Trouble

MAX_SECONDS = 2.0
"""Maximum seconds that one request waits for the journal, in all its readings together."""

MAX_BYTES = 8 << 20
"""Maximum bytes that are read of the output of one call of journalctl."""

MAX_PIDS = 200
"""Maximum number of pids that are passed to journalctl; with more pids, the lines of every process are read."""

FOLDERS = ("run/log/journal", "var/log/journal")

_FIELDS = "MESSAGE,_PID,_UID,_EXE"
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
_NAME = "the journal"
_RIGHTS = "run as root, or as a member of the group systemd-journal"


class JournalLine(NamedTuple):
    """A line of the journal."""

    pid: int
    uid: int  # the real uid of the process
    exe: str  # the path of its executable
    monotonic: int  # when journald received it: microseconds of CLOCK_MONOTONIC
    message: str


class _Budget:
    """The seconds that a request may still wait for the journal."""

    def __init__(self) -> None:
        self.seconds = MAX_SECONDS


def has_journal(root: str) -> bool:
    """Return whether the host has a journal; it need not be readable."""
    return any(_journal_files(root))


def read_journal(
    root: str, look: Look, boot_id: str, pids: Iterable[int], matches: Sequence[str]
) -> Iterator[JournalLine]:
    """Yield the lines that processes logged during one boot, oldest first; a failure is reported once.

    Args:
        root: the root directory of the host. If it is not "/", journalctl reads the journal files below it (--file).
        look: the deadline and the troubles of the request.
        boot_id: the boot.
        pids: the pids of the processes.
        matches: other fields that the lines have, as FIELD=VALUE; several values of one FIELD are alternatives.
    """
    requested_pids = frozenset(pids)
    terms = [boot_term(boot_id), *matches]
    if len(requested_pids) <= MAX_PIDS:
        terms += [f"_PID={pid}" for pid in sorted(requested_pids)]
    for line in read_json_lines(root, look, terms, [f"--output-fields={_FIELDS}"]):
        parsed_line = parse_line(line)
        if parsed_line is not None and parsed_line.pid in requested_pids:
            yield parsed_line


def read_json_lines(root: str, look: Look, terms: Sequence[str], options: Sequence[str]) -> Iterator[bytes]:
    """Yield the matching lines of the journal as JSON; a failure is reported once.

    Args:
        root: the root directory of the host.
        look: the deadline and the troubles of the request.
        terms: FIELD=VALUE. All terms of one field are alternatives, terms of different fields must all match; "+"
            separates groups of terms that are alternatives: journalctl(1).
        options: further options of journalctl.
    """
    if not any(os.access(file, os.R_OK) for file in _journal_files(root)):
        look.report(Trouble(_NAME, "permission denied", _RIGHTS))
        return
    words = ["journalctl", "--quiet", "--no-pager", "--output=json", *options, *file_options(root), *terms]
    yield from run_bounded(words, look)


def boot_term(boot_id: str) -> str:
    """Return the match of journalctl for the lines of one boot."""
    return f"_BOOT_ID={boot_id.replace('-', '')}"


def parse_line(line: bytes) -> JournalLine | None:
    """Parse a line of `journalctl -o json`; None if a field is missing, invalid, or no text (large or binary)."""
    try:
        entry: Any = json.loads(line)
        message, exe = entry["MESSAGE"], entry["_EXE"]
        pid, uid, monotonic = int(entry["_PID"]), int(entry["_UID"]), int(entry["__MONOTONIC_TIMESTAMP"])
    except (ValueError, OverflowError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(message, str) or not isinstance(exe, str) or min(pid, uid, monotonic) < 0:
        return None
    return JournalLine(pid, uid, exe, monotonic, message)


def _journal_files(root: str) -> Iterator[str]:
    """Yield the system's active journal file of each machine that has a folder below FOLDERS."""
    for folder in FOLDERS:
        path = os.path.join(root, folder)
        try:
            names = sorted(os.listdir(path))
        except OSError:
            continue
        yield from (file for name in names if os.path.exists(file := os.path.join(path, name, "system.journal")))


def file_options(root: str) -> Iterator[str]:
    """Yield the options of journalctl for the journal of a root: for this machine, none.

    For another root, archived journal files are not read.
    """
    if root != "/":
        yield from (f"--file={file}" for file in _journal_files(root))


def run_bounded(words: Sequence[str], look: Look) -> Iterator[bytes]:
    """Yield the lines that a command prints, within MAX_BYTES and the seconds that remain to the request."""
    # all calls for one request share one budget
    budget = look.read_once(_Budget, _Budget)
    if budget.seconds <= 0:
        return
    began = time.monotonic()
    try:
        child = subprocess.Popen(  # noqa: S603 -- the words are constants and numbers
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=ENVIRONMENT,
            bufsize=0, close_fds=True,
        )  # fmt: skip
    except OSError as error:
        look.report(Trouble(_NAME, f"cannot run journalctl: {os.strerror(error.errno or 0)}", "install systemd"))
        return
    # from here on journalctl is always ended, also if the request is cancelled
    try:
        output = _read_output(child, began + budget.seconds, look)
    finally:
        child.kill()
        child.wait()
        budget.seconds -= time.monotonic() - began
    # a line that was cut at the end is left out
    yield from output.split(b"\n")[:-1]


def _read_output(child: "subprocess.Popen[bytes]", deadline: float, look: Look) -> bytes:
    assert child.stdout is not None  # noqa: S101 -- Popen was called with a pipe
    poller = select.poll()
    poller.register(child.stdout, select.POLLIN)
    output = bytearray()
    with child.stdout:
        while True:
            look.check()
            # short waits, so that a request that is cancelled does not wait for the journal
            seconds = deadline - time.monotonic()
            if seconds <= 0 or not poller.poll(min(seconds, 0.25) * 1000):
                if time.monotonic() < deadline:
                    continue
                look.report(Trouble(_NAME, f"no answer within {MAX_SECONDS:g} s", "see `journalctl --disk-usage`"))
                break
            data = os.read(child.stdout.fileno(), 1 << 16)
            if not data:
                break
            output += data
            if len(output) > MAX_BYTES:
                look.report(Trouble(_NAME, f"more than {MAX_BYTES >> 20} MiB of lines", "ask for fewer logins"))
                break
    return bytes(output)
