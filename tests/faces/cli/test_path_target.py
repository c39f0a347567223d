"""Tests of faces/cli/path_target.py: which file a path names, and what is said of one that no process has."""

import os
import socket
from pathlib import Path

import pytest

from logonscope.errors import Hint, HintCode, NotFoundError
from logonscope.faces.cli.path_target import explain_missing, resolve_path

ERROR = NotFoundError("no process runs it")


def test_links_are_resolved_in_paths_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to("file")
    monkeypatch.chdir(tmp_path)
    real = os.path.realpath(tmp_path)
    assert resolve_path("./link") == f"{real}/file"
    assert resolve_path(f"unix:{tmp_path}/link") == f"unix:{real}/file"
    assert [resolve_path(word) for word in ("kworker/0:1", "@a/b", "4312")] == ["kworker/0:1", "@a/b", "4312"]


def test_the_kind_of_the_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "left"))
    messages = {
        f"{tmp_path}/none": "no process runs it; there is no such file",
        str(tmp_path): "is a directory",
        f"unix:{tmp_path}/file": "is not a unix socket",
        f"{tmp_path}/file": "no process runs it",
        f"{tmp_path}/left": f"no process holds the unix socket {tmp_path}/left in this network namespace",
        "kworker/0:1": "no process runs it",
    }
    for target, message in messages.items():
        assert message in explain_missing(target, ERROR).message


def test_lacking_rights_are_the_reason_also_for_a_socket(tmp_path: Path) -> None:
    error = NotFoundError("no process of yours holds it", Hint(HintCode.GET_RIGHTS))
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(str(tmp_path / "held"))
        assert explain_missing(str(tmp_path / "held"), error) is error
