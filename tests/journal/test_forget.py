"""What is forgotten of a user."""

from pathlib import Path
from typing import Any

import pytest

from logonscope.errors import RecordingError
from logonscope.facts import FailedLogon, Process, UserChange
from logonscope.journal.files import JournalFiles
from logonscope.machine.events import LogonFailed, ProcessChanged, ProcessEnded, ProcessStarted, UserChanged
from tests.journal.kept import Kept, count
from tests.journal.story import SYSTEM, owner_of
from tests.journal.test_recorder import changed, ended, head, make, started
from tests.lab.systemd import wait_until


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
    assert result.failed_logons >= 1
    assert result.user_changes >= 1
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


def forget(kept: Kept, user: str) -> None:
    """Have the keeper forget a user, as its thread does."""
    path = Path(kept.keeper.files.folder, "forget-1")
    path.write_text(f'{{"user": "{user}", "uid": 0}}')
    kept.keeper.answer_requests()
    assert Path(f"{path}.done").exists()


def of(pid: int, ms: int, uid: int, argv: bytes, **facts: Any) -> Process:
    return make(pid, ms, uids=(uid,) * 4, gids=(uid,) * 4, cmdline=argv, **facts)


def test_what_became_a_user_or_a_login_later_is_forgotten(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    setpriv, sshd, login = of(10, 5000, 0, b"setpriv\0"), of(11, 6000, 0, b"sshd: bob\0"), owner_of(7)
    secret = setpriv._replace(uids=(7,) * 4, name="secret", exe="/home/bob/secret", cmdline=b"secret\0--key\0")
    inside = sshd._replace(ses=7, loginuid=1000)
    kept.feed([started(setpriv, 5000), started(sshd, 6000), started(of(12, 6000, 8, b"other\0"), 6000)])
    kept.feed([changed(setpriv, 7000, **{name: getattr(secret, name) for name in ("uids", "name", "exe", "cmdline")})])
    kept.feed([ProcessChanged(head(8000), (sshd, SYSTEM), (inside, login))])
    kept.feed([ended(secret, 9000), ProcessEnded(head(9001), inside, login, 0)])
    forget(kept, "user7")
    forget(kept, "user1000")
    assert kept.database.execute("SELECT pid FROM every").fetchall() == [(12,)]
    assert count(kept.database, "change") == 0
    assert kept.database.execute("SELECT argv FROM command").fetchall() == [(b"other\0",)]
    assert "/home/bob/secret" not in repr(kept.database.execute("SELECT * FROM program").fetchall())
    assert kept.database.execute("SELECT user FROM credential").fetchall() == [("user8",)]
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_changes_of_user_that_are_deleted_with_their_process_are_counted(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    sudo = of(10, 5000, 7, b"sudo\0")
    change = UserChange(7, "user7", 0, "root", is_complete=True)
    kept.feed([started(sudo, 5000), UserChanged(head(5100), sudo, SYSTEM, change), ended(sudo, 6000)])
    kept.keeper.stop()
    result = kept.history().forget("user7", 0)
    assert (result.processes, result.user_changes) == (1, 1)
    kept.reopen()
    assert count(kept.database, "user_change") == 0
    assert "1 changes of user" in kept.database.execute("SELECT text FROM audit").fetchone()[0]
    kept.keeper.stop()


def test_values_that_are_forgotten_are_stored_again_for_others(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    argv, facts = b"make\0all\0", {"name": "make", "exe": "/usr/bin/make"}
    first = of(10, 5000, 7, argv, **facts)
    kept.feed([started(first, 5000), ended(first, 6000)])
    forget(kept, "user7")
    assert count(kept.database, "every") == 0
    kept.feed([started(of(11, 7000, 8, argv, **facts), 7000), started(of(12, 7000, 7, argv, **facts), 7000)])
    kept.move_all()
    query = (
        "SELECT e.pid, c.argv, p.exe, d.user, l.ses FROM every e LEFT JOIN command c ON c.id = e.command"
        " LEFT JOIN program p ON p.id = e.program LEFT JOIN credential d ON d.id = e.credential"
        " LEFT JOIN place l ON l.id = e.place"
    )
    assert kept.database.execute(query).fetchall() == [
        (11, argv, b"/usr/bin/make", "user8", 4294967295), (12, argv, b"/usr/bin/make", "user7", 4294967295),
    ]  # fmt: skip
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_numbers_of_what_was_forgotten_are_not_given_again(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed([started(make(10, 5000), 5000)])
    process, login = of(11, 6000, 1000, b"bash\0", ses=7, loginuid=1000), owner_of(7)
    kept.feed([ProcessStarted(head(6000), process, login, None), ProcessEnded(head(6100), process, login, 0)])
    kept.feed(kept.story.start_logons())
    kept.feed([kept.story.end_logon(number) for number in range(1, 13)])
    tables = ("logon", "place", "program", "credential")
    last = {table: kept.database.execute(f"SELECT max(id) FROM {table}").fetchone()[0] for table in tables}
    for number in range(1000, 1007):
        forget(kept, f"user{number}")
    kept.keeper.stop()
    kept.reopen()
    kept.feed([ProcessStarted(head(7000), process._replace(start=700), owner_of(8), None)])
    assert kept.database.execute("SELECT min(id) FROM logon WHERE logonid = 8").fetchone()[0] > last["logon"]
    assert kept.database.execute("SELECT max(id) FROM place").fetchone()[0] > last["place"]
    assert kept.database.execute("SELECT max(id) FROM credential").fetchone()[0] > last["credential"]
    kept.keeper.stop()


def test_rows_that_wait_for_a_commit_are_written_before(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed([started(make(10, 5000), 5000)])
    # as the comparison of a host without events leaves them
    kept.keeper.recorder.compare([(make(pid, 6000), SYSTEM) for pid in range(20, 25)], 6000)
    forget(kept, "nobody")
    kept.feed([started(make(30, 7000), 7000)])
    assert count(kept.database, "every") == 7
    assert kept.database.execute("SELECT reason FROM loss").fetchall() == []
    kept.keeper.stop()


def test_an_invalid_request_is_deleted_and_others_are_answered(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    folder = tmp_path / "history"
    (folder / "forget-0").write_text("[" * 60_000)
    (folder / "forget-00").write_text('{"user": "bob"}')
    (folder / "forget-000").mkdir()
    forget(kept, "bob")
    assert sorted(path.name for path in folder.glob("forget-*")) == ["forget-000", "forget-1.done"]
    kept.keeper.stop()


def test_an_error_is_the_answer(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed([started(make(10, 5000), 5000)])
    kept.database.execute("ALTER TABLE user_change RENAME TO moved_away")
    kept.keeper.start(list)
    files = JournalFiles(str(tmp_path / "history"))
    with pytest.raises(RecordingError, match="cannot forget 'bob': no such table"):
        files.request_forget("bob", 0, 20)
    kept.database.execute("ALTER TABLE moved_away RENAME TO user_change")
    kept.keeper.put(started(make(11, 6000), 6000))
    reader = kept.keeper.open_reader()
    wait_until(lambda: len(reader.rows("SELECT 1 FROM every")) == 2, 20)
    kept.keeper.stop()


def test_a_request_stays_while_the_keeper_stops(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed([started(of(10, 5000, 7, b"a\0"), 5000), ended(of(10, 5000, 7, b"a\0"), 6000)])
    kept.keeper.stop()
    request = tmp_path / "history" / "forget-7"
    request.write_text('{"user": "user7", "uid": 0}')
    kept.keeper.answer_requests()
    assert request.exists()
    kept.reopen()
    kept.keeper.answer_requests()
    assert count(kept.database, "every") == 0
    assert not request.exists()
    kept.keeper.stop()


def test_a_uid_without_an_account_is_forgotten_by_its_number(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    named, nameless = owner_of(7), owner_of(8)
    assert nameless.login is not None
    nameless = nameless._replace(login=nameless.login._replace(user=None, uid=4242))
    for pid, owner, uid in ((10, named, 1000), (11, nameless, 4242)):
        process = of(pid, 5000, uid, b"a%d\0" % pid, ses=int(owner.logon_id or 0), loginuid=uid)
        kept.feed([ProcessStarted(head(5000), process, owner, None)])
        kept.feed([ProcessEnded(head(6000), process, owner, 0)])
    kept.database.execute("UPDATE credential SET user = NULL WHERE uids LIKE '4242,%'")
    # a number is no prefix, and not the uid of an account with a name
    for number in ("424", "1000", "4242 "):
        forget(kept, number)
    assert count(kept.database, "every") == 2
    forget(kept, "4242")
    assert kept.database.execute("SELECT pid FROM every").fetchall() == [(10,)]
    assert kept.database.execute("SELECT user FROM credential").fetchall() == [("user1000",)]
    kept.keeper.stop()
