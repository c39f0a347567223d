"""Tests of sources/recording.py: a recording of an older version is answered exactly as it was by that version.

Beside each recording stand commands and what its own version printed. Where the mapping is changed on purpose, the
text changes with it.
"""

import gzip
import json
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from logonscope import connect
from tests.conversation import Turn, answer, turns
from tests.environment import environment

RECORDINGS = sorted((Path(__file__).parent / "recordings").glob("*.lsr"))
TURNS = [
    pytest.param(path, turn, id=f"{path.stem}: {turn.typed}")
    for path in RECORDINGS
    for turn in turns(path.with_suffix(".txt").read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module", autouse=True)
def utc() -> Iterator[None]:
    """Let times be told in UTC, on a terminal of the usual width."""
    with environment(COLUMNS="80"):
        yield


@pytest.mark.parametrize(("path", "turn"), TURNS)
def test_the_answer_is_that_of_the_older_version(path: Path, turn: Turn) -> None:
    assert answer(turn.typed, str(path)).splitlines() == turn.answer.splitlines()


def rows(path: Path) -> tuple[dict[str, list[str]], list[Any]]:
    """Return the names of the columns of each kind of row, and the rows: their kind, and their values by column."""
    (_, header), *lines = (json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines())
    fields = header["fields"]
    named = [(kind, dict(zip(fields[kind], values, strict=True))) for kind, *values in lines if kind in fields]
    for kind, row in named:
        if kind == "login" and row["process"]:
            # the leader in a login row has the columns of a process, without those that an older version did not have
            leader = dict(zip(fields["process"], row["process"], strict=True))
            row["process"] = {name: value for name, value in leader.items() if value is not None}
    # by kind: versions write the kinds in another order, and the rows of one kind in the same
    return fields, sorted(named, key=itemgetter(0))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_what_is_recorded_of_a_recording_is_that_recording(path: Path, tmp_path: Path) -> None:
    connect(path).record(str(tmp_path / "again"))
    fields, older = rows(path)
    newer_fields, newer = rows(tmp_path / "again")
    assert [kind for kind, _ in newer] == [kind for kind, _ in older]
    for (kind, new), (_, old) in zip(newer, older, strict=True):
        assert {name: new[name] for name in fields[kind]} == old
        added = set(newer_fields[kind]) - set(fields[kind])
        assert all(new[name] in {None, True} for name in added)  # what the older version could not tell: the default
