"""How is something done to a process? Through a pidfd, and only to the process that was meant.

A pid may be given out again between the look and the deed. The pidfd is opened first and the start compared after it:
then the signal reaches that process or none. Priorities can only be set by pid; whether the process was there to the
end is seen by the pidfd afterwards, as nobody else can have had its pid meanwhile.
"""

import errno
import os
import select
import signal

from logonscope.facts import Action
from logonscope.sources.linux import parse


def act(proc: str, action: Action) -> None:
    """Do it.

    Raises:
        ProcessLookupError: there is no such process any more.
        PermissionError: this process may not do that.
    """
    pidfd = _opened(action.pid)
    try:
        if action.start is not None and _start(proc, action.pid) != action.start:
            raise ProcessLookupError(f"process {action.pid} is another one by now")
        if action.nice is None:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            return
        _renice_all(f"{proc}/{action.pid}/task", action.nice)
        ended = select.poll()  # unlike select(2) it takes any descriptor
        ended.register(pidfd, select.POLLIN)
        if ended.poll(0):
            raise ProcessLookupError(f"process {action.pid} ended")
    except FileNotFoundError:
        raise ProcessLookupError(f"process {action.pid} ended") from None
    finally:
        os.close(pidfd)


def _opened(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:  # a thread of another process has it by now
            raise ProcessLookupError(f"process {pid} ended") from None
        raise


def _renice_all(tasks: str, nice: int) -> None:
    """Set the nice value of every thread: the kernel keeps one for each, and a new thread has that of its maker."""
    done: set[str] = set()
    while threads := set(os.listdir(tasks)) - done:
        for thread in threads:
            _renice(int(thread), nice)
        done |= threads


def _renice(thread: int, nice: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, thread, nice)
    except ProcessLookupError:
        return  # the thread has ended


def _start(proc: str, pid: int) -> int:
    with open(f"{proc}/{pid}/stat", "rb", buffering=0) as file:
        return parse.parse_stat(file.read(4096))[14]
