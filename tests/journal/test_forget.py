"""What is forgotten of a user."""

from pathlib import Path

from logonscope.facts import FailedLogon
from logonscope.machine.events import LogonFailed
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM


def test_a_forgotten_user_leaves_no_trace(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(800)
    kept.feed(kept.story.reports())
    kept.feed([
        LogonFailed(kept.story.head(kept.story.ms), FailedLogon("sudo", 1, "root", by_user="user1003"), SYSTEM),
        kept.story.end_logon(3),
    ])  # fmt: skip
    kept.keeper.stop()
    marker = b"user1003"
    assert marker in (tmp_path / "history" / "journal.db").read_bytes()
    result = kept.history().forget("user1003", 0)
    assert (result.logins, result.kept_logins) == (1, 1)
    assert result.processes > 20
    kept.reopen()
    assert kept.verify().is_intact
    left = kept.database.execute(
        "SELECT count(*) FROM every WHERE lasted IS NOT NULL AND place IN"
        " (SELECT id FROM place WHERE logon IN (SELECT id FROM logon WHERE user = 'user1003'))"
    ).fetchone()
    assert left == (0,)
    for table, column in (("failed_logon", "by_user"), ("user_change", "from_user")):
        users = {user for (user,) in kept.database.execute(f"SELECT {column} FROM {table}")}
        assert "user1003" not in users
        assert users
    assert "user1003" in kept.database.execute("SELECT text FROM audit").fetchone()[0]
    kept.keeper.stop()


def test_the_service_forgets_for_another_process(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(300)
    kept.keeper.start(list)
    result = kept.history().forget("user1002", 0)
    assert result.processes > 5
    kept.keeper.stop()
    kept.reopen()
    assert kept.verify().is_intact
    kept.keeper.stop()
