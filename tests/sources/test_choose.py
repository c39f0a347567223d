"""Tests of sources/choose.py: which source is chosen, and the error where there is none."""

from pathlib import Path

import pytest

from logonscope.errors import InvalidParameterError, NotSupportedError, RecordingError
from logonscope.sources.choose import choose_source
from tests import example
from tests.hosts import HostFolder


def test_this_machine_is_linuxs_root() -> None:
    assert choose_source().label == "/"


def test_a_file_is_a_recording(tmp_path: Path) -> None:
    path = example.recording(tmp_path)
    assert choose_source(path).label == path


def test_a_folder_with_proc_in_it_is_a_host(host: HostFolder) -> None:
    assert choose_source(str(host.root)).label == str(host.root)


@pytest.mark.parametrize("name", ["missing.lsr", "", "no/such/folder"])
def test_what_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"recording .* does not exist; give a file that host\.record"):
        choose_source(str(tmp_path / name) if name else "")


def test_a_folder_without_proc_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"folder .* has no directory proc"):
        choose_source(str(tmp_path))


@pytest.mark.parametrize("url", ["https://host/", "ssh://alice@host"])
def test_other_machines_cannot_be_asked_yet(url: str) -> None:
    with pytest.raises(NotSupportedError, match="not a recording"):
        choose_source(url)


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    with pytest.raises(RecordingError, match="x: damaged or not a recording"):
        choose_source(str(tmp_path / "x"))
