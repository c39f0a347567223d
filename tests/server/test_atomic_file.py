"""Tests of server/atomic_file.py: a file is replaced completely or not at all, and is private from its first byte."""

import os
import stat
from pathlib import Path

import pytest

from logonscope.server.atomic_file import write_atomically


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_it_is_there_whole_with_its_mode_and_nothing_is_left_beside_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before, and longer")
    write_atomically(str(path), b"after", mode=mode)
    assert path.read_bytes() == b"after"
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert os.listdir(tmp_path) == ["file"]


def test_it_belongs_to_whom_it_is_given(tmp_path: Path) -> None:
    owner = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    write_atomically(str(tmp_path / "file"), b"", owner=owner)
    found = (tmp_path / "file").stat()
    assert (found.st_uid, found.st_gid) == owner


def test_what_cannot_be_put_there_leaves_what_was(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner").touch()
    with pytest.raises(OSError, match="directory"):
        write_atomically(str(tmp_path / "folder"), b"data")
    assert os.listdir(tmp_path) == ["folder"]
    with pytest.raises(FileNotFoundError):
        write_atomically(str(tmp_path / "none" / "file"), b"data")
