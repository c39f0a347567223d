"""What was acknowledged survives the loss of power: the writes of a real process, and any part of those not synced."""

import random
import shutil
from pathlib import Path

import pytest

from tests.journal.crashing_disk import Call, parse_call
from tests.journal.power_loss import lose_power, record
from tests.lab.fixtures import skip_or_fail

TIMES = 10
"""As many as a test may take; ``make history-kills`` does 300."""


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Call]]:
    """Record a process that writes a journal."""
    if shutil.which("strace") is None:
        skip_or_fail("strace is not installed")
    folder = tmp_path_factory.mktemp("recorded")
    return folder / "history", record(folder / "history", folder / "trace", 25)


def test_what_was_acknowledged_survives(calls: tuple[Path, list[Call]], tmp_path: Path) -> None:
    folder, recorded = calls
    kept = lose_power(recorded, folder, random.Random(1), TIMES, tmp_path / "after")  # noqa: S311 -- a test
    assert len({acknowledged for acknowledged, _ in kept}) > TIMES // 2


def test_a_disk_that_confirms_what_it_did_not_write_is_noticed(calls: tuple[Path, list[Call]], tmp_path: Path) -> None:
    folder, recorded = calls
    # so this way to lose power can find a loss
    with pytest.raises(AssertionError):
        lose_power(recorded, folder, random.Random(1), TIMES, tmp_path / "after", honest=False)  # noqa: S311 -- a test


def test_a_line_of_strace_is_a_call() -> None:
    line = rb'pwrite64(4<\x2f\x61>, "\x01\x02"..., 2, 4096) = 2'
    assert parse_call(line.replace(b'"...', b'"')) == Call("pwrite64", "/a", b"\x01\x02", 4096)
    assert parse_call(rb"fdatasync(4<\x2f\x61>) = 0") == Call("fdatasync", "/a")
    assert parse_call(rb'openat(AT_FDCWD, "\x2f\x61", O_RDWR|O_CREAT, 0600) = -1 EEXIST (File exists)') is None
