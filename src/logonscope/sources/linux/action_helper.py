"""Actions on a process (end it, set its nice value), and the helper program that performs them as another user.

The helper is this file, run as a program (`python -I -S`). It imports only the standard library, inherits no descriptor
but /dev/null, changes to the user and makes the system calls. Its exit status is 0, or ERRNO_BASE plus an errno, or
FAILED. Python itself exits with 1 or 2 if it cannot start; without ERRNO_BASE, that would look like the errno EPERM or
ENOENT of the kernel.

A pid can be reused between the moment when the caller saw the process and the action. So the pidfd is opened first and
the start time compared after that: the signal reaches that process or no process. A nice value can only be set for one
thread at a time, by the thread's number. The threads are listed through the directory of the process, and the pidfd
shows afterwards whether the process was still running when the last value had been set.
"""

import errno
import os
import select
import signal
import sys

MAX_PASSES = 16
"""Maximum number of times that the threads of a process are listed, while it creates new ones."""

ERRNO_BASE = 100
"""Added to an errno in the exit status of a helper. Linux has 133 errnos, so the sum is always less than FAILED."""

FAILED = 255
"""Exit status of a helper whose error has no errno, or whose arguments are invalid."""

KILL = "kill"
"""Argument in place of a nice value: the process is ended (SIGKILL)."""


def do_action(proc: str, pid: int, start: int, nice: int | None, uid: int | None = None) -> None:
    """End a process, or set the nice value of its threads.

    Args:
        proc: where procfs is mounted.
        pid: the pid of the process.
        start: the start of the process, in clock ticks since the boot.
        nice: the nice value; None: the process is ended.
        uid: the uid to change to before the action, for good; None: the uid of this process is kept.

    Raises:
        ProcessLookupError: the process has ended.
        PermissionError: the kernel does not allow the action; errno EPERM, or EACCES where a privilege is lacking.
        OSError: the action failed for another reason.
    """
    folder = _open_folder(proc, pid)
    try:
        pidfd = _open_pidfd(pid)
        try:
            if _read_start(folder) != start:
                raise ProcessLookupError(errno.ESRCH, f"process {pid} has ended: its pid is used by another process")
            if uid is not None:
                _change_user(uid)
            if nice is None:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                return
            _renice_all(folder, nice)
            # not select(2), which takes no descriptor above 1023
            poller = select.poll()
            poller.register(pidfd, select.POLLIN)
            if poller.poll(0):
                raise ProcessLookupError(errno.ESRCH, f"process {pid} has ended")
        finally:
            os.close(pidfd)
    finally:
        os.close(folder)


def _change_user(uid: int) -> None:
    """Change to a user. The user cannot trace this process: the kernel makes it non-dumpable (PR_SET_DUMPABLE)."""
    # the groups first: once the privileges of root are given up, groups cannot be changed any more
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid, uid, uid):  # setresuid(2): -1 changes nothing
        raise PermissionError(errno.EPERM, f"there is no uid {uid}")


def _open_folder(proc: str, pid: int) -> int:
    try:
        return os.open(f"{proc}/{pid}", os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, f"process {pid} has ended") from None


def _open_pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOENT}:  # the pid is now that of a thread of another process
            raise ProcessLookupError(errno.ESRCH, f"process {pid} has ended") from None
        raise


def _renice_all(folder: int, nice: int) -> None:
    """Set the nice value of every thread: each has its own, and a new thread inherits that of its creator."""
    changed_threads: set[str] = set()
    # a thread that was not changed yet may have created another one in the meantime: list until there is no new one
    for _ in range(MAX_PASSES):
        threads = set(_list_threads(folder)) - changed_threads
        if not threads:
            return
        for thread in threads:
            _renice(int(thread), nice)
        changed_threads |= threads


def _list_threads(folder: int) -> list[str]:
    try:
        tasks = os.open("task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, "the process has ended") from None
    try:
        return os.listdir(tasks)
    finally:
        os.close(tasks)


def _renice(thread: int, nice: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, thread, nice)
    except ProcessLookupError:
        return  # the thread has ended


def _read_start(folder: int) -> int:
    """Return the start time, field 22 of stat (proc(5)); the name, field 2, can contain any character."""
    try:
        file = os.open("stat", os.O_RDONLY, dir_fd=folder)
    except FileNotFoundError:
        raise ProcessLookupError(errno.ESRCH, "the process has ended") from None
    try:
        return int(os.read(file, 4096).rpartition(b")")[2].split()[19])
    finally:
        os.close(file)


def main() -> int:
    """Perform the action of the command-line arguments; return the exit status."""
    try:
        proc, pid, start, nice, uid = sys.argv[1:]
        do_action(proc, int(pid), int(start), None if nice == KILL else int(nice), int(uid))
    except OSError as error:
        return ERRNO_BASE + error.errno if error.errno else FAILED
    except (ValueError, OverflowError):  # invalid arguments
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
