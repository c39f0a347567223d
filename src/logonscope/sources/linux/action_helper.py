"""What is done to a process, and the helper program that does it as another user.

The helper is this file, run by itself (`python -I -S`): it imports nothing but the standard library, inherits no
descriptor but /dev/null, becomes the user and makes the system calls. Its exit status is 0, OF_ERRNO and an errno, or
FAILED. Python itself ends with 1 or 2 where it cannot start, so a bare errno would look like a refusal of the kernel.

A pid may be given out again between the look and the deed. The pidfd is opened first and the start compared after it:
then the signal reaches that process or none. Priorities can only be set by number, a thread at a time: the threads are
listed through the process's own directory, and the pidfd tells afterwards whether it was there to the end.
"""

import errno
import os
import select
import signal
import sys

MOST_PASSES = 16
"""How often the threads of a process are listed while it makes new ones."""

OF_ERRNO = 100
"""Added to an errno, of which Linux has 133, in the exit status of a helper."""

FAILED = 255
"""The exit status of a helper whose error has no number."""

KILL = "kill"
"""In place of a nice value: the process is ended."""


def do(proc: str, pid: int, start: int, nice: int | None, uid: int | None = None) -> None:
    """End a process, or set the nice value of its threads.

    Args:
        proc: where procfs is mounted.
        pid: of the process.
        start: of the process, in clock ticks since the boot.
        nice: the nice value; None: the process is ended.
        uid: whom to become before, for good; None: nobody else.

    Raises:
        ProcessLookupError: there is no such process any more.
        PermissionError: the kernel does not allow it; errno EPERM, or EACCES where a privilege is lacking.
        OSError: it failed otherwise.
    """
    folder = _opened(proc, pid)
    try:
        pidfd = _pidfd(pid)
        try:
            if _start(folder) != start:
                raise ProcessLookupError(errno.ESRCH, f"process {pid} is another one by now")
            if uid is not None:
                _become(uid)
            if nice is None:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                return
            _renice_all(folder, nice)
            ended = select.poll()  # unlike select(2) it takes any descriptor
            ended.register(pidfd, select.POLLIN)
            if ended.poll(0):
                raise ProcessLookupError(errno.ESRCH, f"process {pid} ended")
        finally:
            os.close(pidfd)
    finally:
        os.close(folder)


def _become(uid: int) -> None:
    """Become a user, who cannot trace this process: the kernel makes it non-dumpable (prctl(2), PR_SET_DUMPABLE)."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid, uid, uid):  # setresuid(2): -1 changes nothing
        raise PermissionError(errno.EPERM, f"there is no uid {uid}")


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
    """Return field 22 of stat (proc(5)); the name, field 2, may have any character."""
    try:
        file = os.open("stat", os.O_RDONLY, dir_fd=folder)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, "the process ended") from None
    try:
        return int(os.read(file, 4096).rpartition(b")")[2].split()[19])
    finally:
        os.close(file)


def main() -> int:
    """Do what the arguments say, and return the exit status."""
    try:
        proc, pid, start, nice, uid = sys.argv[1:]
        do(proc, int(pid), int(start), None if nice == KILL else int(nice), int(uid))
    except OSError as error:
        return OF_ERRNO + error.errno if error.errno else FAILED
    except (ValueError, OverflowError):  # arguments that are none
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
