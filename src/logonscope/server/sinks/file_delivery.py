"""Delivery to a file: one line an event, on the disk before it counts as delivered. The file is rotated by size."""

import os
import stat

from logonscope.server.sinks.delivery import DeliveryError, Parcel
from logonscope.server.sinks.documents import Encoder


class FileDelivery:
    """Appends to a file."""

    def __init__(self, path: str, encode: Encoder, max_bytes: int, files: int) -> None:
        """Create the delivery; it opens the file with the first event.

        Args:
            path: the file.
            encode: writes an event as a line.
            max_bytes: the file is rotated before it becomes larger than this; a file of one parcel can be larger.
            files: how many rotated files are kept, as PATH.1 to PATH.N.
        """
        self._path, self._encode = path, encode
        self._max_bytes, self._files = max_bytes, files
        self._descriptor: int | None = None

    def __repr__(self) -> str:
        return f"<FileDelivery to {self._path}>"

    def send(self, parcel: Parcel) -> None:
        """Append events, and wait until they are on the disk."""
        data = "".join(f"{self._encode(event)}\n" for event in parcel.events).encode()
        try:
            descriptor = self._open()
            size = os.fstat(descriptor).st_size
            if size and size + len(data) > self._max_bytes:
                self._rotate()
                descriptor = self._open()
            start = os.fstat(descriptor).st_size
            try:
                self._write(descriptor, data)
            except OSError:
                # Nothing of the parcel stays in the file: the sink will send the whole parcel again.
                os.ftruncate(descriptor, start)
                raise
        except OSError as error:
            self.close()
            raise DeliveryError(f"cannot write {self._path}: {error.strerror}") from None

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _open(self) -> int:
        """Return the descriptor of the file; open it if it is not open, or if the open file was renamed or deleted."""
        if self._descriptor is not None:
            open_file = os.fstat(self._descriptor)
            try:
                file_at_path = os.stat(self._path)
            except FileNotFoundError:
                file_at_path = None
            if file_at_path is not None and os.path.samestat(open_file, file_at_path):
                return self._descriptor
            self.close()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o600)
        self._descriptor = descriptor  # from here on, close() closes it
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file")
        # ends a line that a crash cut off: the next event would otherwise continue this line
        if status.st_size and os.pread(descriptor, 1, status.st_size - 1) != b"\n":
            self._write(descriptor, b"\n")
        return descriptor

    def _write(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fdatasync(descriptor)

    def _rotate(self) -> None:
        self.close()
        for number in range(self._files, 0, -1):
            newer_file = self._path if number == 1 else f"{self._path}.{number - 1}"
            try:
                os.replace(newer_file, f"{self._path}.{number}")
            except FileNotFoundError:
                continue
