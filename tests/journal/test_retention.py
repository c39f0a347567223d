"""Retention: by end, not by start; by class of logon session; by size; nothing that is kept is lost."""

from pathlib import Path
from typing import Any

from logonscope.facts import UNSET
from logonscope.journal.reader import Reader
from logonscope.journal.retention import Retention
from tests.journal.kept import Kept, count
from tests.journal.story import BOOT


def retain(kept: Kept, **policy: Any) -> list[int]:
    def drop(number: int) -> bool:
        kept.keeper.recorder.drop_command_lines(number)
        return True

    retention = Retention(kept.keeper.writer, Reader(kept.keeper.files), kept.policy._replace(**policy), drop)
    return list(retention.steps(BOOT * 1_000_000 + kept.story.ms * 1000))


def stored(kept: Kept) -> set[tuple[int, int]]:
    return set(kept.database.execute("SELECT pid, ticks FROM process").fetchall())


def test_rows_are_deleted_by_their_end(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(4000, 400)
    kept.move_all()
    keep_ms = 300_000
    retain(kept, keep_logins_ms=keep_ms, keep_system_ms=keep_ms)
    cutoff = kept.story.ms - keep_ms
    expected = {(life.pid, life.ticks) for life in kept.story.lives if life.end is None or life.end > cutoff + 20}
    may_stay = {(life.pid, life.ticks) for life in kept.story.lives if life.end is None or life.end > cutoff - 70_000}
    assert expected <= stored(kept) <= may_stay
    kept.keeper.stop()


def test_a_second_pass_finds_what_ended_later(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    for _ in range(4):
        kept.live(1000, 400)
        kept.move_all()
        retain(kept, keep_logins_ms=200_000, keep_system_ms=200_000)
    cutoff = kept.story.ms - 200_000
    may_stay = {(life.pid, life.ticks) for life in kept.story.lives if life.end is None or life.end > cutoff - 160_000}
    assert stored(kept) <= may_stay
    kept.keeper.stop()


def test_rows_that_were_not_moved_are_deleted_by_their_end_too(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(1000, 400)
    old = kept.story.ms - 70_000  # the clock map has one row a minute
    kept.story.ms += 10**7
    kept.clock.ms = new = kept.story.ms
    kept.live(100, 400)
    assert count(kept.database, "process") == 0
    retain(kept, keep_logins_ms=3_600_000, keep_system_ms=3_600_000)
    left = set(kept.database.execute("SELECT pid, ticks FROM every").fetchall())
    expected = {(life.pid, life.ticks) for life in kept.story.lives if life.end is None or life.end > new}
    may_stay = {(life.pid, life.ticks) for life in kept.story.lives if life.end is None or life.end > old}
    assert expected <= left <= may_stay
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_rows_that_are_kept_are_not_moved(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(1000, 400)
    before = count(kept.database, "recent")
    retain(kept, keep_logins_ms=3_600_000, keep_system_ms=3_600_000)
    assert (count(kept.database, "recent"), count(kept.database, "process")) == (before, 0)
    kept.keeper.stop()


def test_a_logon_session_is_kept_while_a_row_that_was_not_moved_belongs_to_it(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(100)
    kept.feed([kept.story.end_logon(number) for number in range(1, 13)])
    end = kept.story.ms
    kept.story.ms += 100_000
    kept.live(10)
    retain(kept, keep_logins_ms=kept.story.ms - end - 1000)
    rows_of_ended = "SELECT count(*) FROM recent WHERE place IN (SELECT id FROM place WHERE logon IN ({}))"
    ended = "SELECT id FROM logon WHERE ended IS NOT NULL"
    assert kept.database.execute(rows_of_ended.format(ended)).fetchone()[0] > 10
    gone = "SELECT count(*) FROM place WHERE logon IS NOT NULL AND logon NOT IN (SELECT id FROM logon)"
    assert kept.database.execute(gone).fetchone() == (0,)
    kept.keeper.stop()


def test_the_system_session_is_kept_for_less(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(2000, 400)
    kept.move_all()
    retain(kept, keep_logins_ms=10**9, keep_system_ms=60_000)
    logons = dict(
        kept.database.execute("SELECT p.id, l.logonid FROM place p JOIN logon l ON l.id = p.logon").fetchall()
    )
    ended = kept.database.execute("SELECT place FROM process WHERE lasted IS NOT NULL AND id < 2000").fetchall()
    assert ended
    assert all(logons[place] != UNSET for (place,) in ended)
    kept.keeper.stop()


def test_a_large_journal_loses_its_oldest_rows(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(2500)
    kept.move_all()
    before = count(kept.database, "process")
    newest = kept.database.execute("SELECT max(id) FROM process").fetchone()[0]
    retain(kept, max_bytes=300_000)
    assert 0 < count(kept.database, "process") < before
    assert kept.database.execute("SELECT max(id) FROM process").fetchone()[0] == newest
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_numbers_are_not_given_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(1000, 400)
    kept.move_all()
    last_event = kept.keeper.state.last_event
    kept.story.ms += 10**7
    kept.clock.ms = kept.story.ms
    retain(kept, keep_logins_ms=1, keep_system_ms=1)
    kept.keeper.stop()
    kept.reopen()
    assert kept.keeper.state.last_event >= last_event
    kept.live(10)
    assert kept.database.execute("SELECT min(id) FROM recent").fetchone()[0] > last_event
    kept.keeper.stop()


def test_unused_command_lines_go(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(1000, 400)
    kept.move_all()
    retention = Retention(kept.keeper.writer, Reader(kept.keeper.files), kept.policy, lambda _: True)
    used = {row[0] for row in kept.database.execute("SELECT command FROM process WHERE command IS NOT NULL")}
    kept.database.execute("DELETE FROM process WHERE id < 1500 AND lasted IS NOT NULL")
    still_used = {row[0] for row in kept.database.execute("SELECT command FROM process WHERE command IS NOT NULL")}
    list(retention.remove_unused_commands(0, 1500))
    left = {row[0] for row in kept.database.execute("SELECT id FROM command")}
    assert still_used <= left
    assert left & {number for number in used - still_used if number < 1500} == set()
    kept.keeper.stop()


def test_the_size_limit_deletes_command_lines_too(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    for _ in range(8):
        kept.live(1500)
        kept.move_all()
        retain(kept, max_bytes=1_300_000)
    # the events for subscribers that resume are kept: they are most of what is left beside processes
    assert count(kept.database, "process") > 1000
    unused = "SELECT count(*) FROM command WHERE id NOT IN (SELECT command FROM every WHERE command IS NOT NULL)"
    assert kept.database.execute(unused).fetchone()[0] < 50
    # a command line that was deleted gets a row of its own again
    missing = "SELECT count(*) FROM every WHERE command IS NOT NULL AND command NOT IN (SELECT id FROM command)"
    assert kept.database.execute(missing).fetchone() == (0,)
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_reports_are_kept_as_long_as_logins(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.reports())
    kept.live(500, 400)
    late = kept.story.ms
    kept.feed(kept.story.reports())
    kept.live(10)
    kept.move_all()
    assert count(kept.database, "failed_logon") == 4
    retain(kept, keep_logins_ms=kept.story.ms - late + 2000)
    times = kept.database.execute("SELECT ms FROM failed_logon").fetchall()
    assert len(times) == 2
    assert min(ms for (ms,) in times) >= late
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_a_large_journal_loses_old_reports(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.reports())
    kept.live(2500)
    kept.move_all()
    retain(kept, max_bytes=300_000)
    assert count(kept.database, "failed_logon") == 0
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_the_beginning_is_that_of_what_is_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.keeper.writer.set_values(kept_since=BOOT * 1_000_000)
    kept.live(3000, 400)
    kept.move_all()
    now = BOOT * 1_000_000 + kept.story.ms * 1000
    retain(kept, keep_logins_ms=kept.story.ms * 2)
    assert kept.history().state().since == BOOT * 1_000_000
    keep_ms = kept.story.ms - 10_000
    retain(kept, keep_logins_ms=keep_ms)
    assert kept.history().state().since == now - keep_ms * 1000
    # the size has priority: what ended, and started before the new beginning, is gone
    retain(kept, keep_logins_ms=keep_ms, max_bytes=200_000)
    since = kept.history().state().since
    assert since is not None
    since_ms = (since - BOOT * 1_000_000) // 1000
    assert since_ms > 10_000
    ended = {(life.pid, life.ticks) for life in kept.story.lives if life.end is not None}
    gone = ended - stored(kept)
    assert gone
    assert max(ticks for _, ticks in gone) * 10 <= since_ms + 20
    kept.keeper.stop()
