"""The hash chain: every kind of edit is found, and named by the rows that it is among."""

from pathlib import Path

import pytest

from logonscope.journal.reader import Reader
from logonscope.journal.removal import Remover
from logonscope.journal.retention import Retention
from logonscope.journal.verify import Verifier
from tests.journal.kept import Kept, count
from tests.journal.story import BOOT

EDITS = {
    "a start": "UPDATE process SET ticks = ticks + 1 WHERE id = {id}",
    "a status": "UPDATE process SET status = 9 WHERE id = {id}",
    "an end": "UPDATE process SET lasted = lasted + 1, class = class WHERE id = {id}",
    "another login": "UPDATE process SET place = place + 1 WHERE id = {id}",
    "a deleted row": "DELETE FROM process WHERE id = {id}",
    "an added row": "INSERT OR REPLACE INTO process(id, place, pid, ticks) VALUES ({id} + 1, 1, 1, 1)",
    "a command line": "UPDATE command SET argv = x'00' WHERE id = (SELECT command FROM process WHERE id = {id})",
    "a program": "UPDATE program SET exe = x'00' WHERE id = (SELECT program FROM process WHERE id = {id})",
    "an account": "UPDATE credential SET user = 'eve' WHERE id = (SELECT credential FROM process WHERE id = {id})",
    "a place": "UPDATE place SET logon = 1, loginuid = 5 WHERE id = (SELECT place FROM process WHERE id = {id})",
    "a failed logon": "UPDATE failed_logon SET user = 'eve' WHERE id = (SELECT min(id) FROM failed_logon)",
    "a change of user": "UPDATE user_change SET to_uid = 5 WHERE id = (SELECT min(id) FROM user_change)",
    "a seal": "UPDATE seal SET digest = x'00' WHERE seq = (SELECT min(seq) FROM seal WHERE seq >= {id})",
}


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    kept = Kept(tmp_path_factory.mktemp("kept") / "history")
    kept.feed(kept.story.start_logons())
    kept.live(3000)
    kept.move_all()
    kept.live(1500)
    kept.feed(kept.story.reports())
    kept.feed([kept.story.end_logon(3)])
    kept.move_all()
    return kept


def test_an_untouched_journal_is_intact(journal: Kept) -> None:
    result = journal.verify()
    assert result.is_intact, result
    assert result.rows > 4500
    assert len(result.link) == 64


def test_rows_of_all_tables_after_the_last_seal_are_counted(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(100)
    kept.feed(kept.story.reports())
    tables = ("recent", "change", "command", "moment", "failed_logon", "user_change", "program", "credential", "place")
    expected = sum(count(kept.database, table) for table in (*tables, "logon", "loss", "audit"))
    assert expected > count(kept.database, "recent")
    assert kept.verify().unsealed == expected
    kept.move_all()
    exist = kept.database.execute("SELECT count(*) FROM logon WHERE ended IS NULL").fetchone()[0]
    assert kept.verify().unsealed == exist
    kept.keeper.stop()


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_found(journal: Kept, edit: str) -> None:
    database = journal.database
    rows = database.execute("SELECT id FROM process WHERE lasted IS NOT NULL AND command IS NOT NULL ORDER BY id")
    (number,) = rows.fetchall()[1000]
    database.execute("BEGIN")
    database.execute(EDITS[edit].format(id=number))
    result = journal.verify()
    database.execute("ROLLBACK")
    assert not result.is_intact
    assert result.first_bad is not None
    # shared values are sealed where they were first used
    elsewhere = {"a program", "an account", "a place", "a command line", "a failed logon", "a change of user"}
    if edit not in elsewhere:
        assert result.first_bad[0] <= number + 1
        assert number <= result.first_bad[1]
    assert journal.verify().is_intact


def test_ends_of_sealed_rows_are_sealed(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    for _ in range(5):
        kept.live(600)
        kept.move_all()
    late = kept.database.execute("SELECT count(*) FROM process WHERE ended IS NOT NULL").fetchone()[0]
    assert late > 20
    assert kept.verify().is_intact
    kept.database.execute("UPDATE process SET status = 1 WHERE ended = (SELECT max(ended) FROM process)")
    assert not kept.verify().is_intact
    kept.keeper.stop()


def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(1000)
    kept.move_all()
    kept.live(1000)
    kept.keeper.stop()
    for boot in ("boot-1", "boot-2", "boot-2"):
        kept.reopen(boot_id=boot)
        kept.live(500)
        kept.move_all()
        assert kept.verify().is_intact
        kept.keeper.stop()


def test_retention_keeps_the_chain(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(1500, 400)
    kept.feed(kept.story.reports())
    kept.live(1500, 400)
    kept.move_all()
    reader = Reader(kept.keeper.files)
    policy = kept.policy._replace(keep_logins_ms=600_000, keep_system_ms=1000)
    retention = Retention(kept.keeper.writer, reader, policy, lambda _: True)
    assert sum(retention.steps(BOOT * 1_000_000 + kept.story.ms * 1000)) > 1000
    result = kept.verify()
    assert result.is_intact, result
    assert result.removed > 1000
    kept.keeper.stop()


def test_rows_that_are_deleted_while_others_are_read_are_not_missing(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    for _ in range(20):
        kept.live(300)
        kept.move_all()
    numbers = (number for (number,) in kept.database.execute("SELECT id FROM process ORDER BY id").fetchall())
    reader, remover, removed = Reader(kept.keeper.files), Remover(kept.keeper.writer), list[int]()

    def delete_one(statement: str) -> None:
        if "FROM process" in statement or "FROM command" in statement:
            removed.append(remover.remove_processes([next(numbers)]))

    reader.database.set_trace_callback(delete_one)
    result = Verifier(reader.database).verify()
    assert result.is_intact, result
    assert sum(removed) > 3
    kept.keeper.stop()
