"""Tests of sources/linux/unix_sockets.py: unix sockets by path and abstract name, on this kernel and in a folder."""

import os
import shutil
import socket
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Socket
from logonscope.machine import Look, SocketQuery, Source
from logonscope.sources.linux import LinuxSource
from logonscope.sources.linux.unix_sockets import parse_diag_message, parse_unix_socket
from tests.hosts import HostFolder
from tests.lab.fixtures import skip_or_fail

HEAD = b"Num       RefCount Protocol Flags    Type St Inode Path\n"


def line(inode: int, path: bytes, *, flags: int = 0x10000, state: int = 1) -> bytes:
    """Return a line of /proc/net/unix."""
    return b"0000000000000000: 00000002 00000000 %08X 0001 %02X %5d %s\n" % (flags, state, inode, path)


def found(source: Source, *paths: str) -> list[Socket]:
    """Return the sockets of these paths."""
    return list(source.sockets(Look(), SocketQuery(family="unix", paths=frozenset(paths))))


def listen(path: str | bytes) -> socket.socket:
    """Listen on a path or an abstract name."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    return listener


def inode_of(held: socket.socket) -> int:
    """Return the inode of a socket."""
    return os.fstat(held.fileno()).st_ino


# On this kernel


def test_a_socket_is_found_by_its_path_however_it_was_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {"a.sock": str(tmp_path / "a.sock"), "b.sock": "b.sock", "c.sock": str(tmp_path / "link/c.sock")}
    for file, bound in names.items():
        with listen(bound) as listener:
            (entry,) = found(LinuxSource(), str(tmp_path / file))
            assert (entry.inode, entry.path, entry.state) == (inode_of(listener), bound, "LISTEN")
            assert found(LinuxSource(), str(tmp_path / "link" / file)) == [entry]


def test_an_abstract_name_is_written_after_an_at_sign() -> None:
    with listen(b"\0logonscope\0test") as listener:
        (entry,) = found(LinuxSource(), "@logonscope@test")
        assert entry.inode == inode_of(listener)


def test_connections_that_were_accepted_have_the_path_too(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    with listen(path) as listener, socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        with listener.accept()[0] as accepted:
            states = {entry.inode: entry.state for entry in found(LinuxSource(), path)}
            assert states == {inode_of(listener): "LISTEN", inode_of(accepted): "ESTABLISHED"}


def test_a_path_that_another_socket_has_now_is_not_that_of_the_older_one(tmp_path: Path) -> None:
    path = str(tmp_path / "x")
    with listen(path) as older:
        os.unlink(path)
        assert [entry.inode for entry in found(LinuxSource(), path)] == [inode_of(older)]
        with listen(path) as newer:
            assert [entry.inode for entry in found(LinuxSource(), path)] == [inode_of(newer)]


def test_lines_that_a_path_forges_are_no_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # without a folder in the name, as no folder of this name exists
    forged = b"x\n0: 2 0 00010000 0001 01 99 @logonscope-forged"
    with listen(forged):
        assert any(
            entry.endswith(b" 99 @logonscope-forged") for entry in Path("/proc/net/unix").read_bytes().splitlines()
        )
        assert found(LinuxSource(), "@logonscope-forged") == []


def test_the_names_are_those_that_ss_lists() -> None:
    if not shutil.which("ss"):
        skip_or_fail("ss is not installed")
    command = ["ss", "--unix", "--all", "--no-header"]
    with listen(b"\0logonscope-ss"):
        output = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        sockets = LinuxSource().sockets(Look(), SocketQuery(family="unix"))
        ours = {(entry.path, entry.inode) for entry in sockets}
    theirs = {(words[4], int(words[5])) for words in map(str.split, output.splitlines()) if words[4] != "*"}
    # others open and close sockets meanwhile
    assert "@logonscope-ss" in {path for path, _ in ours}
    assert len(ours & theirs) > 0.9 * len(ours)


# In a folder


def test_a_folder_is_read_by_name(host: HostFolder) -> None:
    host.write(
        "proc/net/unix", HEAD + line(7, b"/run/a b") + line(8, b"@x") + line(123456, b"/run/c", state=3, flags=0)
    )
    assert [entry.inode for entry in found(host.source, "/run/a b", "@x")] == [7, 8]
    (entry,) = found(host.source, "/run/c")
    assert (entry.inode, entry.state, entry.protocol) == (123456, "ESTABLISHED", "unix")
    assert list(host.source.sockets(Look(), SocketQuery())) == []


@given(st.binary(max_size=120))
def test_any_line_is_a_socket_or_none(data: bytes) -> None:
    parse_unix_socket(data)


@given(st.binary(min_size=16, max_size=120))
def test_any_message_of_the_kernel_is_read_or_is_truncated(data: bytes) -> None:
    with suppress(struct.error):
        parse_diag_message(data)
