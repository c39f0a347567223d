"""Rows of two kinds of reports by programs and the kernel: failed logons, and changes of user."""

from typing import Any

from logonscope.facts import FailedLogon, Process, UserChange
from logonscope.journal.policy import Policy, Redactor

MAX_TEXT_LENGTH = 4096
"""Maximum characters of a text that are kept: the user name in a failed logon can have any length."""

ENDED_MS = 3000
"""A process stays in memory for at least so many ms after its end, because changes of user are reported late."""

MAX_ENDED = 20_000
"""If more than so many processes end within ``ENDED_MS``, they stay in memory for a shorter time."""

SLACK_TICKS = 2
"""Clock ticks by which the start of a process may change: a source can estimate it first and read it later."""


class Reports:
    """Collects the rows of a batch."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._redactor = Redactor(policy.redactions)
        self._failed_logons: list[tuple[Any, ...]] = []
        self._user_changes: list[tuple[Any, ...]] = []
        # pid -> start, row and place: of processes that ended since ``_ended_since``, and of those that ended before
        self._ended: dict[int, tuple[int, int, int]] = {}
        self._ended_before: dict[int, tuple[int, int, int]] = {}
        self._ended_since = 0

    def __repr__(self) -> str:
        return f"<Reports: {len(self._failed_logons)} failed logons, {len(self._user_changes)} changes of user>"

    def take(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Return the rows of failed logons and of changes of user since the last batch."""
        taken = self._failed_logons, self._user_changes
        self._failed_logons, self._user_changes = [], []
        return taken

    def note_end(self, pid: int, ended: tuple[int, int, int], ms: int) -> None:
        """Remember start, row and place of a process that has ended."""
        if ms - self._ended_since > ENDED_MS or len(self._ended) > MAX_ENDED:
            self._ended_before, self._ended, self._ended_since = self._ended, {}, ms
        self._ended[pid] = ended

    def find_ended(self, process: Process) -> tuple[int | None, int | None]:
        """Return row and place of a process that ended a moment ago; None for both if it is not remembered."""
        # the newer dict first: its process may have the pid of a process that ended before
        for processes in (self._ended, self._ended_before):
            ended = processes.get(process.pid)
            if ended is not None and process.start is not None and abs(ended[0] - process.start) <= SLACK_TICKS:
                return ended[1:]
        return None, None

    def excludes_attempt(self, attempt: FailedLogon) -> bool:
        """Return whether the policy excludes the user name that was tried, or the user who tried."""
        return not self._policy.excluded_users.isdisjoint({attempt.user, attempt.by_user})

    def excludes_change(self, process: Process, change: UserChange) -> bool:
        """Return whether the policy excludes a change of user, by its program, its unit or one of its users."""
        policy = self._policy
        if not policy.excludes:
            return False
        is_excluded = policy.excludes_process(change.to_user, process.exe, change.program, process.cgroup)
        return is_excluded or change.from_user in policy.excluded_users

    def add_failed_logon(self, seq: int, ms: int, logon: int | None, attempt: FailedLogon) -> None:
        """Add a failed logon; ``logon``: the row of the logon session of the program that rejected it."""
        self._failed_logons.append((
            seq, ms, logon, _stored(attempt.service) or "", attempt.pid or None, _stored(attempt.user),
            attempt.is_known_user, _stored(attempt.address), attempt.port, _stored(attempt.remote_host),
            _stored(attempt.method), _stored(attempt.tty), _stored(attempt.by_user), self._command(attempt.command),
            _stored(attempt.reason), attempt.attempts, _stored(attempt.source),
        ))  # fmt: skip

    def add_user_change(
        self, seq: int, ms: int, process: tuple[int | None, int | None, int], change: UserChange
    ) -> None:
        """Add a change of user; ``process``: the row of the process, its place, and its pid."""
        process_row, place, pid = process
        self._user_changes.append((
            seq, ms, process_row, place, pid, change.from_uid, _stored(change.from_user), change.to_uid,
            _stored(change.to_user), change.is_complete, _stored(change.program), _stored(change.through),
            self._command(change.command), _stored(change.source),
        ))  # fmt: skip

    def _command(self, command: str | None) -> str | None:
        """Return the command that sudo logged, with secrets replaced; None if the policy keeps no command lines.

        The policy "name" keeps the arguments of this command, too.
        """
        if command is None or self._policy.command_lines == "off":
            return None
        # sudo writes spaces between arguments; the redaction rules expect a NUL after each argument
        redacted = self._redactor.redact(command.encode("utf-8", "replace").replace(b" ", b"\0"))
        return None if redacted is None else _stored(redacted.replace(b"\0", b" ").decode("utf-8", "replace"))


def _stored(text: str | None) -> str | None:
    """Return a text as it is stored: at most ``MAX_TEXT_LENGTH`` characters; what was not UTF-8 is replaced."""
    if text is None:
        return None
    return text[:MAX_TEXT_LENGTH].encode("utf-8", "replace").decode()
