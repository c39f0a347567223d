"""Actions on processes, with the rights of the user who asked.

The kernel decides whether a user may do something: unless an administrator asks, a helper program (action_helper.py)
becomes that user and does it, so that what the process has become since it was looked at counts too. That user may
signal and stop the helper. So it is a program of its own with nothing of the server's in it, it is waited for until a
deadline, and killed after that.
"""

import errno
import os
import select
import subprocess
import sys

from logonscope.machine.action import Action
from logonscope.sources.linux import action_helper

DEADLINE = 3.0
"""Seconds that the helper may take; it takes 20 to 50 ms."""


def act(proc: str, action: Action) -> None:
    """Do something to a process.

    Raises:
        ProcessLookupError: there is no such process any more.
        PermissionError: the user may not do that; errno EPERM, or EACCES where a privilege is lacking.
        TimeoutError: the helper was stopped, or did not end for another reason.
        OSError: it failed otherwise.
    """
    if action.uid is None or action.uid == os.geteuid():
        action_helper.do(proc, action.pid, action.start, action.nice)
    else:
        _act_as(proc, action, action.uid)


def _act_as(proc: str, action: Action, uid: int) -> None:
    """Do it in a helper that becomes this uid for good; raise here the error that it met.

    Only root loses its capabilities when it becomes another user (capabilities(7)): nobody else can act as one.
    """
    if os.geteuid() != 0:
        raise PermissionError(errno.EPERM, f"only root can act as uid {uid}")
    nice = action_helper.KILL if action.nice is None else str(action.nice)
    words = [
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
    helper = subprocess.Popen(  # noqa: S603 -- our own file, and numbers
        words, cwd="/", env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    code = _ended(helper)
    if code is None:
        _report(f"killed the helper that acts as uid {uid}: it did not end within {DEADLINE:g} s")
        raise TimeoutError(errno.ETIMEDOUT, "the helper was stopped or hung")
    if code == 0:
        return
    if code < action_helper.OF_ERRNO or code == action_helper.FAILED:  # a signal, or Python's own statuses
        _report(f"the helper that acts as uid {uid} ended with status {code}")
        raise OSError(errno.EIO, "the helper was ended")
    number = code - action_helper.OF_ERRNO
    raise OSError(number, os.strerror(number))


def _ended(helper: "subprocess.Popen[bytes]") -> int | None:
    """Return the exit status of the helper; None where it is killed, because it does not end in time."""
    pidfd = os.pidfd_open(helper.pid)
    try:
        ended = select.poll()
        ended.register(pidfd, select.POLLIN)
        if ended.poll(DEADLINE * 1000):
            return helper.wait()
    finally:
        os.close(pidfd)
    helper.kill()
    helper.wait()
    return None


def _report(text: str) -> None:
    import logging  # noqa: PLC0415 -- a look does nothing, and this is rare

    logging.getLogger(__name__).warning("%s", text)
