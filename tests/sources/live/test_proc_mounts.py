"""The search for mounts of proc(5) in other mount namespaces: each is found once, and what hangs is left out."""

import subprocess
import threading
import time
from pathlib import Path

from logonscope.sources.live.proc_mounts import SECONDS, ProcMounts
from tests.kernel import require_logins
from tests.lab.hung_process import hung_execution


def paths_of(mounts: ProcMounts) -> list[str]:
    paths: list[str] = []
    mounts.call_with_each(paths.append)
    return paths


def test_the_proc_of_a_container_is_found_beside_an_execution_that_hangs(tmp_path: Path) -> None:
    require_logins()
    mounts = ProcMounts("/proc")
    script = f"mount -t proc proc {tmp_path} && echo ready && read x"
    with hung_execution() as execution:
        shell = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"ready\n"
        began, threads = time.monotonic(), threading.active_count()
        for _ in range(3):
            paths = paths_of(mounts)
            assert f"/proc/{shell.pid}/root{tmp_path}" in paths
            assert not any(path.startswith(f"/proc/{execution.child}/") for path in paths)
        assert time.monotonic() - began < 40 * SECONDS
        # the reading that hangs keeps one thread, not one for each search
        assert threading.active_count() <= threads + 2
        shell.communicate(b"\n")


def test_a_mount_that_cannot_be_watched_does_not_hide_later_ones(tmp_path: Path) -> None:
    require_logins()
    first, second, called = tmp_path / "1", tmp_path / "2", list[str]()
    first.mkdir()
    second.mkdir()
    script = f"mount -t proc proc {first} && mount -t proc proc {second} && echo ready && read x"
    shell = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert shell.stdout is not None
    assert shell.stdout.readline() == b"ready\n"

    def fail_with_first(path: str) -> None:
        called.append(path)
        if path.endswith(str(first)):
            raise OSError(f"{path} cannot be watched")

    ProcMounts("/proc").call_with_each(fail_with_first)
    shell.communicate(b"\n")
    assert {f"/proc/{shell.pid}/root{first}", f"/proc/{shell.pid}/root{second}"} <= set(called)


def test_a_mount_that_hangs_is_left_out_until_it_answers(tmp_path: Path) -> None:
    require_logins()
    mounts, answers, calls = ProcMounts("/proc"), threading.Event(), list[str]()
    script = f"mount -t proc proc {tmp_path} && echo ready && read x"
    shell = subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert shell.stdout is not None
    assert shell.stdout.readline() == b"ready\n"

    def hang(path: str) -> None:
        if path == f"/proc/{shell.pid}/root{tmp_path}":
            calls.append(path)
            answers.wait()

    for _ in range(3):
        mounts.call_with_each(hang)
    assert len(calls) == 1
    answers.set()
    deadline = time.monotonic() + 20
    while len(calls) == 1:
        assert time.monotonic() < deadline
        mounts.call_with_each(hang)
    shell.communicate(b"\n")
