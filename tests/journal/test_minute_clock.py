"""journal/minute_clock.py: a time in a minute is as far from its beginning as the time since the boot."""

from pathlib import Path

from logonscope.journal.minute_clock import MinuteClock
from logonscope.journal.reader import Reader
from tests.journal.kept import Kept
from tests.journal.story import BOOT


def test_times(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(50, step_ms=5000)
    reader = Reader(kept.keeper.files)
    clock = MinuteClock(reader.moments())
    for ms in (1000, 59_999, 60_000, 61_234, kept.story.ms):
        assert clock.wall(1, ms) == BOOT * 1_000_000 + ms * 1000
    reader.close()
    kept.keeper.stop()
