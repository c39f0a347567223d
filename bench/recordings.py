"""Which recorded hosts are measured? Two logins, of alice and bob, who own every other process each."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

from logonscope.facts import Account, Login, Machine, Process
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording

LOGINS = {41: 1000, 37: 1001}
"""Kernel ids, and who logged in."""


def recording(folder: str, size: int) -> str:
    """Record a host of so many processes, and return the file's name."""
    path = str(Path(folder, f"{size}.lsr"))
    save_recording(snapshot(size), path, replace=True)
    return path


def snapshot(size: int) -> Snapshot:
    """Return a host with two logins of many processes."""
    machine = Machine("bench", "boot", 1_700_000_000, 100, 4096, "6.1", "Debian", audit=True, uid_min=1000)
    logins = tuple(
        Login(str(ses), uid, audit=ses, since=1_700_000_100_000_000, cls="user", type="tty", service="sshd",
              scope=f"session-{ses}.scope", state="active", gone=False)
        for ses, uid in LOGINS.items()
    )  # fmt: skip
    processes = [
        Process(
            10 + at, ses=ses, loginuid=uid, cgroup="/", comm="bash" if at % 3 else "ssh", state="S", ppid=1, tty_nr=0,
            priority=20, nice=0, threads=1, start=1000 + at, tgid=10 + at, uids=(uid,) * 4, gids=(uid,) * 4,
            cmdline=b"-bash\0", name="bash" if at % 3 else "ssh",
        )
        for at, (ses, uid) in zip(range(size), cycle(LOGINS.items()), strict=False)
    ]  # fmt: skip
    accounts = tuple(Account(f"u{uid}", uid, uid, "", "/", "/bin/sh") for uid in (0, 1000, 1001))
    return Snapshot(machine, processes, logins, (), accounts, (), ())


def pairs(host: Snapshot) -> Iterator[tuple[Any, ...]]:
    """Make the tuples of Win32_SessionProcess in a plain loop: no filter, no deadline."""
    owner = LINUX.index(host.logins, host.machine).owner
    return (
        (("Win32_LogonSession", owner(process).logon_id), ("Win32_Process", str(process.pid)))
        for process in host.processes
    )
