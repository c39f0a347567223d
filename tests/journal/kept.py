"""A journal for tests: a keeper without its thread, fed by the test."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from logonscope.journal.history import JournalHistory
from logonscope.journal.keeper import Keeper, KeeperLimits
from logonscope.journal.policy import Policy
from logonscope.journal.verify import Verifier
from logonscope.machine.events import Event
from logonscope.machine.history import Verification
from logonscope.ownership import LINUX
from tests.journal.story import MACHINE, Story, StoryClock

BATCH = 500


class Kept:
    """A story and its journal."""

    def __init__(
        self,
        folder: Path,
        policy: Policy | None = None,
        story: Story | None = None,
        limits: KeeperLimits | None = None,
        **machine: Any,
    ) -> None:
        self.limits = limits or KeeperLimits()
        self.folder, self.story, self.clock = folder, story or Story(), StoryClock()
        self.policy = policy or Policy(command_lines="full")
        self.machine = MACHINE._replace(**machine)
        self.keeper = self._open()

    def _open(self) -> Keeper:
        return Keeper(
            str(self.folder), self.machine, LINUX, self.policy, account_name=lambda uid: f"user{uid}",
            read_clock=self.clock, limits=self.limits,
        )  # fmt: skip

    def reopen(self, **machine: Any) -> None:
        """Open the journal again, after a stop."""
        self.machine = self.machine._replace(**machine)
        self.keeper = self._open()

    def feed(self, events: Iterable[Event]) -> None:
        """Write events in batches; the clock goes with them."""
        batch: list[Event] = []
        for event in events:
            batch.append(event)
            if len(batch) == BATCH:
                self._flush(batch)
        self._flush(batch)

    def _flush(self, batch: list[Event]) -> None:
        for event in batch:
            self.clock.ms = max(self.clock.ms, event.head.kernel_ns // 1_000_000)
            self.keeper.put(event)
        batch.clear()
        self.keeper.flush()

    def live(self, count: int, step_ms: float = 40.0) -> None:
        """Let so many processes live."""
        self.feed(self.story.events(count, step_ms))

    def move_all(self) -> None:
        """Move and seal every row."""
        self.keeper.writer.move_all()

    @property
    def database(self) -> sqlite3.Connection:
        """Return the connection that writes."""
        return self.keeper.writer.database

    def verify(self) -> Verification:
        """Verify the hash chain."""
        return Verifier(self.database).verify()

    def history(self) -> JournalHistory:
        """Return the history of the journal."""
        return JournalHistory(str(self.folder), self.policy.command_lines, self.keeper.open_reader)


def count(database: sqlite3.Connection, table: str) -> int:
    """Return the number of rows of a table."""
    (number,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(number)
