"""journal/growth.py: the growth of a day, and how long the size lasts."""

from pathlib import Path

import pytest

from logonscope.journal.growth import bytes_a_day, check_growth, size_text
from logonscope.journal.reader import Reader
from logonscope.machine.history import HistoryState
from tests.journal.kept import Kept
from tests.journal.story import BOOT


def test_growth_is_that_of_the_last_day(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.keeper.writer.set_values(kept_since=BOOT * 1_000_000)
    # four days, in the last of which three quarters of the processes start
    for _ in range(25):
        kept.live(10, step_ms=3 * 86_400_000 / 250)
    kept.move_all()
    for _ in range(75):
        kept.live(10, step_ms=86_400_000 / 750)
    now = BOOT + kept.story.ms / 1000
    reader = Reader(kept.keeper.files)
    rows = kept.history().state().rows
    growth = bytes_a_day(reader, 1_000_000, rows, now)
    assert growth == pytest.approx(750_000, rel=0.25)
    assert bytes_a_day(reader, 1_000_000, rows, BOOT + 60) is None
    reader.close()
    kept.keeper.stop()


def test_the_check_warns_of_a_short_history() -> None:
    state = HistoryState("id", 1, 1, 1, 1, 1, 0, "", 100 << 20, 2000 << 20)
    (check,) = check_growth(state)
    assert check[1] is True
    assert "105 MB a day; history_size holds 20 days" in check[2]
    (short,) = check_growth(state._replace(max_bytes=200 << 20))
    assert short[1] is None
    assert list(check_growth(state._replace(bytes_a_day=None))) == []


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (225_280, "225 kB"), (3_240_000, "3.2 MB"), (84e6, "84 MB"),
        (2 << 30, "2.1 GB"), (5e15, "5,000 TB"),
    ],
)  # fmt: skip
def test_sizes_have_the_unit_of_their_magnitude(size: float, text: str) -> None:
    assert size_text(size) == text
