"""The watch on logins: records that change, folders that come later, and leaders that end."""

import os
import select
import subprocess
from pathlib import Path

from logonscope.facts import Login, Process
from logonscope.sources.live.login_watch import LoginWatch


def is_readable(descriptor: int) -> bool:
    """Return whether a descriptor is readable, waiting for at most five seconds."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(5000))


def test_a_record_that_is_written_changed_and_deleted_is_a_change(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    watch = LoginWatch([str(folder)], str(tmp_path))
    assert not watch.read()
    (folder / ".new").write_text("x")
    (folder / ".new").rename(folder / "41")  # as logind writes it
    assert is_readable(watch.fileno())
    assert watch.read()
    assert not watch.read()
    (folder / "41").unlink()
    assert is_readable(watch.fileno())
    assert watch.read()
    watch.close()


def test_a_folder_may_come_later(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    watch = LoginWatch([str(folder)], str(tmp_path))
    folder.mkdir()
    assert is_readable(watch.fileno())
    watch.read()
    (folder / ".new").write_text("x")
    (folder / ".new").rename(folder / "41")
    assert is_readable(watch.fileno())
    watch.close()


def test_the_end_of_a_leader_is_a_change() -> None:
    leader = subprocess.Popen(["sleep", "100"])
    login = Login("41", 1000, leader=leader.pid, process=Process(leader.pid, start=1))
    watch = LoginWatch([], "/")
    assert watch.watch_leaders([login]) == watch.watch_leaders([login]) == []
    assert not watch.read()
    leader.kill()
    assert is_readable(watch.fileno())
    assert watch.read()
    # it is a zombie, which the reading of logins still finds: it would have changed for ever
    assert watch.watch_leaders([login]) == [leader.pid]
    assert not watch.read()
    leader.wait()
    watch.close()


def test_a_leader_that_cannot_be_watched_is_returned() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    own = os.getpid()
    logins = [Login(str(pid), 1000, leader=pid, process=Process(pid, start=1)) for pid in (ended.pid, own)]
    watch = LoginWatch([], "/", max_leaders=1)
    assert watch.watch_leaders(logins) == [ended.pid]
    assert set(watch.watch_leaders([*logins, Login("1", 0, leader=1, process=Process(1, start=1))])) == {ended.pid, 1}
    watch.close()


def test_a_login_that_is_not_there_any_more_is_not_watched() -> None:
    leader = subprocess.Popen(["sleep", "100"])
    watch = LoginWatch([], "/")
    watch.watch_leaders([Login("41", 1000, leader=leader.pid, process=Process(leader.pid, start=1))])
    assert watch.watch_leaders([]) == []
    leader.kill()
    leader.wait()
    assert not watch.read()
    watch.close()
