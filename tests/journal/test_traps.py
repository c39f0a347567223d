"""What is known to go wrong with a database of SQLite beside its writer: copies, locks, readers, disks without room."""

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope.errors import LogonscopeError, RecordingError
from logonscope.journal.database import open_writer
from logonscope.journal.files import JournalFiles
from logonscope.journal.history import JournalHistory
from logonscope.journal.keeper import KeeperLimits
from logonscope.journal.removal import VACUUM_PAGES, Remover
from logonscope.machine import Look
from logonscope.machine.history import ProcessRecordQuery
from tests.journal.disks import disk_with_errors, fill, mounted, remount
from tests.journal.kept import Kept, count
from tests.journal.kills import ROOT, check
from tests.lab.systemd import wait_until

NOBODY = 65534
MB = 1 << 20


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Return a journal with some processes."""
    kept = Kept(tmp_path / "history")
    kept.live(300)
    yield kept
    kept.keeper.stop()


# files


def test_a_backup_beside_the_writer_has_all_that_was_acknowledged(kept: Kept, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir(mode=0o700)
    source = sqlite3.connect(f"file:{kept.folder / 'journal.db'}?mode=ro", uri=True)
    target = sqlite3.connect(copy / "journal.db")
    acknowledged = kept.keeper.state.last_event
    steps = iter(range(5))

    def write_meanwhile(*_: int) -> None:
        # a copy begins again after each commit of another connection, so not for ever
        if next(steps, None) is not None:
            kept.live(5)

    source.backup(target, pages=3, progress=write_meanwhile, sleep=0.001)
    source.close()
    target.close()
    (copy / "journal.db").chmod(0o600)
    assert check(copy, acknowledged) >= acknowledged


OPENED_HERE = """
import sys
opened, connected = [], False

def note(name, arguments):
    global connected
    if name == "sqlite3.connect":
        connected = True
    elif name == "open" and connected and str(arguments[0]).endswith(("journal.db", "-wal", "-shm")):
        opened.append(arguments[0])

from pathlib import Path
from tests.journal.kept import Kept
from logonscope.machine import Look
from logonscope.machine.history import ProcessRecordQuery
sys.addaudithook(note)
kept = Kept(Path(sys.argv[1]))
kept.feed(kept.story.start_logons())
kept.live(4300)
kept.keeper.flush()
history = kept.history()
list(history.processes(Look(), ProcessRecordQuery()))
list(history.checks())
assert history.verify().is_intact
list(kept.keeper._retention.steps(2_000_000_000_000_000))
kept.keeper.stop()
assert connected
print(opened)
"""


def test_the_process_that_writes_opens_the_files_by_no_other_means(tmp_path: Path) -> None:
    """close(2) of any descriptor of the file would release the locks that SQLite holds on it."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-c", OPENED_HERE, str(tmp_path / "history")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_database_that_was_cut_is_found(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(300)
    kept.move_all()
    assert not kept.keeper.writer.check_quickly()
    kept.keeper.stop()
    database = tmp_path / "history" / "journal.db"
    os.truncate(database, database.stat().st_size * 7 // 10)
    # set aside at the start, or named by the check
    after = Kept(tmp_path / "history")
    is_aside = any(".damaged-" in path.name for path in (tmp_path / "history").iterdir())
    assert is_aside or after.keeper.writer.check_quickly()
    after.keeper.stop()


def test_free_pages_are_given_back_by_many(kept: Kept) -> None:
    """execute() of the pragma would free one page: the module stops at the first row."""
    kept.live(3000)
    kept.move_all()
    numbers = [number for (number,) in kept.database.execute("SELECT id FROM process ORDER BY id LIMIT 2500")]
    remover = Remover(kept.keeper.writer)
    for first in range(0, len(numbers), 500):
        remover.remove_processes(numbers[first : first + 500])
    (free,) = kept.database.execute("PRAGMA freelist_count").fetchone()
    assert free > 20
    remover.free_pages()
    assert kept.database.execute("PRAGMA freelist_count").fetchone() == (max(0, free - VACUUM_PAGES),)


def test_a_migration_that_fails_leaves_the_older_version(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.keeper.stop()
    database = sqlite3.connect(tmp_path / "history" / "journal.db", isolation_level=None)
    # its first statements succeed, a later one finds its table there
    database.execute("PRAGMA user_version = 2")
    database.execute("DROP TABLE failed_logon")
    tables = database.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall()
    with pytest.raises((sqlite3.Error, LogonscopeError)):
        open_writer(JournalFiles(str(tmp_path / "history")))
    assert database.execute("PRAGMA user_version").fetchone() == (2,)
    assert database.execute("SELECT sql FROM sqlite_master ORDER BY name").fetchall() == tables
    database.close()
    # the copy that was made before it
    assert (tmp_path / "history" / "journal.db.version2").stat().st_size > 4096


# readers


def test_a_reader_that_takes_its_time_holds_no_transaction(kept: Kept) -> None:
    kept.live(3000)
    reading = kept.history().processes(Look(), ProcessRecordQuery())
    next(reading)
    kept.live(200)
    # busy would be 1 if the reader's page were still open
    assert kept.database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    assert kept.keeper.state.wal_bytes == 0
    assert sum(1 for _ in reading) > 3000


STALL = """
import sqlite3, sys
database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, isolation_level=None)
database.execute("BEGIN")
database.execute("SELECT count(*) FROM recent").fetchone()
print("reading", flush=True)
sys.stdin.read()
"""


@contextmanager
def stalled_reader(kept: Kept) -> Iterator[None]:
    """Run another process that holds a read transaction."""
    command = [sys.executable, "-c", STALL, str(kept.folder / "journal.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdout.readline()
        try:
            yield
        finally:
            reader.stdin.close()
            reader.wait()


def test_a_stalled_reader_of_another_process_stops_the_moves_and_nothing_else(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history", limits=KeeperLimits(wal_interrupt=2 * MB, wal_pause=3 * MB))
    # the log is shortened to less than the limits, as the service's is
    kept.database.execute(f"PRAGMA journal_size_limit = {MB}")
    kept.live(300)
    with stalled_reader(kept):
        while kept.keeper.state.wal_bytes < 3 * MB:
            kept.live(300)
        moved, last = kept.keeper.writer.moved, kept.keeper.state.last_event
        kept.live(4500)
        # events are still committed
        assert kept.keeper.state.last_event > last + 4500
        assert kept.keeper.writer.moved == moved
        assert kept.keeper.state.problem == ""
    kept.live(300)
    kept.live(300)
    assert kept.keeper.writer.moved > moved
    assert kept.keeper.state.wal_bytes < 3 * MB
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_a_lock_of_another_program_delays_and_loses_nothing(kept: Kept) -> None:
    kept.database.execute("PRAGMA busy_timeout = 10")
    foreign = sqlite3.connect(kept.folder / "journal.db", isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    last = kept.keeper.state.last_event
    kept.live(100)
    assert "locked" in kept.keeper.state.problem
    assert kept.keeper.state.last_event == last
    foreign.execute("ROLLBACK")
    foreign.close()
    kept.live(10)
    assert kept.keeper.state.problem == ""
    assert count(kept.database, "every") == 410
    assert kept.keeper.state.lost_events == 0


# disks


def test_the_reserve_makes_room_to_delete(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with mounted(tmp_path / "small", "200m") as disk:
        kept = Kept(disk / "history")
        kept.live(9000)
        reserve = disk / "history" / "journal.ballast"
        assert reserve.exists()
        kept.move_all()
        before = count(kept.database, "process")
        # all of this is older than 400 days: retention deletes it, once it has room for that
        remount(disk, "size=45m")
        kept.keeper.start(list)
        for event in kept.story.events(50):
            kept.keeper.put(event)
        try:
            wait_until(lambda: not reserve.exists(), 20, "the reserve is used")
            wait_until(lambda: count(kept.database, "process") < before, 20, "old rows are deleted")
        finally:
            kept.keeper.stop()
    assert any("the reserve of 16 MiB is used" in message for message in caplog.messages)


def test_a_disk_that_becomes_read_only_is_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with disk_with_errors(tmp_path) as (disk, fail):
        kept = Kept(disk / "history", limits=KeeperLimits(min_free=0))
        kept.live(100)
        acknowledged = kept.keeper.state.last_event
        caplog.set_level(logging.WARNING)
        fail()
        for _ in range(3):
            kept.live(20)
        assert kept.keeper.state.problem
        assert kept.keeper.state.last_event == acknowledged
        assert sum("cannot write the history" in message for message in caplog.messages) == 1
        # what was written can be read meanwhile
        assert sum(1 for _ in kept.history().processes(Look(), ProcessRecordQuery())) == 100
        kept.keeper.stop()


@pytest.mark.parametrize("has_log", [True, False])
def test_a_journal_on_a_read_only_disk(tmp_path: Path, *, has_log: bool) -> None:
    with mounted(tmp_path / "small", "50m") as disk:
        kept = Kept(tmp_path / "history")
        kept.live(100)
        if not has_log:
            kept.keeper.stop()
        subprocess.run(["cp", "-a", kept.folder, disk / "history"], check=True)
        remount(disk, "ro")
        history = JournalHistory(str(disk / "history"))
        if has_log:
            assert sum(1 for _ in history.processes(Look(), ProcessRecordQuery())) == 100
            kept.keeper.stop()
        else:
            with pytest.raises(RecordingError, match="cannot read the history"):
                list(history.processes(Look(), ProcessRecordQuery()))
        history.close()


def test_a_full_disk_refuses_to_be_opened_with_a_reason(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "10m") as disk:
        kept = Kept(disk / "history", limits=KeeperLimits(min_free=0))
        kept.live(100)
        kept.keeper.stop()
        fill(disk)
        history = JournalHistory(str(disk / "history"))
        with pytest.raises(RecordingError, match="cannot read the history"):
            list(history.processes(Look(), ProcessRecordQuery()))
        history.close()


def test_another_user_gets_a_reason(tmp_path: Path) -> None:
    """Without a writer there is no index of the log, and who cannot write cannot make one."""
    if os.geteuid() != 0:
        pytest.skip("root alone can become another user")
    kept = Kept(tmp_path / "history")
    kept.live(100)
    kept.keeper.stop()
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(kept.folder, copy, dirs_exist_ok=True)
        Path(copy).chmod(0o755)
        for path in Path(copy).iterdir():
            path.chmod(0o644)
        assert read_as(NOBODY, copy) == "RecordingError: cannot read the history"


def read_as(uid: int, folder: str) -> str:
    """Read a journal as a user; return what came of it."""
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        os.setresuid(uid, uid, uid)
        try:
            text = str(len(list(JournalHistory(folder).processes(Look(), ProcessRecordQuery()))))
        except Exception as error:  # noqa: BLE001 -- the parent compares it
            text = f"{type(error).__name__}: {error}"[:39]
        os.write(writable, text.encode())
        os._exit(0)
    os.close(writable)
    with open(readable, encoding="utf-8") as file:
        outcome = file.read()
    os.waitpid(child, 0)
    return outcome
