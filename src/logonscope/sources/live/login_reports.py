"""Reports of login programs.

systemd's journal contains failed attempts, and the commands that sudo logged. btmp, which is read if there is no
journal, contains only failed attempts.

A line of the journal is accepted if a process of root wrote it: fields that journald takes from the kernel show the
writer. su and sudo log with the uid of their caller. Therefore their lines are also accepted if the kernel reported
that the process ran a set-user-ID program of root when it logged the line.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from logonscope.answers.check import Check
from logonscope.facts import FailedLogon
from logonscope.sources.linux.btmp import BtmpReader, can_read_btmp
from logonscope.sources.linux.failed_lines import FailedLineParser
from logonscope.sources.linux.journal import FOLDERS, has_journal
from logonscope.sources.linux.sudo_line import parse_sudo_line
from logonscope.sources.live.journal_follower import USER_PROGRAMS, JournalFollower, LoggedLine

MAX_REPORTS = 10_000
"""Maximum number of lines that wait for ``take``; further lines are dropped and counted as lost."""

BTMP_SECONDS = 1.0
"""Seconds between two readings of btmp."""

JOURNAL, BTMP = "journal", "btmp"


class Report(NamedTuple):
    """What a login program reported; pid, ses and cgroup are those of the process that reported it."""

    monotonic_ns: int  # the moment of the report
    pid: int
    ses: int | None
    cgroup: str | None
    attempt: FailedLogon | None
    command: str | None = None  # the command that sudo logged, and did not refuse


class LoginReports:
    """Reader of the reports of one host."""

    def __init__(self, root: str, call: Callable[[], object]) -> None:
        """Create the reader.

        Args:
            root: the root directory of the host.
            call: called when there may be a report, in the thread that follows the journal or waits for btmp.
        """
        self._root, self._call = root, call
        self._parser = FailedLineParser()
        self._lines: deque[LoggedLine] = deque()
        self._follower: JournalFollower | None = None
        self._btmp: BtmpReader | None = None
        self._stop_timer = threading.Event()
        self.lost = 0  # lines that were dropped
        self.rejected = 0  # lines that were not accepted

    def __repr__(self) -> str:
        return f"<LoginReports from {self.source}>"

    @property
    def source(self) -> str | None:
        """Return what is read: JOURNAL, BTMP, or None for nothing; before the start, what would be read."""
        if self._follower is not None:
            return JOURNAL
        if self._btmp is not None:
            return BTMP
        if has_journal(self._root):
            return JOURNAL
        return BTMP if can_read_btmp(self._root) else None

    def start(self) -> None:
        """Begin to read."""
        source = self.source
        if source == JOURNAL:
            self._follower = JournalFollower(self._root, self._put)
            self._follower.start()
        elif source == BTMP:
            self._btmp, self._stop_timer = BtmpReader(self._root), threading.Event()
            threading.Thread(target=self._call_regularly, args=(self._stop_timer,), name="btmp", daemon=True).start()

    def stop(self) -> None:
        """Stop reading, and drop the lines that wait."""
        self._stop_timer.set()
        if self._follower is not None:
            self._follower.stop()
        self._follower = self._btmp = None
        self._lines.clear()

    def take(self, was_elevated: Callable[[int, int], bool]) -> list[Report]:
        """Return the reports since the last call.

        Args:
            was_elevated: returns whether a process ran a set-user-ID program of root at a moment, in monotonic
                nanoseconds.
        """
        reports = [self._read_line(self._lines.popleft(), was_elevated) for _ in range(len(self._lines))]
        if self._btmp is not None:
            offset = time.time() - time.monotonic()
            reports += [
                Report(int((record.seconds - offset) * 1e9), record.attempt.pid, None, None, record.attempt)
                for record in self._btmp.read()
            ]
        return [report for report in reports if report is not None]

    def check(self) -> Check:
        """Return the check that ``doctor`` shows."""
        source = self.source
        if source is None:
            return Check("failed logons", False, "neither a journal nor btmp can be read", "run systemd-journald")
        if source == BTMP:
            finding = "btmp: attempts at sshd and login, without port and method"
            return Check("failed logons", None, finding, "run systemd-journald for su, sudo and ports")
        folders = [os.path.join(self._root, folder) for folder in FOLDERS]
        if not any(os.access(folder, os.R_OK | os.X_OK) for folder in folders):
            return Check(
                "failed logons", False, "the journal cannot be read",
                "add the service's user to the group systemd-journal",
            )  # fmt: skip
        finding = "the journal: sshd, login, su, sudo, and PAM of display managers"
        if self.rejected or self.lost:
            finding += f"; {self.rejected} lines rejected, {self.lost} lost"
        return Check("failed logons", True, finding, "")

    def _put(self, line: LoggedLine) -> None:
        if len(self._lines) >= MAX_REPORTS:
            self.lost += 1
            return
        self._lines.append(line)
        self._call()

    def _call_regularly(self, stop_timer: threading.Event) -> None:
        while not stop_timer.wait(BTMP_SECONDS):
            self._call()

    def _read_line(self, line: LoggedLine, was_elevated: Callable[[int, int], bool]) -> Report | None:
        # If the uid is not 0, the uid does not prove that su or sudo wrote the line: a program of the user may have
        # written it, and executed su later.
        is_trusted = line.uid == 0 or (line.program in USER_PROGRAMS and was_elevated(line.pid, line.monotonic_ns))
        if not is_trusted:
            self.rejected += 1
            return None
        report = Report(line.monotonic_ns, line.pid, line.ses, line.cgroup, None)
        attempt = self._parser.parse(line.program, line.pid, line.message)
        if attempt is not None:
            return report._replace(attempt=attempt._replace(source=JOURNAL))
        sudo_line = parse_sudo_line(line.message) if line.program == "sudo" else None
        if sudo_line is None or sudo_line.reason is not None:
            return None
        return report._replace(command=sudo_line.command)
