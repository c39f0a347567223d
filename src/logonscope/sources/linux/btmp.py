"""Reader of btmp(5), in which sshd and login(1) record refused attempts: only root and the group utmp can write it.

A record has the name, the terminal and the client's host, but neither the method nor the port.
"""

import ipaddress
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from logonscope.facts import FailedLogon

FILE = "var/log/btmp"
MAX_BYTES = 1 << 20
"""Maximum bytes that one call reads, from the end of the file."""

RECORD = struct.Struct("=h2xi32s4s32s256s4xi2i16s20x")
"""Layout of a record of utmp(5) on machines such as x86-64, where its times have 32 bits."""

_MAX_TYPE = 9
"""The highest ut_type of utmp(5), ACCOUNTING."""


class BtmpRecord(NamedTuple):
    """A refused attempt, and when it was, in seconds since the epoch."""

    seconds: float
    attempt: FailedLogon


class BtmpReader:
    """Reads the records that are added to the file."""

    def __init__(self, root: str) -> None:
        """Begin after the last whole record of the file."""
        self._path = os.path.join(root, FILE)
        self._file_id, self._position = self._file_id_and_size()

    def __repr__(self) -> str:
        return f"<BtmpReader at {self._position}>"

    def _file_id_and_size(self) -> tuple[tuple[int, int] | None, int]:
        """Return what identifies the file (None: it is missing), and the size of its whole records."""
        try:
            status = os.stat(self._path)
        except OSError:
            return None, 0
        # a record that is not written to its end is read the next time
        return (status.st_dev, status.st_ino), status.st_size // RECORD.size * RECORD.size

    def read(self) -> list[BtmpRecord]:
        """Return the records since the last call, at most the newest MAX_BYTES; none where the file cannot be read."""
        file_id, size = self._file_id_and_size()
        # the file was rotated, or made empty
        if file_id != self._file_id or size < self._position:
            self._file_id, self._position = file_id, 0
        if file_id is None or size == self._position:
            return []
        start = max(self._position, size - MAX_BYTES // RECORD.size * RECORD.size)
        try:
            with open(self._path, "rb", buffering=0) as file:
                file.seek(start)
                data = file.read(size - start)
        except OSError:
            return []
        self._position = start + len(data) // RECORD.size * RECORD.size
        return list(parse_btmp(data))


def can_read_btmp(root: str) -> bool:
    """Return whether btmp exists, and this process may read it."""
    return os.access(os.path.join(root, FILE), os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def parse_btmp(data: bytes) -> Iterator[BtmpRecord]:
    """Yield the records; those with another layout, such as that of aarch64, are left out."""
    for offset in range(0, len(data) - RECORD.size + 1, RECORD.size):
        ut_type, pid, line, _, user, host, _, seconds, microseconds, address = RECORD.unpack_from(data, offset)
        if not 0 < ut_type <= _MAX_TYPE or not 0 <= microseconds < 1_000_000 or pid < 0:
            continue
        tty = _text(line)
        service = "sshd" if tty and tty.startswith("ssh") else "login"
        attempt = FailedLogon(
            service, pid, _text(user), address=_address(address), tty=None if service == "sshd" else tty, source="btmp"
        )
        name = _text(host)
        if name is not None and name != attempt.address:
            attempt = attempt._replace(remote_host=name)
        yield BtmpRecord((seconds & 0xFFFFFFFF) + microseconds / 1e6, attempt)


def _text(data: bytes) -> str | None:
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace")
    return text if text and text.isprintable() else None


def _address(data: bytes) -> str | None:
    if not any(data):
        return None
    # of an IPv4 address, only the first four bytes are set
    return str(ipaddress.ip_address(data if any(data[4:]) else data[:4]))
