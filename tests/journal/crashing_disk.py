"""A disk that loses power, replayed from the system calls that strace saw of a process that wrote.

What was synchronized is kept. Of each later write, any sectors are kept or none, and in any order; of later changes
of a directory, the first ones: file systems write those in their order. A disk that is not ``honest`` synchronizes
nothing.
"""

import os
import random
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

SECTOR = 512
CALLS = "openat,write,pwrite64,ftruncate,fsync,fdatasync,unlink,rename"
"""All calls by which Python and SQLite change files here; shared memory of the log is lost anyway."""

_CALL = re.compile(rb"^(\w+)\((.*)\) += (-?\d+)(?:<.*)?$")
_WORDS = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_NUMBER = re.compile(rb"^(\d+)<((?:\\x[0-9a-f]{2}|[^>])*)>")


class Call(NamedTuple):
    """A system call that succeeded."""

    name: str
    path: str  # of the file, also where the call names a descriptor
    data: bytes = b""
    offset: int = 0  # of a write; the length of ftruncate
    target: str = ""  # of rename
    flags: str = ""  # of openat


def trace_calls(command: Sequence[str], log: Path, environment: dict[str, str], folder: Path) -> list[Call]:
    """Run a command to its end, and return its calls about files."""
    strace = ["strace", "-xx", "-y", "-s", "1000000", "-o", str(log), "-e", f"trace={CALLS}"]
    subprocess.run([*strace, *command], check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL, timeout=120)
    with log.open("rb") as lines:
        return [call for line in lines if (call := parse_call(line.rstrip(b"\n"))) is not None]


def parse_call(line: bytes) -> Call | None:
    """Parse a line of strace; None: the call failed, or is of no interest."""
    match = _CALL.match(line)
    if match is None or int(match[3]) < 0:
        return None
    name, words = match[1].decode(), match[2]
    texts = [_decode(text) for text in _WORDS.findall(words)]
    if name in {"openat", "unlink", "rename"}:
        return Call(name, os.fsdecode(texts[0]), target=os.fsdecode(texts[-1]), flags=words.decode())
    descriptor = _NUMBER.match(words)
    if descriptor is None:
        return None
    path = os.fsdecode(_decode(descriptor[2]))
    if name == "write":
        return Call(name, path if descriptor[1] != b"1" else "", texts[0], -1)
    if name == "pwrite64":
        return Call(name, path, texts[0], int(words.rpartition(b", ")[2]))
    return Call(name, path, offset=int(words.rpartition(b", ")[2]) if name == "ftruncate" else 0)


def _decode(text: bytes) -> bytes:
    return bytes.fromhex(text.decode().replace("\\x", "")) if text.startswith(b"\\x") else text


class _File:
    """What a file holds for certain, and what was changed since."""

    def __init__(self) -> None:
        self.kept = bytearray()
        self.length = 0  # as the process sees it
        self.later: list[Call] = []

    def change(self, call: Call) -> None:
        call = call._replace(offset=self.length) if call.offset < 0 else call
        self.length = call.offset if call.name == "ftruncate" else max(self.length, call.offset + len(call.data))
        self.later.append(call)

    def synchronize(self) -> None:
        for call in self.later:
            _apply(self.kept, call)
        self.later.clear()

    def after_crash(self, chance: random.Random, share: float) -> bytes:
        content = bytearray(self.kept)
        for call in self.later:
            if call.name == "ftruncate":
                if chance.random() < share:
                    _apply(content, call)
                continue
            is_torn, is_kept = chance.random() < 0.3, chance.random() < share
            for first in range(0, len(call.data), SECTOR):
                # a torn write: each of its sectors has a fate of its own
                if chance.random() < share if is_torn else is_kept:
                    part = call.data[first : first + SECTOR]
                    _apply(content, call._replace(data=part, offset=call.offset + first))
        return bytes(content)


def _apply(content: bytearray, call: Call) -> None:
    if call.name == "ftruncate":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
        return
    content.extend(bytes(max(0, call.offset - len(content))))
    content[call.offset : call.offset + len(call.data)] = call.data


class CrashingDisk:
    """The files of one folder."""

    def __init__(self, folder: Path, *, honest: bool = True) -> None:
        self._folder, self._honest = str(folder), honest
        self._names: dict[str, _File] = {}  # as the process sees them
        self._kept_names: dict[str, _File] = {}
        self._later: list[dict[str, _File]] = []  # all names, after each change of them since
        self.acknowledged = 0
        """The last number that the process has printed."""

    def play(self, call: Call) -> None:
        """Do what a call did."""
        if not call.path:
            self.acknowledged = int(call.data)
        elif call.name in {"fsync", "fdatasync"}:
            if self._honest:
                self._synchronize(call.path)
        elif os.path.dirname(call.path) == self._folder:
            self._play_on(os.path.basename(call.path), call)

    def _synchronize(self, path: str) -> None:
        if path == self._folder:
            self._kept_names = dict(self._names)
            self._later.clear()
        elif (file := self._names.get(os.path.basename(path))) is not None:
            file.synchronize()

    def _play_on(self, name: str, call: Call) -> None:
        names = self._names
        if call.name == "openat":
            if name not in names and "O_CREAT" in call.flags:
                names[name] = _File()
                self._later.append(dict(names))
            elif "O_TRUNC" in call.flags and name in names:
                names[name].change(Call("ftruncate", call.path))
        elif call.name == "unlink":
            names.pop(name, None)
            self._later.append(dict(names))
        elif call.name == "rename":
            names[os.path.basename(call.target)] = names.pop(name)
            self._later.append(dict(names))
        elif name in names:
            names[name].change(call)

    def crash(self, chance: random.Random, target: Path) -> None:
        """Write the files as they are after the power was lost now."""
        target.mkdir(mode=0o700)
        share = chance.choice((0.0, 0.2, 0.5, 0.9, 1.0))
        names = chance.choice([self._kept_names, *self._later])
        for name, file in names.items():
            # the index of the log is memory that processes share: none of it is written for the next boot
            if not name.endswith("-shm"):
                (target / name).write_bytes(file.after_crash(chance, share))
                (target / name).chmod(0o600)


def crashes(
    calls: Sequence[Call], folder: Path, moments: Sequence[int], *, honest: bool = True
) -> Iterator[CrashingDisk]:
    """Yield the disk at moments: before the call of each number."""
    disk, at = CrashingDisk(folder, honest=honest), 0
    for moment in sorted(moments):
        for call in calls[at:moment]:
            disk.play(call)
        at = moment
        yield disk
