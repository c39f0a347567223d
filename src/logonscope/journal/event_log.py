"""The event log for readers that resume: pages of events after a cursor, and gaps in which events are missing.

Each run of the service has its own positions. Between two runs there is always a gap: it is not known what happened
while the service was not running, and what it had not committed when it was killed.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import NamedTuple

from logonscope.facts import Machine
from logonscope.journal import rows
from logonscope.journal.cursor_cipher import CursorCipher
from logonscope.journal.event_codes import FOLDED, EventCode, read_codes
from logonscope.journal.event_maker import EventMaker
from logonscope.journal.process_rows import boot_position
from logonscope.journal.reader import Boot, Reader
from logonscope.machine.events import ALL_PARTS, EventHead, EventLog, EventMark, EventPage, EventsLost

PAGE = 500
"""A page with so many events gets no further commit. A page can have more events, because no commit is split."""

MAX_COMMITS = 200
"""Maximum number of rows of the event log that are read together."""

_ROWS = "SELECT seq, epoch, first, last, codes FROM eventlog WHERE seq > ? AND codes IS NOT NULL ORDER BY seq LIMIT ?"
_OLDEST = "SELECT epoch, first FROM eventlog WHERE epoch IS NOT NULL ORDER BY seq LIMIT 1"
_FIND = "SELECT min(seq) FROM eventlog WHERE codes IS NOT NULL AND (epoch > ?1 OR (epoch = ?1 AND last >= ?2))"

WrittenUpTo = Callable[[], tuple[int, int]]
"""Returns the epoch (number) of this run, and the position up to which everything is committed."""


class _Commit(NamedTuple):
    """A row of the event log."""

    seq: int
    epoch: int
    first: int
    last: int
    codes: bytes


class JournalEventLog(EventLog):
    """The event log of the service that writes the journal."""

    def __init__(
        self, lend: Callable[[], AbstractContextManager[Reader]], cipher: CursorCipher, written: WrittenUpTo
    ) -> None:
        self._lend, self._cipher, self._written = lend, cipher, written

    def __repr__(self) -> str:
        return f"<JournalEventLog, epoch {self.epoch}>"

    @property
    def epoch(self) -> int:
        return self._written()[0]

    @property
    def written_position(self) -> int:
        return self._written()[1]

    def write_cursor(self, mark: EventMark) -> str:
        return self._cipher.write(mark)

    def read_cursor(self, text: str) -> EventMark | None:
        mark = self._cipher.read(text)
        return None if mark is None or mark.epoch > self.epoch else mark

    def read(self, mark: EventMark, until: int | None = None) -> EventPage:
        with self._lend() as reader:
            oldest = EventMark(self.epoch, 0, 0)
            for epoch, first in reader.rows(_OLDEST):
                oldest = EventMark(epoch, first, 0)
            if mark < oldest:
                return self._skip_to(mark, oldest)
            return self._read_commits(reader, mark, until)

    def _skip_to(self, mark: EventMark, oldest: EventMark) -> EventPage:
        """Return a page with an EventsLost for the events between a mark and the oldest event of the log."""
        missed = oldest.position - mark.position if mark.epoch == oldest.epoch else None
        return _lost(oldest, missed)

    def _read_commits(self, reader: Reader, mark: EventMark, until: int | None) -> EventPage:
        limit = until if mark.epoch == self.epoch else None
        boots, boot_index = reader.boots(), 0
        codes, end = list[EventCode](), mark
        commits = self._commits_after(reader, mark)
        for commit in commits:
            if commit.epoch != mark.epoch:
                break
            commit_boot_index = boot_position(boots, commit.seq)
            # a page gets whole commits, so that the codes STARTED and FOLDED of a process stay together
            is_at_limit = limit is not None and end.position >= limit
            if codes and (commit_boot_index != boot_index or len(codes) >= PAGE or is_at_limit):
                break
            new_codes, end = _codes_after(commit, end, limit)
            boot_index = boot_index if codes else commit_boot_index
            codes += new_codes
        if codes or end != mark:
            return self._make_page(reader, boots, boot_index, codes, end)
        # all events of the mark's run were read: continue with the next run that has events, or with the present run
        epoch = next((commit.epoch for commit in commits if commit.epoch != mark.epoch), self.epoch)
        return EventPage((), mark) if epoch == mark.epoch else _lost(EventMark(epoch, 0, 0), None)

    @staticmethod
    def _commits_after(reader: Reader, mark: EventMark) -> list[_Commit]:
        """Return at most MAX_COMMITS commits that can have events after a mark, the oldest first."""
        ((seq,),) = reader.rows(_FIND, mark[:2])
        return [] if seq is None else [_Commit(*row) for row in reader.rows(_ROWS, (seq - 1, MAX_COMMITS))]

    @staticmethod
    def _make_page(
        reader: Reader, boots: Sequence[Boot], boot_index: int, codes: Sequence[EventCode], end: EventMark
    ) -> EventPage:
        boot, is_this_boot = boots[boot_index], boot_index == len(boots) - 1
        values = {name: value for name, value in json.loads(boot.machine).items() if name in Machine._fields}
        machine = Machine(**values)._replace(boot_id=boot.uuid, ticks=boot.ticks)
        maker = EventMaker(reader, boot, machine, end.epoch, is_this_boot=is_this_boot)
        events = maker.make(codes)
        moment = None
        if events:
            offset = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            moment = datetime.fromtimestamp((events[0].head.kernel_ns + offset) / 1e9, UTC)
        return EventPage(events, end, moment, is_this_boot, maker.sessions() if events else {})


def _codes_after(commit: _Commit, mark: EventMark, limit: int | None) -> tuple[list[EventCode], EventMark]:
    """Return the codes of a commit that a reader gets, after a mark and up to the position ``limit``.

    Return also the mark after which the reader continues.
    """
    # positions rise within a commit, so that the last code is the newest one
    codes = [code for code in read_codes(commit.first, commit.codes) if limit is None or code.position <= limit]
    last = commit.last if limit is None else min(limit, commit.last)
    part = codes[-1].part if codes and codes[-1].position == last else 0
    end = max(mark, EventMark(commit.epoch, last, ALL_PARTS if limit == last else part))
    new_codes = [code for code in codes if code[:2] > mark[1:]]
    # FOLDED is an event of its own only for a reader that got the start of the process as a live event: the live event
    # did not have the program yet.
    is_live = mark.part == ALL_PARTS
    started_rows = {code.row for code in new_codes if code.kind == rows.STARTED}
    return [code for code in new_codes if _is_wanted(code, started_rows, is_live=is_live)], end


def _is_wanted(code: EventCode, started_rows: set[int], *, is_live: bool) -> bool:
    """Return whether a reader gets the event of a code.

    Args:
        code: the code.
        started_rows: the rows of the processes whose starts the reader gets now.
        is_live: the last event that the reader got was a live one.
    """
    if code.kind == FOLDED:
        return is_live and code.row not in started_rows
    # a LOST at position 0 was found when the run began: ``read`` reports it as the gap before the run
    return code.kind != rows.LOST or code.position != 0


def _lost(mark: EventMark, missed: int | None) -> EventPage:
    """Return a page with only an EventsLost, for events before a mark."""
    head = EventHead(time.clock_gettime_ns(time.CLOCK_BOOTTIME), 0, mark.position, mark)
    return EventPage((EventsLost(head, missed),), mark)
