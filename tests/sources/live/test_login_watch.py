"""The watch on logins: records that change, folders that come later, and leaders that end."""

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


def test_the_end_of_a_leader_makes_its_pidfd_readable() -> None:
    leader = subprocess.Popen(["sleep", "100"])
    login = Login("41", 1000, leader=leader.pid, process=Process(leader.pid, start=1))
    watch = LoginWatch([], "/")
    (descriptor,), old = watch.watch_leaders([login])
    assert old == []
    assert watch.is_pidfd(descriptor)
    assert watch.watch_leaders([login]) == ([], [])
    leader.kill()
    assert is_readable(descriptor)
    watch.note_end(descriptor)
    assert not watch.is_pidfd(descriptor)
    # it is a zombie, which the reading of logins still finds: its pidfd would be readable for ever
    assert watch.watch_leaders([login]) == ([], [])
    leader.wait()
    watch.close()


def test_a_login_that_is_not_there_any_more_is_not_watched() -> None:
    leader = subprocess.Popen(["sleep", "100"])
    watch = LoginWatch([], "/")
    (descriptor,), _ = watch.watch_leaders([Login("41", 1000, leader=leader.pid, process=Process(leader.pid, start=1))])
    assert watch.watch_leaders([]) == ([], [descriptor])
    leader.kill()
    leader.wait()
    watch.close()
