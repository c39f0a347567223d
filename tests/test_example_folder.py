"""Tests of tests/example_folder.py: the example host is the same as a folder and as a recording."""

from pathlib import Path

from logonscope import connect
from tests.example import recording
from tests.example_folder import example_folder


def test_the_folder_answers_as_the_recording_does(tmp_path: Path) -> None:
    hosts = [connect(example_folder(tmp_path / "web1"), visibility="kernel"), connect(recording(tmp_path))]
    folder, recorded = (
        (sorted(host.session_processes()), sorted(host.sessions(), key=lambda session: session.logon_id))
        for host in hosts
    )
    assert folder == recorded
