"""How is a file put in its place? As a whole or not at all, whatever happens meanwhile."""

import os
import tempfile


def put(path: str, data: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Put a file in its place, that of another one perhaps; it is on the disk when this returns.

    Args:
        path: where to; its folder is there.
        data: what stands in it.
        mode: who may read it; nobody else could at any moment before (mkstemp(3): 0600).
        owner: uid and gid; None: ours.

    Raises:
        OSError: it cannot be done; what was there is still there.
    """
    folder, name = os.path.split(path)
    made, temporary = tempfile.mkstemp(prefix=f".{name}-", dir=folder)
    try:
        with open(made, "wb") as file:
            if owner is not None:
                os.fchown(made, *owner)
            file.write(data)
            file.flush()
            os.fchmod(made, mode)
            os.fsync(made)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
