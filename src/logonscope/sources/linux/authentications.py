"""Reader of sshd's log lines about the authentication of logins: from systemd's journal, or without one from auth.log.

The journal is trusted for lines that root's sshd wrote. Nothing is read unless a query names a login.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from logonscope.facts import Authentication, Machine
from logonscope.machine import AuthenticationQuery, Look
from logonscope.sources.linux.auth_log import read_auth_log
from logonscope.sources.linux.journal import has_journal, read_journal
from logonscope.sources.linux.sshd_line import parse_accepted

JOURNAL = "journal"
UNAUTHENTICATED = "unauthenticated"
"""Marks a file into which any user can write: the source of its lines is "FILE, unauthenticated"."""

MAX_REMEMBERED = 4096
"""Number of remembered logins above which the earlier ones are forgotten. One request can add more than this."""

_PROGRAMS = ("sshd", "sshd-session", "sshd-auth")
_WRITERS = ("_UID=0", *(f"_COMM={name}" for name in _PROGRAMS))


class AuthenticationReader:
    """Reads the log of one host. Lines never change: those of a leader that ran when they were read are remembered."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._numbers = count(1)
        self._remembered: dict[AuthenticationQuery, tuple[Authentication, ...]] = {}

    def read(self, look: Look, queries: Sequence[AuthenticationQuery], machine: Machine) -> list[Authentication]:
        """Return the lines of the processes that the queries name; those of each process oldest first."""
        new_queries = dict.fromkeys(query for query in queries if query not in self._remembered)
        # the remembered lines are taken first: their dictionary may be emptied below
        remembered_lines = [line for query in queries for line in self._remembered.get(query, ())]
        lines = list(self._read_lines(look, new_queries, machine)) if new_queries else []
        # without this limit, the lines of leaders that have ended would stay for ever
        if len(self._remembered) + len(new_queries) > MAX_REMEMBERED:
            self._remembered = {}
        for query in new_queries:
            lines_of_query = tuple(line for line in lines if line.pid in query.pids)
            # a missing line may still be written, or be readable the next time, so only found lines are kept
            if lines_of_query and query.since is not None:
                self._remembered[query] = lines_of_query
        return [*remembered_lines, *lines]

    def _read_lines(
        self, look: Look, queries: Iterable[AuthenticationQuery], machine: Machine
    ) -> Iterator[Authentication]:
        pids = frozenset(pid for query in queries for pid in query.pids)
        # a journal that lacks a line is no reason to believe a file in which every user can write
        if has_journal(self._root):
            if machine.boot_id is not None:
                yield from self._read_journal(look, pids, machine.boot_id, machine.ticks)
        elif machine.btime is not None:
            yield from self._read_auth_log(look, pids, machine.btime, machine.ticks)

    def _read_journal(self, look: Look, pids: frozenset[int], boot_id: str, ticks: int) -> Iterator[Authentication]:
        from logonscope.sources.linux.login_clock import suspended_and_offset  # noqa: PLC0415 -- seldom needed

        suspended, offset = suspended_and_offset() if self._root == "/" else (0.0, 0.0)
        for line in read_journal(self._root, look, boot_id, pids, _WRITERS):
            # the executable is checked, too: other programs of root, such as logger(1), can have sshd's name in _COMM
            if line.uid != 0 or os.path.basename(line.exe) not in _PROGRAMS:
                continue
            seconds = line.monotonic / 1e6 + offset
            # the time when journald received the line: as a rule, less than a tick after sshd had written it
            moments = int(seconds * ticks), int((seconds + suspended) * ticks) + 1
            yield from self._make_authentications(line.pid, moments, line.message, JOURNAL, is_trusted=True)

    def _read_auth_log(self, look: Look, pids: frozenset[int], btime: int, ticks: int) -> Iterator[Authentication]:
        for file, line in read_auth_log(self._root, look):
            if line.pid in pids:
                moment = int((line.seconds - btime) * ticks)
                source = f"{file}, {UNAUTHENTICATED}"
                # btime has whole seconds, and so have most lines
                moments = moment - ticks, moment + 2 * ticks
                yield from self._make_authentications(line.pid, moments, line.message, source, is_trusted=False)

    def _make_authentications(
        self, pid: int, moments: tuple[int, int], message: str, source: str, *, is_trusted: bool
    ) -> Iterator[Authentication]:
        """Yield an Authentication for each possible parsing of a line; the login's account decides which is right.

        ``moments``: the earliest and the latest time at which sshd can have written the line, in ticks since the boot.
        """
        number = next(self._numbers)
        for line in parse_accepted(message):
            yield Authentication(pid, *moments, **line._asdict(), source=source, is_trusted=is_trusted, number=number)
