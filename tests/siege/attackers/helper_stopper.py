"""An attacker that stops every child of the server that its user may signal: the helpers that act as that user.

helper_stopper UID PID. Its first process stays root, and notes what each stopped helper has open; prints that as JSON.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TypedDict

from tests.siege.attackers.identity import become

SETTLING = 0.5
"""Seconds in which a signal reaches a process."""


class StoppedHelper(TypedDict):
    """A helper that was stopped, and what its descriptors are."""

    pid: int
    descriptors: list[str]


def stop_children(server: int, report: int) -> None:
    """Stop children of the server for ever; write the number of each that took the signal."""
    stopped: set[int] = set()
    while True:
        for thread in os.listdir(f"/proc/{server}/task"):
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{server}/task/{thread}/children").read_text(encoding="ascii")
                for child in {*map(int, children.split())} - stopped:
                    with contextlib.suppress(PermissionError, ProcessLookupError):
                        os.kill(child, signal.SIGSTOP)
                        stopped.add(child)
                        os.write(report, f"{child}\n".encode())


def stopped_helper(pid: int) -> StoppedHelper | None:
    """Return what a stopped process has open; None: it has ended instead."""
    end = time.monotonic() + SETTLING
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            if state == "T":
                links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
                return StoppedHelper(pid=pid, descriptors=links)
    return None


def main() -> None:
    """Stop helpers until standard input ends."""
    uid, server = map(int, sys.argv[1:])
    reading, report = os.pipe()
    child = os.fork()
    if child == 0:
        become(uid)
        stop_children(server, report)
    print("ready", flush=True)
    helpers: dict[int, StoppedHelper] = {}
    ended: set[int] = set()
    while sys.stdin not in select.select([reading, sys.stdin], [], [])[0]:
        for pid in map(int, os.read(reading, 1 << 16).decode().split()):
            if pid not in helpers and pid not in ended:
                helper = stopped_helper(pid)
                if helper is None:
                    ended.add(pid)
                else:
                    helpers[pid] = helper
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(json.dumps([*helpers.values()]), flush=True)


if __name__ == "__main__":
    main()
