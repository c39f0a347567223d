"""Files with secrets: they are read only if other users have no access, and rewritten completely or not at all."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator

from logonscope.errors import AccessDeniedError, InvalidParameterError, QuotaViolationError
from logonscope.regular_files import open_regular
from logonscope.server.atomic_file import write_atomically
from logonscope.server.configuration import SETTINGS_FILE

FOLDER = os.path.dirname(SETTINGS_FILE)
"""The only folder that is created when it is missing: any other missing folder is more likely a misspelt name."""

MAX_BYTES = 4 << 20

Signature = tuple[int, ...]


def signature(path: str) -> Signature:
    """Return a value that differs after every change of a file; () if there is no file.

    Raises:
        AccessDeniedError, InvalidParameterError: the file cannot be looked up.
    """
    with _os_errors(path):
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return ()
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read(path: str) -> bytes:
    """Return the content of a file.

    Raises:
        AccessDeniedError: this process cannot read the file, other users have access to it, or its owner is neither
            root nor the user of this process.
        InvalidParameterError: the file cannot be read.
        QuotaViolationError: the file is too large.
    """
    # Owner and mode are those of the open descriptor: between a check by name and open() the file could be replaced.
    with _os_errors(path), open(path, "rb", opener=open_regular) as file:
        status, data = os.fstat(file.fileno()), file.read(MAX_BYTES + 1)
    if status.st_uid not in {0, os.geteuid()}:
        raise AccessDeniedError(
            f"{path} belongs to uid {status.st_uid}, which is neither root nor you", "change its owner with chown"
        )
    if status.st_mode & 0o077:
        raise AccessDeniedError(
            f"{path} is open to others (mode {stat.S_IMODE(status.st_mode):o})", f"chmod 600 {path}"
        )
    if len(data) > MAX_BYTES:
        raise QuotaViolationError(f"{path} is larger than {MAX_BYTES:,} bytes", "remove lines from it")
    return data


def rewrite(path: str, change: Callable[[bytes], bytes], created_folder: str = FOLDER) -> None:
    """Replace the content of a file by the result of ``change`` for it. A lock keeps others from rewriting the file.

    A missing file is created. A missing folder is created only if it is ``created_folder``. The new file keeps the
    owner of the old file: a command run with sudo must not take the file away from a server that does not run as root.

    Raises:
        LogonscopeError: an error of ``read`` or ``change``; or the folder is missing, or the file cannot be written.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    with _os_errors(path):
        if folder == created_folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        if not os.path.exists(folder):
            raise InvalidParameterError(f"folder {folder} does not exist", "create it, or correct the name")
        lock = _lock(path)
    try:
        data = read(path)
        if (changed := change(data)) != data:
            with _os_errors(path):
                status = os.fstat(lock)
                owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else None
                write_atomically(path, changed, owner=owner)
    finally:
        os.close(lock)


def _lock(path: str) -> int:
    """Lock a file, and return the descriptor that holds the lock."""
    while True:
        # The file itself is the lock: users who cannot open the file cannot lock it, and so cannot block this process.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if signature(path)[:2] == (os.fstat(descriptor).st_dev, os.fstat(descriptor).st_ino):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # The file was replaced during the wait, so this lock is on the old file.
        os.close(descriptor)


@contextlib.contextmanager
def _os_errors(path: str) -> Iterator[None]:
    """Raise an OSError as an error of this package that names the path."""
    try:
        yield
    except PermissionError as error:
        raise AccessDeniedError(f"cannot use {path}: {error.strerror}", "use sudo, or another path") from None
    except OSError as error:
        raise InvalidParameterError(f"cannot use {path}: {error.strerror}", "check the name and the disk") from None
