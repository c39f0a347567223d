"""Tests of faces/cli/record.py: a host is saved completely, for its owner alone, and replaces no file by accident."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conversation import reply
from tests.example import recording


def test_a_recording_is_recorded_again_and_answers_the_same(tmp_path: Path) -> None:
    first, second = recording(tmp_path), str(tmp_path / "again.lsr")
    code, out, err = reply(["record", second, "--host", first])
    assert (code, out) == (0, "")
    assert err == f"{second}: 16 processes; read it with `logonscope --host {second}`\n"
    assert stat.S_IMODE(Path(second).stat().st_mode) == 0o600
    for words in (["tree", "--all"], ["sessions", "-o", "json"], ["ps", "-o", "csv"], ["whose", ":8080"]):
        assert reply([*words, "--host", first]) == reply([*words, "--host", second])


def test_a_file_that_is_there_stays_unless_forced(tmp_path: Path) -> None:
    host, target = recording(tmp_path), tmp_path / "precious"
    target.write_text("precious")
    code, _, err = reply(["record", str(target), "--host", host])
    assert (code, err) == (
        2,
        f"logonscope: cannot write {target}: the file exists; give another name, or --force to replace it\n",
    )
    assert target.read_text() == "precious"
    assert reply(["record", "--force", str(target), "--host", host])[0] == 0
    assert reply(["sessions", "--host", str(target)])[0] == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["precious", "web1.lsr"]


def test_a_missing_folder_is_reported(tmp_path: Path) -> None:
    code, _, err = reply(["record", str(tmp_path / "no" / "file"), "--host", recording(tmp_path)])
    assert code == 2
    assert err.startswith(f"logonscope: cannot write {tmp_path}/no/file: the directory {tmp_path}/no does not exist")


def test_this_machine_goes_through_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "piped.lsr"
    with path.open("wb") as file:
        subprocess.run([sys.executable, "-m", "logonscope", "record", "-"], stdout=file, check=True)
    code, out, _ = reply(["ps", "-o", "jsonl", "--host", str(path)])
    assert code == 0
    assert f'"pid": {os.getpid()}, ' in out  # alone, for a user whose processes belong to no login of theirs


RECORD_UNTIL_A_SIGNAL = """
import os, sys, time
from logonscope import command

def wait_for_signal(_):
    print("ready", flush=True)
    time.sleep(60)

os.fsync = wait_for_signal
sys.exit(command.main())
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_leaves_no_file_behind(number: int, code: int, tmp_path: Path) -> None:
    host, folder = recording(tmp_path), tmp_path / "folder"
    folder.mkdir()
    words = [sys.executable, "-c", RECORD_UNTIL_A_SIGNAL, "--host", host, "record", str(folder / "new.lsr")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert len(list(folder.iterdir())) == 1
        process.send_signal(number)
        assert process.wait(30) == code
    assert not list(folder.iterdir())
