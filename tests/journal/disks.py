"""File systems of a size of their own, in memory."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system of a size, such as "10m"."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def disk_with_errors(folder: Path) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Mount an ext4 that becomes read-only at its first error; yield it, and what makes that error."""
    image, disk = folder / "image", folder / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    commands = (
        ["mkfs.ext4", "-q", str(image)],
        ["mount", "-o", "loop,errors=remount-ro", str(image), str(disk)],
    )
    if os.geteuid() != 0 or any(
        shutil.which(command[0]) is None or subprocess.run(command, check=False, capture_output=True).returncode
        for command in commands
    ):
        pytest.skip("no disk can be made here")
    (device,) = [
        line.split()[0].removeprefix("/dev/")
        for line in Path("/proc/self/mounts").read_text().splitlines()
        if line.split()[1] == str(disk)
    ]

    def fail() -> None:
        Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("a test")

    try:
        yield disk, fail
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def remount(folder: Path, options: str) -> None:
    """Change the options of a file system: "ro", "rw", "size=40m"."""
    subprocess.run(["mount", "-o", f"remount,{options}", folder], check=True)


def fill(folder: Path) -> Path:
    """Write a file until the file system is full; return the file."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096):
            while True:
                try:
                    file.write(bytes(size))
                except OSError:
                    break
    return filler
