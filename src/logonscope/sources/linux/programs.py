"""Programs of the system that are run for facts and actions: bounded in time and in the size of their output."""

import errno
import os
import selectors
import subprocess
import time
from typing import NamedTuple

MAX_OUTPUT_LENGTH = 16 << 20
"""Maximum bytes of standard output, and of standard error. systemctl writes 1 KiB for each service."""

ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}

_CHUNK = 1 << 16
_NO_UID = (1 << 32) - 1
"""The value for which setreuid(2) changes nothing."""


class Output(NamedTuple):
    """What a program returned: its exit status, and its outputs."""

    status: int
    out: bytes
    error: bytes


def run_program(command: list[str], seconds: float, uid: int | None = None) -> Output:
    """Run a program to its end, without input; kill it if it takes longer than ``seconds``.

    Args:
        command: the path of the program, and its arguments.
        seconds: how long it may take.
        uid: the user to run the program as; None: the user of this process. As another user, the program has the group
            id of the same number, and no supplementary groups.

    Raises:
        TimeoutError: the program did not end in time.
        PermissionError: this process cannot change to the user, or ``uid`` cannot be that of a user.
        OSError: the program cannot be started, or its output is too long.
    """
    if uid is not None and not 0 <= uid < _NO_UID:
        raise PermissionError(errno.EPERM, f"there is no uid {uid}")
    as_user = {} if uid is None or uid == os.geteuid() else {"user": uid, "group": uid, "extra_groups": []}
    process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603 -- mypy cannot match the mapping; a fixed program
        command, cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **as_user,
    )  # fmt: skip
    # leaving the block waits for the program, but not long: it has ended or was killed
    with process:
        try:
            out, error = _read_outputs(process, time.monotonic() + seconds)
            return Output(process.wait(), out, error)
        except BaseException:
            process.kill()
            raise


def _read_outputs(process: "subprocess.Popen[bytes]", deadline: float) -> tuple[bytes, bytes]:
    """Read both outputs until they are closed and the program has ended; raise TimeoutError at the deadline."""
    outputs: dict[int, list[bytes]] = {}
    with selectors.DefaultSelector() as selector:
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                outputs[pipe.fileno()] = []
                selector.register(pipe.fileno(), selectors.EVENT_READ)
        pidfd = os.pidfd_open(process.pid)
        try:
            # the program can close its outputs and go on, or be stopped: its end has the same deadline
            selector.register(pidfd, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise TimeoutError(f"{process.args!s:.60} did not end in time")
                for key, _ in ready:
                    data = os.read(key.fd, _CHUNK) if key.fd in outputs else b""
                    # the end of an output, or of the program itself
                    if not data:
                        selector.unregister(key.fd)
                        continue
                    outputs[key.fd].append(data)
                    if sum(map(len, outputs[key.fd])) > MAX_OUTPUT_LENGTH:
                        raise OSError(errno.EFBIG, "it writes too much")
        finally:
            os.close(pidfd)
    out, error = (b"".join(parts) for parts in outputs.values())
    return out, error
