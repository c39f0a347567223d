"""Tests of server/sinks/checkpoint.py: what is stored is read again, and a damaged file is no checkpoint."""

from pathlib import Path

import pytest

from logonscope.server.sinks.checkpoint import Checkpoint


def test_a_cursor_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "sinks" / "a.json"
    assert Checkpoint(str(path)).read() is None
    Checkpoint(str(path)).write("first")
    Checkpoint(str(path)).write("second")
    assert Checkpoint(str(path)).read() == "second"
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"\xff", b"{}", b"[]", b'{"cursor": 5}', b"[" * 4000])
def test_a_damaged_file_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)
    assert Checkpoint(str(tmp_path / "a.json")).read() is None
