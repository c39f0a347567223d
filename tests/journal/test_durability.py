"""What was acknowledged is kept: over kill -9, over damaged files, over a full disk, beside readers that stall."""

import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from logonscope.errors import AccessDeniedError, InvalidParameterError, RecordingError
from logonscope.journal.database import open_writer
from logonscope.journal.files import JournalFiles
from logonscope.journal.keeper import KeeperLimits
from logonscope.journal.reader import Reader
from tests.journal.disks import fill, mounted
from tests.journal.kept import Kept, count
from tests.journal.kills import ROOT, check, kill_once

KILLS = 4
"""As many as a test may take; ``make history-kills`` does 300."""


@pytest.mark.parametrize("seed", range(KILLS))
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, seed: int) -> None:
    acknowledged, through = kill_once(tmp_path / "history", random.Random(seed), seconds=0.6)  # noqa: S311 -- a test
    assert 0 < acknowledged <= through


def losses(kept: Kept) -> list[str]:
    kept.keeper.flush()
    return [reason for (reason,) in kept.database.execute("SELECT reason FROM loss ORDER BY seq")]


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """Return the folder of a journal whose writer did not close it."""
    folder = tmp_path / "history"
    kept = Kept(folder)
    for _ in range(4):
        kept.live(300)
    copy = tmp_path / "killed"
    shutil.copytree(folder, copy)
    kept.keeper.stop()
    return copy


def test_a_missing_log_is_a_loss(killed: Path) -> None:
    (killed / "journal.db-wal").unlink()
    kept = Kept(killed)
    assert any("write-ahead log is missing" in reason for reason in losses(kept))
    kept.live(10)
    kept.keeper.stop()


def test_a_damaged_log_is_a_loss(killed: Path) -> None:
    wal = killed / "journal.db-wal"
    data = bytearray(wal.read_bytes())
    # the frames with the salt of the header are those that count (SQLite, "WAL File Format")
    frames = [start for start in range(32, len(data) - 4119, 4120) if data[start + 8 : start + 16] == data[16:24]]
    page = frames[len(frames) // 2] + 24
    data[page : page + 4096] = bytes(byte ^ 0xFF for byte in data[page : page + 4096])
    wal.write_bytes(data)
    kept = Kept(killed)
    assert any("write-ahead log is damaged" in reason for reason in losses(kept))
    kept.live(10)
    kept.keeper.stop()


@pytest.mark.parametrize("part", [0.3, 0.7, 0.95])
def test_a_cut_log_has_a_prefix_of_the_commits(killed: Path, part: float) -> None:
    wal = killed / "journal.db-wal"
    os.truncate(wal, int(wal.stat().st_size * part))
    check_prefix(killed)


def check_prefix(folder: Path) -> None:
    kept = Kept(folder)
    spans = kept.database.execute("SELECT seq, n FROM eventlog ORDER BY seq").fetchall()
    assert all(first + number == after for (first, number), (after, _) in pairwise(spans))
    kept.live(10)
    kept.move_all()
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_a_damaged_database_is_set_aside_and_reported(killed: Path) -> None:
    database = killed / "journal.db"
    (killed / "journal.db-wal").unlink()
    database.write_bytes(b"no database at all" * 400)
    kept = Kept(killed)
    assert any("the journal was damaged" in reason for reason in losses(kept))
    assert [path for path in killed.iterdir() if ".damaged-" in path.name]
    kept.live(10)
    assert count(kept.database, "recent") == 10
    kept.keeper.stop()


def test_a_damaged_page_is_found(killed: Path) -> None:
    kept = Kept(killed)
    kept.move_all()
    kept.keeper.stop()
    assert not page_faults(killed)
    with (killed / "journal.db").open("r+b") as file:
        file.seek(4096 * 20)
        file.write(bytes(range(256)) * 4)
    assert page_faults(killed)


def page_faults(folder: Path) -> list[str]:
    database = sqlite3.connect(folder / "journal.db")
    try:
        lines = [line for (line,) in database.execute("PRAGMA quick_check(5)")]
    except sqlite3.DatabaseError as error:
        lines = [str(error)]
    database.close()
    return [] if lines == ["ok"] else lines


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 10 MB."""
    with mounted(tmp_path / "small", "10m") as folder:
        yield folder


def test_a_full_disk_loses_nothing_that_was_acknowledged(small_disk: Path) -> None:
    kept = Kept(small_disk / "history", limits=KeeperLimits(min_free=0))
    kept.live(500)
    filler = fill(small_disk)
    kept.live(8000, 5)
    last_event, state = kept.keeper.writer.last_event, kept.keeper.state
    assert "full" in state.problem
    assert kept.history().state().last_event == last_event
    filler.unlink()
    kept.live(50)
    assert kept.keeper.state.problem == ""
    assert kept.keeper.writer.last_event > last_event
    assert any("could not be written" in reason for reason in losses(kept))
    kept.move_all()
    assert kept.verify().is_intact
    assert count(kept.database, "process") > 500
    kept.keeper.stop()


def test_a_nearly_full_disk_is_not_filled(small_disk: Path) -> None:
    kept = Kept(small_disk / "history")
    kept.live(50)
    assert "MiB are free" in kept.keeper.state.problem
    kept.keeper.stop()


def test_a_stalled_reader_is_interrupted(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history", limits=KeeperLimits(wal_interrupt=1 << 20))
    kept.live(1000)
    reader, outcome = kept.keeper.open_reader(), list[str]()

    def read_for_ever() -> None:
        try:
            reader.rows("SELECT count(*) FROM recent a, recent b, recent c, recent d")
        except sqlite3.OperationalError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=read_for_ever)
    thread.start()
    largest = 0
    while not outcome and largest < 64 << 20:
        kept.live(300)
        largest = max(largest, kept.keeper.state.wal_bytes)
    thread.join()
    assert outcome == ["interrupted"]
    assert largest < 64 << 20
    kept.live(300)
    kept.live(300)
    assert kept.keeper.state.wal_bytes < 20 << 20
    kept.keeper.stop()


def test_another_process_that_opens_the_journal_does_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    kept = Kept(folder)
    kept.live(200)
    code = (
        "import sqlite3, sys; database = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True);"
        " database.execute('SELECT count(*) FROM recent').fetchall(); database.close()"
    )
    for _ in range(3):
        subprocess.run([sys.executable, "-c", code, str(folder / "journal.db")], check=True)
        assert (folder / "journal.db-wal").exists()
        kept.live(50)
    last_event = kept.keeper.state.last_event
    copy = tmp_path / "killed"
    shutil.copytree(folder, copy)
    assert check(copy, last_event) >= last_event
    kept.keeper.stop()


def test_a_stopped_writer_blocks_no_reader(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.victim", str(folder), "1"],
        stdout=subprocess.PIPE,
        env=environment,
        cwd=ROOT,
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.send_signal(signal.SIGSTOP)
    reader = Reader(JournalFiles(str(folder)))
    assert reader.rows("SELECT count(*) FROM recent")[0][0] > 0
    reader.close()
    with pytest.raises(InvalidParameterError, match="another process writes there"):
        Kept(folder)
    writer.send_signal(signal.SIGCONT)
    writer.kill()
    writer.wait()
    writer.stdout.close()


def test_files_are_private(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        kept = Kept(tmp_path / "history")
        kept.live(50)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "history").iterdir()}
        kept.keeper.stop()
    finally:
        os.umask(old)
    assert set(modes.values()) == {0o600}
    assert {"journal.db", "journal.db-wal", "journal.db-shm"} <= set(modes)
    assert stat.S_IMODE((tmp_path / "history").stat().st_mode) == 0o700


def test_a_link_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "history"
    folder.mkdir(mode=0o700)
    (tmp_path / "target").write_bytes(b"")
    (folder / "journal.db").symlink_to(tmp_path / "target")
    with pytest.raises(AccessDeniedError, match="not a regular file"):
        Kept(folder)


def test_a_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "history").mkdir()
    (tmp_path / "history").chmod(0o777)
    with pytest.raises(AccessDeniedError, match="other users can write it"):
        Kept(tmp_path / "history")


@pytest.mark.parametrize(("statement", "message"), [
    ("PRAGMA user_version = 99", "newer version"), ("PRAGMA application_id = 7", "not a history journal"),
])  # fmt: skip
def test_a_foreign_or_newer_file_is_refused(tmp_path: Path, statement: str, message: str) -> None:
    kept = Kept(tmp_path / "history")
    kept.keeper.stop()
    database = sqlite3.connect(tmp_path / "history" / "journal.db")
    database.execute(statement)
    database.commit()
    database.close()
    with pytest.raises(RecordingError, match=message):
        open_writer(JournalFiles(str(tmp_path / "history")))


def test_a_restart_goes_on_with_a_new_epoch(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(200)
    before, running = kept.keeper.state, len(kept.keeper.recorder.alive)
    kept.keeper.stop()
    kept.reopen()
    after = kept.keeper.state
    assert (after.journal_id, after.epoch, after.last_event) == (before.journal_id, before.epoch + 1, before.last_event)
    assert len(kept.keeper.recorder.alive) == running
    kept.keeper.stop()


def test_another_boot_ends_what_ran(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.live(300)
    running = len(kept.keeper.recorder.alive)
    assert running
    kept.keeper.stop()
    kept.reopen(boot_id="boot-2")
    assert not kept.keeper.recorder.alive
    bounds = kept.database.execute("SELECT count(*) FROM every WHERE source & 4 AND status IS NULL").fetchone()[0]
    assert bounds == running
    kept.keeper.stop()


@pytest.mark.parametrize("how", ["another machine", "an older copy", "the database alone"])
def test_a_restored_copy_gets_a_new_id(tmp_path: Path, how: str) -> None:
    folder, copy = tmp_path / "history", tmp_path / "copy"
    kept = Kept(folder)
    kept.live(50)
    first = kept.keeper.state.journal_id
    kept.keeper.stop()
    shutil.copytree(folder, copy)
    kept.reopen()
    assert kept.keeper.state.journal_id == first
    kept.keeper.stop()
    if how == "an older copy":
        shutil.copy(copy / "journal.db", folder / "journal.db")
        restored = Kept(folder)
    elif how == "the database alone":
        (copy / "journal.state").unlink()
        restored = Kept(copy)
    else:
        restored = Kept(copy, machine_id="machine-2")
    assert restored.keeper.state.journal_id != first
    restored.keeper.stop()
