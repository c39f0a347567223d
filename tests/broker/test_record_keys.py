"""broker/record_keys.py: administrators get numbers, others texts that only the history reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.broker.record_keys import RecordKeys
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = Kept(tmp_path / "history")
    yield story
    story.keeper.stop()


def test_an_administrator_gets_numbers_in_their_order(kept: Kept) -> None:
    keys = RecordKeys(kept.history(), shows_numbers=True)
    texts = [keys.key("process", number) for number in (7, 12, 10_000)]
    assert texts == sorted(texts) == ["000000000007", "000000000012", "000000010000"]
    assert keys.numbers("process", texts) == frozenset({7, 12, 10_000})
    assert keys.numbers("process", ["12", "-1", "", "\u0663", "1" * 30, "x"]) == frozenset({12})
    assert (keys.key("process", None), keys.numbers("process", None)) == (None, None)


def test_another_caller_gets_a_text(kept: Kept) -> None:
    keys = RecordKeys(kept.history(), shows_numbers=False)
    text = keys.key("process", 7)
    assert not text.isdecimal()
    assert keys.numbers("process", [text, "000000000007"]) == frozenset({7})
    assert keys.numbers("logon", [text]) == frozenset()
