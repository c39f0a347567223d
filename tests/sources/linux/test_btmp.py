"""Tests of sources/linux/btmp.py: records as lastb(1) shows them, a file that grows and is rotated, and any bytes."""

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.sources.linux.btmp import MAX_BYTES, RECORD, BtmpReader, can_read_btmp, parse_btmp
from tests.lab.fixtures import skip_or_fail

SSHD = RECORD.pack(
    6, 4242, b"ssh:notty", b"", b"mallory", b"192.0.2.9", 0, 1_795_804_777, 5, bytes([192, 0, 2, 9]) + bytes(12)
)
LOGIN = RECORD.pack(6, 77, b"tty1", b"", b"bob", b"", 0, 1_795_804_778, 0, bytes(16))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a root directory with an empty file."""
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/btmp").write_bytes(b"")
    return tmp_path


def test_records_are_those_that_lastb_shows(root: Path) -> None:
    if shutil.which("lastb") is None:
        skip_or_fail("there is no lastb")
    (root / "var/log/btmp").write_bytes(SSHD + LOGIN)
    shown = subprocess.run(
        ["lastb", "-i", "-w", "-f", str(root / "var/log/btmp")], capture_output=True, text=True, check=True
    ).stdout
    first, second = parse_btmp(SSHD + LOGIN)
    assert [line.split()[:2] for line in shown.splitlines()[:2]] == [["bob", "tty1"], ["mallory", "ssh:notty"]]
    assert (second.attempt.user, second.attempt.tty, second.attempt.service) == ("bob", "tty1", "login")
    assert (first.attempt.user, first.attempt.address, first.attempt.pid) == ("mallory", "192.0.2.9", 4242)
    assert (first.attempt.service, first.attempt.source, first.seconds) == ("sshd", "btmp", 1_795_804_777.000005)


def test_a_reader_returns_what_is_added_and_survives_rotation(root: Path) -> None:
    file = root / "var/log/btmp"
    assert can_read_btmp(str(root))
    file.write_bytes(LOGIN)
    reader = BtmpReader(str(root))
    assert reader.read() == []
    with file.open("ab") as stream:
        stream.write(SSHD[:100])
        stream.flush()
        assert reader.read() == []
        stream.write(SSHD[100:])
    assert [record.attempt.user for record in reader.read()] == ["mallory"]
    os.rename(file, root / "var/log/btmp.1")
    assert reader.read() == []
    file.write_bytes(LOGIN)
    assert [record.attempt.user for record in reader.read()] == ["bob"]


def test_a_record_that_is_half_written_at_the_start_is_read_whole(root: Path) -> None:
    file = root / "var/log/btmp"
    file.write_bytes(LOGIN + SSHD[:100])
    reader = BtmpReader(str(root))
    file.write_bytes(LOGIN + SSHD + LOGIN)
    assert [record.attempt.user for record in reader.read()] == ["mallory", "bob"]


def test_a_half_written_record_does_not_shift_those_before_it(root: Path) -> None:
    reader = BtmpReader(str(root))
    (root / "var/log/btmp").write_bytes(SSHD * (MAX_BYTES // RECORD.size + 5) + SSHD[:100])
    assert len(reader.read()) == MAX_BYTES // RECORD.size


@given(st.binary(max_size=2 * RECORD.size + 5))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    for record in parse_btmp(data):
        assert record.attempt.user is None or record.attempt.user.isprintable()


def test_the_size_of_a_record_is_that_of_utmp() -> None:
    assert RECORD.size == 384 == struct.calcsize("hi32s4s32s256shhiii4i20s")
