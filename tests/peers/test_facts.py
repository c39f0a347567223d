"""Tests of tests/peers/facts.py: the files of a process are read as proc(5) documents them."""

from pathlib import Path

from tests.peers.facts import Process, all_processes, arguments, read_process

STAT = "4312 (a b ) ( c d)) S 41 4312 4300 34817 4312 4194560 100 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n"


def folder(proc: Path, pid: int) -> Path:
    place = proc / str(pid)
    place.mkdir()
    (place / "stat").write_text(STAT)
    (place / "status").write_text("Name:\ta b ) ( c d)\nUid:\t1000\t0\t0\t0\n")
    (place / "sessionid").write_text("41")
    (place / "cmdline").write_text("sleep\x007\x00")
    (place / "exe").symlink_to("/usr/bin/sleep")
    return place


def test_a_name_may_hold_parentheses(tmp_path: Path) -> None:
    folder(tmp_path, 4312)
    expected = Process(4312, 41, 4300, 34817, "a b ) ( c d)", "/usr/bin/sleep", 1000, 41)
    assert read_process(4312, tmp_path) == expected
    assert all_processes(tmp_path) == {4312: expected}
    assert arguments(4312, tmp_path) == ["sleep", "7"]


def test_a_kernel_thread_has_no_executable(tmp_path: Path) -> None:
    (folder(tmp_path, 4312) / "exe").unlink()
    process = read_process(4312, tmp_path)
    assert process is not None
    assert process.executable == ""


def test_an_ended_process_is_nothing(tmp_path: Path) -> None:
    assert read_process(4312, tmp_path) is None
    assert arguments(4312, tmp_path) == []
