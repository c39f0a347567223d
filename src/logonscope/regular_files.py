"""Opening of files that have to be regular files: to read a pipe or a device could take for ever."""

import errno
import os
import stat


def open_regular(path: str, flags: int) -> int:
    """Open a file, but neither a pipe nor a device other than /dev/null; for ``open(path, opener=open_regular)``.

    Raises:
        OSError: the file cannot be opened, or is a pipe or another device than /dev/null.
    """
    # If the path is a FIFO, a plain open() would block until another process opens the other end.
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    mode = os.fstat(descriptor).st_mode
    # A directory passes, too: the built-in open() rejects its descriptor with the error that users know.
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or path == os.devnull:
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EINVAL, "not a regular file")


def check_regular(path: str) -> None:
    """Check that ``open_regular`` can open a file, before a library opens it by its name.

    Raises:
        OSError: as for ``open_regular``.
    """
    with open(path, "rb", opener=open_regular):
        pass
