"""Actions on processes, with the rights of the calling user.

If the caller is neither an administrator nor the user of this server, a helper program (action_helper.py) changes to
the caller's uid and performs the action. So the kernel decides whether the action is allowed, by the user that the
process has at that moment and not by facts that were read earlier. The caller can signal and stop the helper. For that
reason the helper is a program of its own without any data of the server, and it is killed after a timeout.
"""

import errno
import os
import select
import subprocess
import sys

from logonscope.machine.action import Action
from logonscope.sources.linux import action_helper

TIMEOUT = 3.0
"""Seconds that the helper may take; usually it takes 20 to 50 ms."""


def act(proc: str, action: Action) -> None:
    """Perform an action on a process.

    Raises:
        ProcessLookupError: the process has ended.
        PermissionError: the user may not perform the action; errno EPERM, or EACCES where a privilege is missing.
        TimeoutError: the helper was stopped, or did not end in time for another reason.
        OSError: the action failed for another reason.
    """
    if action.uid is None or action.uid == os.geteuid():
        action_helper.do_action(proc, action.pid, action.start, action.nice)
    else:
        _act_as(proc, action, action.uid)


def _act_as(proc: str, action: Action, uid: int) -> None:
    """Perform an action in a helper that changes to this uid for good; raise the error that it reports."""
    # a process that is not root would keep its capabilities when it changes to another user (capabilities(7))
    if os.geteuid() != 0:
        raise PermissionError(errno.EPERM, f"only root can act as uid {uid}")
    nice = action_helper.KILL if action.nice is None else str(action.nice)
    command = [
        sys.executable,
        "-I",
        "-S",
        action_helper.__file__,
        proc,
        str(action.pid),
        str(action.start),
        nice,
        str(uid),
    ]
    helper = subprocess.Popen(  # noqa: S603 -- a file of this package, and numbers
        command, cwd="/", env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    status = _wait(helper)
    if status is None:
        _log_warning(f"killed the helper that acts as uid {uid}: it did not end within {TIMEOUT:g} s")
        raise TimeoutError(errno.ETIMEDOUT, "the helper was stopped or hung")
    if status == 0:
        return
    if status < action_helper.ERRNO_BASE or status == action_helper.FAILED:  # a signal, or an exit status of Python
        _log_warning(f"the helper that acts as uid {uid} ended with status {status}")
        raise OSError(errno.EIO, "the helper failed")
    number = status - action_helper.ERRNO_BASE
    raise OSError(number, os.strerror(number))


def _wait(helper: "subprocess.Popen[bytes]") -> int | None:
    """Wait for the helper; return its exit status, or None if it did not end in time and was killed."""
    # Popen.wait(timeout) polls with growing pauses; a pidfd is ready at the moment when the helper ends
    pidfd = os.pidfd_open(helper.pid)
    try:
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        if poller.poll(TIMEOUT * 1000):
            return helper.wait()
    finally:
        os.close(pidfd)
    helper.kill()
    helper.wait()
    return None


def _log_warning(text: str) -> None:
    import logging  # noqa: PLC0415 -- rarely needed

    logging.getLogger(__name__).warning("%s", text)
