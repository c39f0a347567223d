"""Processes whose arguments cannot be read, because of a FUSE file system that answers no write.

Each changes a page of a mapped file and maps other memory over it. The kernel writes the page back meanwhile, holding
the lock of the process's memory, and whoever reads its arguments waits for that lock until the mount ends.
"""

import ctypes
import mmap
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.lab.fixtures import skip_or_fail

DEVICE = "/dev/fuse"
SOURCE = str(Path(__file__).with_name("executing_process.c"))
PAGE, MAP_FIXED = mmap.PAGESIZE, 0x10
LOOKUP, FORGET, GETATTR, OPEN, READ, WRITE, INIT, INTERRUPT, BATCH_FORGET = 1, 2, 3, 14, 15, 16, 26, 36, 42
"""linux/fuse.h."""

UNANSWERED = {WRITE, FORGET, INTERRUPT, BATCH_FORGET}
NOT_IMPLEMENTED = -38
DIRECTORY_MODE, FILE_MODE = 0o040755, 0o100666
_IN, _OUT = struct.Struct("<IIQQIIII"), struct.Struct("<IiQ")


@contextmanager
def hung_processes(uid: int, count: int) -> Iterator[list[int]]:
    """Run processes of a user whose arguments cannot be read."""
    # outside of the mount: the processes end only with it
    with ExitStack() as ended, _mounted() as folder:
        words = [sys.executable, "-m", "tests.lab.hung_process", str(uid)]
        made = [
            subprocess.Popen([*words, f"{folder}/{number}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for number in range(count)
        ]
        for process in made:
            ended.callback(process.communicate)
        try:
            for process in made:
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
            time.sleep(0.2)
            yield [process.pid for process in made]
        finally:
            for process in made:
                process.kill()


class Execution(NamedTuple):
    """A process that executes a program for ever, and its parent, whose memory hangs."""

    parent: int
    child: int
    folder: str

    def go_on(self) -> None:
        """End the mount: the child goes on with its program."""
        subprocess.run(["umount", "-f", "-l", self.folder], check=True)


@contextmanager
def executing_process() -> Iterator[tuple[int, int]]:
    """Run a process that executes a program for ever; return the pid of its parent, whose memory hangs, and its own."""
    with hung_execution() as execution:
        yield execution.parent, execution.child


@contextmanager
def hung_execution(*, writes_memory: bool = False) -> Iterator[Execution]:
    """Run a process that executes a program for ever; before, its memory may be written through its file in /proc."""
    compiler = shutil.which("cc")
    if compiler is None:
        skip_or_fail("no C compiler")
    with ExitStack() as ended, _mounted() as folder, tempfile.TemporaryDirectory() as built:
        program = f"{built}/executing_process"
        subprocess.run([compiler, "-o", program, SOURCE, "-lpthread"], check=True)
        pids: list[int] = []
        words = [program, *(["write"] if writes_memory else []), f"{folder}/0"]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        ended.callback(process.communicate)
        try:
            assert process.stdout is not None
            assert process.stdin is not None
            pids += map(int, process.stdout.readline().split())
            time.sleep(0.2)
            process.stdin.write(b"x")
            process.stdin.flush()
            time.sleep(0.2)
            parent, child = pids
            yield Execution(parent, child, folder)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)


@contextmanager
def _mounted() -> Iterator[str]:
    """Mount the file system, and return where; each number is a file in it."""
    if os.geteuid() != 0 or not os.path.exists(DEVICE):
        skip_or_fail(f"a FUSE mount needs root and {DEVICE}")
    device = os.open(DEVICE, os.O_RDWR)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103 -- another user opens the files
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
        words = ["mount", "-i", "-t", "fuse", "-o", options, "hung", folder]
        done = subprocess.run(words, pass_fds=[device], capture_output=True, text=True, check=False)
        if done.returncode:
            os.close(device)
            skip_or_fail(f"FUSE cannot be mounted: {done.stderr.strip()}")
        threading.Thread(target=_serve, args=(device,), daemon=True).start()
        try:
            yield folder
        finally:  # -f ends the connection: whoever waits for an answer gets an error
            subprocess.run(["umount", "-f", "-l", folder], check=False)
            os.close(device)


def _serve(device: int) -> None:
    """Answer everything but writes."""
    with suppress(OSError):
        while True:
            request = os.read(device, 1 << 18)
            _, code, unique, node, *_ = _IN.unpack_from(request)
            if code not in UNANSWERED:
                content = _answers(code, node, request[_IN.size :])
                error = NOT_IMPLEMENTED if content is None else 0
                os.write(device, _OUT.pack(_OUT.size + len(content or b""), error, unique) + (content or b""))


def _answers(code: int, node: int, content: bytes) -> bytes | None:
    if code == INIT:
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 0, 0, PAGE, 1, 0, 0, 0)
    if code == LOOKUP:
        name = content.rstrip(b"\0")
        if not name.isdigit():
            return None
        found = 2 + int(name)
        return struct.pack("<QQQQII", found, 0, 3600, 3600, 0, 0) + _attributes(found)
    if code == GETATTR:
        return struct.pack("<QII", 3600, 0, 0) + _attributes(node)
    if code == OPEN:
        return struct.pack("<QII", 0, 0, 0)
    return bytes(PAGE) if code == READ else None


def _attributes(node: int) -> bytes:
    mode = DIRECTORY_MODE if node == 1 else FILE_MODE
    return struct.pack("<QQQQQQIIIIIIIIII", node, PAGE, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, PAGE, 0)


def _hang(uid: int, path: str) -> None:
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    file = os.open(path, os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    both, length, start = mmap.PROT_READ | mmap.PROT_WRITE, ctypes.c_size_t(PAGE), ctypes.c_long(0)
    at = libc.mmap(None, length, both, mmap.MAP_SHARED, file, start)
    ctypes.memset(at, 1, 8)
    print("ready", flush=True)
    libc.mmap(ctypes.c_void_p(at), length, both, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED, -1, start)
    sys.stdin.read()


if __name__ == "__main__":
    _hang(int(sys.argv[1]), sys.argv[2])
