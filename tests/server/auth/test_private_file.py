"""Tests of server/auth/private_file.py: private files are read only if private, and rewritten completely or not."""

import multiprocessing
import os
import resource
import stat
from pathlib import Path

import pytest

from logonscope.errors import AccessDeniedError, InvalidParameterError, QuotaViolationError
from logonscope.server.auth.private_file import MAX_BYTES, read, rewrite, signature

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")  # CI is root


@pytest.fixture
def path(tmp_path: Path) -> str:
    made = tmp_path / "secrets"
    made.write_bytes(b"one\n")
    made.chmod(0o600)
    return str(made)


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o666])
def test_what_others_can_read_or_write_is_refused(path: str, mode: int) -> None:
    os.chmod(path, mode)
    with pytest.raises(AccessDeniedError, match=rf"is open to others \(mode {mode:o}\); chmod 600 "):
        read(path)
    with pytest.raises(AccessDeniedError):
        rewrite(path, lambda data: data + b"two\n")


@ROOT
def test_a_file_of_another_user_is_refused(path: str) -> None:
    os.chown(path, 12345, -1)
    with pytest.raises(AccessDeniedError, match="belongs to uid 12345, which is neither root nor you"):
        read(path)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, promptly: None) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, why in ((tmp_path / "pipe", "not a regular file"), (tmp_path, "Is a directory")):
        with pytest.raises(InvalidParameterError, match=why):
            read(str(path))
    with pytest.raises(InvalidParameterError, match="No such file"):
        read(str(tmp_path / "nothing"))
    assert promptly is None


def test_what_is_too_long_is_refused(path: str) -> None:
    os.truncate(path, MAX_BYTES + 1)
    with pytest.raises(QuotaViolationError, match="is larger than 4,194,304 bytes"):
        read(path)


def test_a_missing_file_is_made_with_the_usual_folder(tmp_path: Path) -> None:
    usual = str(tmp_path / "etc")
    with pytest.raises(InvalidParameterError, match=f"folder {tmp_path}/ect does not exist; create it, or correct"):
        rewrite(str(tmp_path / "ect" / "secrets"), lambda data: data + b"one\n", usual)
    assert list(tmp_path.iterdir()) == []
    made = tmp_path / "etc" / "secrets"
    rewrite(str(made), lambda data: data + b"one\n", usual)
    assert read(str(made)) == b"one\n"
    assert (stat.S_IMODE(made.stat().st_mode), stat.S_IMODE(made.parent.stat().st_mode)) == (0o600, 0o700)


def test_what_changes_nothing_writes_nothing(path: str) -> None:
    before = signature(path)
    rewrite(path, bytes)
    assert signature(path) == before
    assert signature(f"{path}-not") == ()


def test_every_rewrite_changes_the_signature(path: str) -> None:
    seen = {signature(path)}
    for _ in range(5):
        rewrite(path, lambda data: data[::-1])
        seen.add(signature(path))
    assert len(seen) == 6


def test_a_change_that_fails_leaves_everything(path: str) -> None:
    def fail(data: bytes) -> bytes:
        raise ValueError(data)

    with pytest.raises(ValueError, match="one"):
        rewrite(path, fail)
    assert read(path) == b"one\n"
    rewrite(path, lambda data: data + b"two\n")  # the lock is free
    assert os.listdir(os.path.dirname(path)) == ["secrets"]


def test_a_disk_that_is_full_leaves_everything(path: str) -> None:
    child = multiprocessing.get_context("spawn").Process(target=write_too_much, args=(path,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert read(path) == b"one\n"
    assert os.listdir(os.path.dirname(path)) == ["secrets"]


def write_too_much(path: str) -> None:
    import signal  # noqa: PLC0415 -- in a process of its own

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
    with pytest.raises(InvalidParameterError, match=r"cannot use .*: File too large"):
        rewrite(path, lambda _: b"x" * 100_000)


def test_a_link_stays_and_what_it_leads_to_is_rewritten(path: str, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    rewrite(str(link), lambda data: data + b"two\n")
    assert link.is_symlink()
    assert read(path) == b"one\ntwo\n"


@ROOT
def test_a_file_stays_whose_it_was(path: str) -> None:
    os.chown(path, 0, 12345)
    rewrite(path, lambda data: data + b"two\n")
    assert os.stat(path).st_gid == 12345


def test_writers_in_many_processes_lose_nothing(path: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, number)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    lines = read(path).decode().splitlines()
    assert sorted(lines) == sorted(["one", *(f"{writer}-{line}" for writer in range(4) for line in range(25))])
    assert os.listdir(os.path.dirname(path)) == ["secrets"]


def write_many(path: str, number: int) -> None:
    for line in range(25):
        rewrite(path, lambda data, line=line: data + f"{number}-{line}\n".encode())  # type: ignore[misc]  # a default binds
