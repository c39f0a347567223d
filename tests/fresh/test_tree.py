"""Tests of tests/fresh/tree.py: where trees are kept, and the message if a tree cannot be created."""

from pathlib import Path

import pytest

from tests.fresh.tree import DEBIAN, UBUNTU, UnavailableError, cache, tree


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_tree_is_made_once(folder: Path) -> None:
    assert cache() == folder / "logonscope/fresh"
    (cache() / "trixie").mkdir(parents=True)
    assert tree("trixie", DEBIAN) == cache() / "trixie"


def test_without_debootstrap_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnavailableError, match="apt install debootstrap"):
        tree("trixie", DEBIAN)


def test_a_tree_that_could_not_be_finished_is_not_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = folder / "bin"
    programs.mkdir()
    (programs / "debootstrap").write_text("#!/bin/sh\n")
    (programs / "unshare").write_text("#!/bin/sh\necho one; echo E: no such suite >&2; exit 1\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    keyring = folder / "logonscope/fresh/trixie/usr/share/keyrings"
    keyring.mkdir(parents=True)
    (keyring / UBUNTU.keyring).touch()
    for _ in range(2):
        with pytest.raises(UnavailableError, match="debootstrap failed: E: no such suite"):
            tree("noble", UBUNTU)
    assert not (cache() / "noble").exists()
