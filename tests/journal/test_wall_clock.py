"""journal/wall_clock.py: wall times by the clock as it was at each moment, also within the minute of a step."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.journal.reader import Reader
from logonscope.journal.wall_clock import WallClock
from logonscope.machine import Look
from logonscope.machine.history import ProcessRecordQuery
from tests.journal.kept import Kept
from tests.journal.story import BOOT
from tests.journal.test_recorder import ended, make, started

HOUR = 3_600_000_000


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "history")
    yield kept
    kept.keeper.stop()


def test_times(kept: Kept) -> None:
    kept.live(50, step_ms=5000)
    reader = Reader(kept.keeper.files)
    clock = WallClock(reader.moments())
    for ms in (0, 1000, 59_999, 60_000, 61_234, kept.story.ms, kept.story.ms + 7_300_000):
        assert clock.wall(1, ms) == BOOT * 1_000_000 + ms * 1000
    reader.close()


def test_a_boot_without_a_clock_was_in_1970(kept: Kept) -> None:
    kept.live(5)
    kept.database.execute("DELETE FROM moment")
    reader = Reader(kept.keeper.files)
    assert WallClock(reader.moments()).wall(1, 4_000_001) == 4_000_001_000
    assert reader.moments().wall(1, 4_000_001) is None
    reader.close()


def set_clock(kept: Kept, ms: int, by: int) -> None:
    """Set the clock at a time since the boot; the keeper sees that at its next batch."""
    kept.clock.ms, kept.clock.set_by = ms, by
    kept.keeper.flush()


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.parametrize("first_asked", [0, 1])
def test_a_step_within_a_minute(kept: Kept, hours: int, first_asked: int) -> None:
    set_clock(kept, 61_000, 0)
    set_clock(kept, 90_000, hours * HOUR)
    reader = Reader(kept.keeper.files)
    clock = WallClock(reader.moments())
    times = [(80_000, BOOT * 1_000_000 + 80_000_000), (100_000, BOOT * 1_000_000 + 100_000_000 + hours * HOUR)]
    # which time is asked for first makes no difference
    times.insert(0, times.pop(first_asked))
    assert [clock.wall(1, ms) for ms, _ in times] == [wall for _, wall in times]
    reader.close()


def test_a_process_that_ran_while_the_clock_was_set(kept: Kept) -> None:
    process = make(10, 70_000)
    set_clock(kept, 61_000, 0)
    kept.feed([started(process, 70_000)])
    set_clock(kept, 90_000, HOUR)
    kept.feed([ended(process, 100_000)])
    (record,) = kept.history().processes(Look(), ProcessRecordQuery())
    assert record.start == BOOT * 1_000_000 + 70_000_000
    # the end by the clock of that time; how long it lasted, by the clock that cannot be set
    assert record.end == BOOT * 1_000_000 + 100_000_000 + HOUR
    assert record.lasted_ms == 30_000


def test_an_hour_costs_the_same_in_a_long_history(kept: Kept) -> None:
    kept.live(20, step_ms=5000)
    steps = [steps_of_an_hour(kept)]
    first = kept.story.ms
    rows = ((10**9 + minute, 1, first + minute * 60_000, BOOT * 1_000_000, 0, None) for minute in range(20_000))
    kept.database.executemany("INSERT INTO moment VALUES (?, ?, ?, ?, ?, ?)", rows)
    steps.append(steps_of_an_hour(kept))
    # the hour has 60 rows, a few steps each
    assert steps[1] - steps[0] < 60 * 20


def steps_of_an_hour(kept: Kept) -> int:
    """Return how many steps SQLite's machine takes to read the first hour."""
    reader, steps = Reader(kept.keeper.files), []
    reader.database.set_progress_handler(lambda: steps.append(1), 1)
    WallClock(reader.moments()).wall(1, 1000)
    reader.close()
    return len(steps)
