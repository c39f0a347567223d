"""Helpers for tests of reading processes: processes of one login, and files with a callback when they are opened."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.hosts import HostFolder, session_scope

SCOPE = session_scope(1000, "41")
REGULAR = ("sessionid", "loginuid", "cgroup", "stat", "status", "statm", "io", "cmdline", "task/PID/children")


def alice(host: HostFolder, *pids: int) -> None:
    """Start processes of alice's login 41."""
    for pid in pids:
        host.process(pid, "bash", ses=41, loginuid=1000, uid=1000, cgroup=SCOPE, exe="/bin/bash")


@contextmanager
def on_opening(host: HostFolder, path: str, then: Callable[[], None], content: bytes) -> Iterator[None]:
    """Let something happen just when a file is opened, before its content comes."""
    file = host.root / path
    file.unlink()
    os.mkfifo(file)
    kept = os.open(file.parent, os.O_PATH)

    def serve() -> None:
        with open(f"/proc/self/fd/{kept}/{file.name}", "wb", buffering=0) as fifo:
            then()
            fifo.write(content)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield
    thread.join(5)
    os.close(kept)
