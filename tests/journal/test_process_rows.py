"""journal/process_rows.py: every query returns the rows of a reading of everything."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from logonscope.journal.history import JournalHistory
from logonscope.journal.reader import Reader
from logonscope.machine import Look
from logonscope.machine.history import ActivityQuery, LogonRecordQuery, ProcessRecordQuery
from tests.journal.kept import Kept
from tests.journal.story import BOOT


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    story = Kept(tmp_path_factory.mktemp("rows") / "history")
    story.feed(story.story.start_logons())
    story.live(2500)
    story.move_all()
    story.live(100)
    # a gap: what runs afterwards is found, with numbers greater than its start would give
    story.keeper.stop()
    story.reopen()
    story.clock.ms += 60_000
    before = story.keeper.recorder.alive
    running = [life for life in story.story.lives if life.end is None]
    assert len(before) == len(running)
    story.move_all()
    story.live(100)
    yield story
    story.keeper.stop()


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(BOOT + ms / 1000, UTC)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_times_by_brute_force_over_the_story(kept: Kept, share: float) -> None:
    ms = int(kept.story.ms * share) + 1500
    lives, history = kept.story.lives, kept.history()

    def ask(query: ProcessRecordQuery) -> set[tuple[int, int]]:
        records = list(history.processes(Look(), query))
        assert [record.id for record in records] == sorted({record.id for record in records})
        return {(record.process.pid, record.process.start or 0) for record in records}

    def expected(kept_lives: object) -> set[tuple[int, int]]:
        return {(life.pid, life.ticks) for life in kept_lives}  # type: ignore[attr-defined]  # a generator of lives

    # the clock of a process ticks every 10 ms
    near = {(life.pid, life.ticks) for life in lives if abs(life.ticks * 10 - ms) <= 20}
    near |= {(life.pid, life.ticks) for life in lives if life.end is not None and abs(life.end - ms) <= 20}
    since = expected(life for life in lives if life.end is None or life.end >= ms)
    assert ask(ProcessRecordQuery(since=moment(ms))) ^ since <= near
    until = expected(life for life in lives if life.ticks * 10 < ms)
    assert ask(ProcessRecordQuery(until=moment(ms))) ^ until <= near
    started = expected(life for life in lives if life.ticks * 10 >= ms)
    assert started <= ask(ProcessRecordQuery(started_since=moment(ms)))
    # a program that was executed after the batch of the start is a change
    everything = history.processes(Look(), ProcessRecordQuery())
    named = {(row.process.pid, row.process.start) for row in everything if str(row.process.name).startswith("p")}
    assert ask(ProcessRecordQuery(since=moment(ms), name_prefix="P")) ^ (since & named) <= near


def test_conditions_together(kept: Kept) -> None:
    history = kept.history()
    everything = list(history.processes(Look(), ProcessRecordQuery()))
    assert len(everything) == len(kept.story.lives)
    for record in everything[:: len(everything) // 9]:
        process, logon = record.process, frozenset({record.logon_record or 0})
        query = ProcessRecordQuery(
            logon_records=logon, pids=frozenset({process.pid}), names=frozenset({(process.name or "").upper()}),
            users=frozenset({(record.user or "").upper()}), since=moment(0),
        )  # fmt: skip
        expected = [
            other for other in everything
            if (other.logon_record, other.process.pid, other.process.name, other.user)
            == (record.logon_record, process.pid, process.name, record.user)
        ]  # fmt: skip
        assert list(history.processes(Look(), query)) == expected
        assert list(history.processes(Look(), ProcessRecordQuery(ids=frozenset({record.id})))) == [record]
    running = [record for record in everything if record.lasted_ms is None]
    assert list(history.processes(Look(), ProcessRecordQuery(is_running=True))) == running
    assert list(history.processes(Look(), ProcessRecordQuery(names=frozenset({"none"})))) == []


class MovingReader(Reader):
    """A reader between whose statements the service moves rows."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.keeper.files)
        self._kept = kept

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        result = super().rows(query, parameters)
        if self._kept.database.execute("SELECT 1 FROM recent").fetchone():
            self._kept.keeper.writer.move_step()
        return result


@pytest.mark.parametrize("kind", ["all", "logon", "name", "newest", "since", "programs", "activity"])
def test_rows_that_are_moved_meanwhile(tmp_path: Path, kind: str) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(5500, 2)
    logons = [record.id for record in kept.history().logons(Look(), LogonRecordQuery())]
    names = frozenset({"p1", "p2"})
    queries = {
        "all": ProcessRecordQuery(), "logon": ProcessRecordQuery(logon_records=frozenset(logons)),
        "name": ProcessRecordQuery(names=names), "newest": ProcessRecordQuery(newest=3000),
        "since": ProcessRecordQuery(since=moment(kept.story.ms // 2)),
    }  # fmt: skip
    span = int(moment(0).timestamp() * 1e6), int(moment(kept.story.ms * 2).timestamp() * 1e6)

    def answer(history: JournalHistory) -> object:
        if kind == "programs":
            return {logon: sorted(counts, key=repr) for logon, counts in history.programs(Look(), logons).items()}
        if kind == "activity":
            query = ActivityQuery(frozenset(logons), *span, 10**9, frozenset())
            return sorted(history.activity(Look(), query), key=repr)
        return [record.id for record in history.processes(Look(), queries[kind])]

    moving = JournalHistory(str(kept.folder), "full", lambda: MovingReader(kept))
    assert kept.database.execute("SELECT count(*) FROM recent").fetchone()[0] > 3000
    expected = answer(kept.history())
    assert answer(moving) == expected
    kept.keeper.stop()
