"""Files: the lock, the state, the reserve."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from logonscope.errors import AccessDeniedError, RecordingError
from logonscope.journal import files as module
from logonscope.journal.files import JournalFiles
from tests.lab.fixtures import skip_or_fail
from tests.lab.systemd import wait_until


def test_one_process_locks(tmp_path: Path) -> None:
    files = JournalFiles(str(tmp_path))
    files.lock()
    with pytest.raises(BlockingIOError):
        JournalFiles(str(tmp_path)).lock()


def test_the_state_is_read_again(tmp_path: Path) -> None:
    files = JournalFiles(str(tmp_path))
    assert files.read_state() == (None, 0)
    files.write_state("abc", 7)
    assert files.read_state() == ("abc", 7)
    (tmp_path / module.STATE).write_text("{")
    assert files.read_state() == (None, 0)


def test_the_reserve_is_given_back_once(tmp_path: Path) -> None:
    files = JournalFiles(str(tmp_path))
    files.make_reserve()
    assert files.delete_reserve()
    assert not files.delete_reserve()


class FullFiles(JournalFiles):
    """Files on a full disk."""

    def free_bytes(self) -> int:
        return 0


def test_a_migration_needs_room(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="free space for a copy"):
        FullFiles(str(tmp_path)).check_room_for_copy()


def test_a_file_of_another_user_is_refused_with_its_uid() -> None:
    if os.geteuid():
        skip_or_fail("only root can become another user")
    # not below pytest's folder, which other users cannot enter
    with tempfile.TemporaryDirectory() as folder:
        files = JournalFiles(folder)
        files.prepare()
        os.chown(files.database, 64322, -1)
        Path(folder).chmod(0o755)
        os.seteuid(64321)
        try:
            with pytest.raises(AccessDeniedError, match="uid 64322, not to uid 64321 or root; run chown 64321"):
                files.prepare()
        finally:
            os.seteuid(0)


def test_a_request_of_root_belongs_to_the_user_of_the_service(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        skip_or_fail("only root can give files away")
    files = JournalFiles(str(tmp_path))
    os.chown(tmp_path, 65534, 65534)
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(files.request_forget, "bob", 0, 20.0)
        (request,) = wait_until(files.forget_requests, 20)
        assert (request.user, request.uid) == ("bob", 0)
        assert os.stat(request.path).st_uid == 65534
        files.answer_forget(request.path, {"logins": 1})
        assert answer.result() == {"logins": 1}
    assert list(tmp_path.iterdir()) == []
