"""How is a file of secrets read and rewritten? Only where it is its owner's alone, and as a whole or not at all."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator

from logonscope.errors import AccessDeniedError, InvalidParameterError, QuotaViolationError
from logonscope.server.atomic_file import put
from logonscope.server.configuration import FILE

FOLDER = os.path.dirname(FILE)
"""The only one that is made: any other that is missing is misspelt."""

MOST_BYTES = 4 << 20

Signature = tuple[int, ...]


def signature(path: str) -> Signature:
    """Return what changes with a file; () where there is none."""
    with _explained(path):
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return ()
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read(path: str) -> bytes:
    """Return what stands in a file.

    Raises:
        AccessDeniedError: others may read or write it, or it is neither root's nor ours.
        InvalidParameterError: it cannot be read.
        QuotaViolationError: it is too long.
    """
    with _explained(path), open(path, "rb", opener=_at_once) as file:
        status = os.fstat(file.fileno())
        data = file.read(MOST_BYTES + 1) if stat.S_ISREG(status.st_mode) else b""
    if not stat.S_ISREG(status.st_mode):
        raise InvalidParameterError(f"{path} is no regular file", "give another one")
    if status.st_uid not in {0, os.geteuid()}:
        raise AccessDeniedError(f"{path} belongs to uid {status.st_uid}, who is neither root nor you", "see to that")
    if status.st_mode & 0o077:
        raise AccessDeniedError(
            f"{path} is open to others (mode {stat.S_IMODE(status.st_mode):o})", f"chmod 600 {path}"
        )
    if len(data) > MOST_BYTES:
        raise QuotaViolationError(f"{path} has more than {MOST_BYTES:,} bytes", "shorten it")
    return data


def rewrite(path: str, change: Callable[[bytes], bytes]) -> None:
    """Put what ``change`` makes of a file in its place; others who rewrite it wait.

    A file that is missing is made, and so is the usual folder, but no other. The new one belongs to whom the old one
    did: sudo must not take it from a server that does not run as root.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    with _explained(path):
        if folder == FOLDER:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        if not os.path.exists(folder):
            raise InvalidParameterError(f"there is no folder {folder}", "make it, or correct the name")
        held = _locked(path)
    try:
        data = read(path)
        if (changed := change(data)) != data:
            with _explained(path):
                old = os.fstat(held)
                put(path, changed, owner=(old.st_uid, old.st_gid) if os.geteuid() == 0 else None)
    finally:
        os.close(held)


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # else one could wait for the other end of a FIFO for ever


def _locked(path: str) -> int:
    """Lock the file itself, which only those can open who may write it: nobody else can keep us waiting."""
    while True:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            if signature(path)[:2] == (os.fstat(held).st_dev, os.fstat(held).st_ino):
                return held
        except BaseException:
            os.close(held)
            raise
        os.close(held)  # it was replaced while we waited


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise AccessDeniedError(f"cannot use {path}: {error.strerror}", "use sudo, or another place") from None
    except OSError as error:
        raise InvalidParameterError(f"cannot use {path}: {error.strerror}", "check the name and the disk") from None
