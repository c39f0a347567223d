"""Atomic replacement of a file: after a crash or an error, the file has either its old or its new content."""

import os
import tempfile


def write_atomically(path: str, data: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Create or replace a file, and write it to the disk (fsync) before returning.

    Args:
        path: the absolute path of the file; its directory exists.
        data: its new content.
        mode: its permissions. Until the content is complete, only the owner can read it (mkstemp(3): 0600).
        owner: uid and gid of the file; None: those of this process.

    Raises:
        OSError: the file cannot be written. A file that existed before is unchanged, unless only the fsync of the
            directory failed.
    """
    folder, name = os.path.split(path)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    try:
        with open(descriptor, "wb") as file:
            if owner is not None:
                os.fchown(descriptor, *owner)
            file.write(data)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    # Only fsync of the directory brings the new name to the disk; fsync of the file does not.
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
