"""Tests of sources/linux/programs.py: the whole output is read, and no program can block the reader."""

import errno
import os
import time

import pytest

from logonscope.sources.linux.programs import MAX_OUTPUT_LENGTH, Output, run_program

NOBODY = 65534


def test_both_outputs_and_the_status_are_returned() -> None:
    assert run_program(["/bin/sh", "-c", "echo out; echo err >&2; exit 7"], 10) == Output(7, b"out\n", b"err\n")


def test_much_output_is_read_whole_and_too_much_is_refused() -> None:
    done = run_program(["/bin/sh", "-c", "head -c 3000000 /dev/zero; head -c 300000 /dev/zero >&2"], 20)
    assert (len(done.out), len(done.error)) == (3_000_000, 300_000)
    with pytest.raises(OSError, match="writes too much"):
        run_program(["/usr/bin/head", "-c", str(MAX_OUTPUT_LENGTH + 1), "/dev/zero"], 20)


@pytest.mark.parametrize("script", ["sleep 60", "sleep 60 & kill -STOP $$", "exec >&- 2>&-; sleep 60"])
def test_a_program_that_does_not_end_is_killed(script: str) -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        run_program(["/bin/sh", "-c", script], 0.3)
    assert time.monotonic() - begun < 10


def test_a_program_that_is_missing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["/nowhere/systemctl"], 1)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change to another user")
def test_it_runs_as_the_user_without_groups_environment_or_descriptors() -> None:
    script = "id -u; id -g; id -G; env | cut -d= -f1 | sort; ls /proc/self/fd | wc -l"
    out = run_program(["/bin/sh", "-c", script], 10, NOBODY).out.decode().split()
    assert out[:3] == [str(NOBODY)] * 3
    assert set(out[3:-1]) <= {"LC_ALL", "PATH", "SYSTEMD_PAGER", "SYSTEMD_COLORS", "PWD", "_", "OLDPWD", "SHLVL"}
    assert out[-1] == "4"  # three, and that of the directory


def test_a_uid_that_the_kernel_would_not_change_to_is_refused() -> None:
    with pytest.raises(PermissionError) as refused:
        run_program(["/bin/true"], 1, (1 << 32) - 1)
    assert refused.value.errno == errno.EPERM
