"""Wall times: over steps of the clock, restarts and boots."""

from datetime import UTC, datetime
from pathlib import Path

from logonscope.journal.reader import Reader
from tests.journal.kept import Kept
from tests.journal.story import BOOT

START = BOOT * 1_000_000


def wall(ms: int) -> int:
    return START + ms * 1000


def tick(kept: Kept, until_ms: int) -> None:
    while kept.clock.ms < until_ms:
        kept.clock.ms += 20_000
        kept.keeper.flush()


def test_times_are_found_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    tick(kept, 600_000)
    reader = Reader(kept.keeper.files)
    moments = reader.moments()
    for ms in (21_000, 200_123, 599_000):
        located = moments.locate(wall(ms))
        assert located is not None
        assert (located.boot, located.ms, located.happened_again, located.btime) == (1, ms, False, BOOT)
        assert moments.wall(1, ms) == wall(ms)
    assert moments.locate(wall(-1000)) is None
    assert moments.locate(wall(900_000)) is None
    kept.keeper.stop()


def test_a_clock_that_was_set_forward_leaves_a_hole(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    tick(kept, 200_000)
    kept.clock.set_by = 3_600_000_000
    tick(kept, 400_000)
    reader = Reader(kept.keeper.files)
    moments = reader.moments()
    assert moments.locate(wall(1_800_000)) is None
    located = moments.locate(wall(300_000) + 3_600_000_000)
    assert located is not None
    assert (located.ms, located.happened_again) == (300_000, False)
    kept.keeper.stop()


def test_a_clock_that_was_set_back_has_some_times_twice(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    tick(kept, 400_000)
    kept.clock.set_by = -200_000_000
    tick(kept, 800_000)
    reader = Reader(kept.keeper.files)
    moments = reader.moments()
    twice = moments.locate(wall(300_000))
    assert twice is not None
    assert (twice.ms, twice.happened_again) == (500_000, True)
    once = moments.locate(wall(100_000))
    assert once is not None
    assert (once.ms, once.happened_again) == (100_000, False)
    kept.keeper.stop()


def test_another_boot(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    tick(kept, 400_000)
    kept.keeper.stop()
    kept.clock.ms, kept.clock.set_by = 1000, 10_000_000_000
    kept.reopen(boot_id="boot-2")
    tick(kept, 300_000)
    reader = Reader(kept.keeper.files)
    moments = reader.moments()
    located = moments.locate(wall(200_000) + 10_000_000_000)
    assert located is not None
    assert (located.boot, located.ms) == (2, 200_000)
    assert moments.locate(wall(200_000)) is not None
    assert moments.locate(wall(5_000_000)) is None
    assert datetime.fromtimestamp((moments.wall(2, 0) or 0) / 1e6, UTC).timestamp() == BOOT + 10_000
    kept.keeper.stop()
