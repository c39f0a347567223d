"""How is something done to a process? As whoever asked, and to the process that was meant.

The kernel decides whether somebody may do that: unless an administrator asks, the deed is done by a child that has
become that uid and can do nothing else, so that what the process has become since it was looked at counts too.

A pid may be given out again between the look and the deed. The pidfd is opened first and the start compared after it:
then the signal reaches that process or none. Priorities can only be set by number, a thread at a time: the threads are
listed through the process's own directory, and the pidfd tells afterwards whether it was there to the end.
"""

import errno
import os
import select
import signal
import warnings
from collections.abc import Callable

from logonscope.machine.action import Action
from logonscope.sources.linux import parse

MOST_PASSES = 16
"""How often the threads of a process are listed while it makes new ones."""

_FAILED = 255


def act(proc: str, action: Action) -> None:
    """Do it.

    Raises:
        ProcessLookupError: there is no such process any more.
        PermissionError: whoever asked may not do that; errno EPERM, or EACCES where a privilege is lacking.
        OSError: it failed otherwise.
    """
    folder = _opened(proc, action.pid)
    try:
        pidfd = _pidfd(action.pid)
        try:
            if _start(folder) != action.start:
                raise ProcessLookupError(errno.ESRCH, f"process {action.pid} is another one by now")
            if action.uid is None or action.uid == os.geteuid():
                _do(pidfd, folder, action)
            else:
                _as_somebody(action.uid, lambda: _do(pidfd, folder, action))
        finally:
            os.close(pidfd)
    finally:
        os.close(folder)


def _do(pidfd: int, folder: int, action: Action) -> None:
    if action.nice is None:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        return
    _renice_all(folder, action.nice)
    ended = select.poll()  # unlike select(2) it takes any descriptor
    ended.register(pidfd, select.POLLIN)
    if ended.poll(0):
        raise ProcessLookupError(errno.ESRCH, f"process {action.pid} ended")


def _as_somebody(uid: int, deed: Callable[[], None]) -> None:
    """Do it in a child that has become this uid for good; raise here what it met there.

    Only root loses its capabilities when it becomes somebody else (capabilities(7)): who is not root cannot do it.
    """
    if os.geteuid() != 0:
        raise PermissionError(errno.EPERM, f"only root can act as uid {uid}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads: the child only makes system calls
        child = os.fork()
    if child == 0:
        os._exit(_become_and_do(uid, deed))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        number = code if 0 < code < _FAILED else errno.EIO
        raise OSError(number, os.strerror(number))


def _become_and_do(uid: int, deed: Callable[[], None]) -> int:
    """Return 0, or the number of the error."""
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        deed()
    except OSError as error:
        return error.errno or _FAILED
    except BaseException:  # noqa: BLE001 -- nothing may run on as the parent does
        return _FAILED
    return 0


def _opened(proc: str, pid: int) -> int:
    try:
        return os.open(f"{proc}/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, f"process {pid} ended") from None


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:  # a thread of another process has it by now
            raise ProcessLookupError(errno.ESRCH, f"process {pid} ended") from None
        raise


def _renice_all(folder: int, nice: int) -> None:
    """Set the nice value of every thread: the kernel keeps one for each, and a new thread has that of its maker."""
    done: set[str] = set()
    for _ in range(MOST_PASSES):
        threads = set(_threads(folder)) - done
        if not threads:
            return
        for thread in threads:
            _renice(int(thread), nice)
        done |= threads


def _threads(folder: int) -> list[str]:
    try:
        tasks = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, "the process ended") from None
    try:
        return os.listdir(tasks)
    finally:
        os.close(tasks)


def _renice(thread: int, nice: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, thread, nice)
    except ProcessLookupError:
        return  # the thread has ended


def _start(folder: int) -> int:
    try:
        file = os.open("stat", os.O_RDONLY, dir_fd=folder)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, "the process ended") from None
    try:
        return parse.parse_stat(os.read(file, 4096))[14]
    finally:
        os.close(file)
