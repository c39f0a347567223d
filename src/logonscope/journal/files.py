"""Files of the journal: the database, its state file, the requests to forget a user, and the reserve for a full disk.

They are created with mode 0600. The folder and the database are checked before the journal is opened.

No process may open() and close() the database file while its own SQLite connection has it open: close() drops the
POSIX locks of the whole process, and another process can then delete the write-ahead log while the writer uses it. So
the content of the database is checked before the first connection, or in SQL.
"""

import fcntl
import json
import logging
import os
import stat
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from logonscope.errors import AccessDeniedError, RecordingError

DATABASE = "journal.db"
STATE = "journal.state"
RESERVE_FILE = "journal.ballast"
LOCK = "journal.lock"
FORGET_PREFIX = "forget-"
MAX_REQUEST_LENGTH = 65_536
RESERVE_BYTES = 16 << 20
"""Size of the reserve file. It is deleted when the disk is full, because deleting rows needs room, too."""

_log = logging.getLogger(__name__)

_WAL_HEADER = struct.Struct(">8I")
_FRAME_HEADER = struct.Struct(">6I")


class ForgetRequest(NamedTuple):
    """A request to forget a user."""

    path: str
    user: str
    uid: int | None  # of the administrator who requested it


class WalState(NamedTuple):
    """The state of the write-ahead log before the database is opened."""

    is_missing: bool
    last_commit: int  # number of the last frame that ends a commit; 0: there is none


class JournalFiles:
    """The files of one journal in a folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.database = os.path.join(folder, DATABASE)
        self.wal = f"{self.database}-wal"
        self._state = os.path.join(folder, STATE)
        self._reserve = os.path.join(folder, RESERVE_FILE)

    def __repr__(self) -> str:
        return f"<JournalFiles {self.folder}>"

    @property
    def exists(self) -> bool:
        """Return whether there is a database."""
        return os.path.lexists(self.database)

    def make_folder(self) -> None:
        """Create the folder with mode 0700 where there is none, and check it.

        Raises:
            AccessDeniedError: the folder is a link, belongs to another user, or other users can write it.
            OSError: the folder cannot be created, or is a file.
        """
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        self._check(self.folder, os.lstat(self.folder), is_folder=True)

    def prepare(self) -> None:
        """Create the folder, and an empty database with mode 0600, if they do not exist; check both.

        Raises:
            AccessDeniedError: the folder or the file is a link, belongs to another user, or other users can write it.
            OSError: the folder or the file cannot be created.
        """
        self.make_folder()
        if not self.exists:
            # -wal and -shm get the mode of the database
            os.close(os.open(self.database, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600))
        self._check(self.database, os.lstat(self.database), is_folder=False)

    @staticmethod
    def _check(path: str, status: os.stat_result, *, is_folder: bool) -> None:
        if not (stat.S_ISDIR(status.st_mode) if is_folder else stat.S_ISREG(status.st_mode)):
            noun = "directory" if is_folder else "regular file"
            raise AccessDeniedError(f"cannot use {path} for the history: it is not a {noun}", "remove it")
        # root accepts every owner: the service can run as another user, who owns the files
        own_uid, file_uid = os.geteuid(), status.st_uid
        if own_uid and file_uid not in {own_uid, 0}:
            raise AccessDeniedError(
                f"cannot use {path} for the history: it belongs to uid {file_uid}, not to uid {own_uid} or root",
                f"run chown {own_uid} {path}",
            )
        if status.st_mode & 0o022:
            raise AccessDeniedError(
                f"cannot use {path} for the history: other users can write it", f"run chmod go-w {path}"
            )

    def lock(self) -> int:
        """Lock the journal for the one process that writes; return the descriptor, which holds the lock.

        Raises:
            BlockingIOError: another process writes.
            OSError: the lock file cannot be opened.
        """
        descriptor = os.open(
            os.path.join(self.folder, LOCK), os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def request_forget(self, user: str, caller_uid: int | None, seconds: float) -> dict[str, int]:
        """Ask the service, which writes the journal, to forget a user; return its answer: the fields of Forgotten.

        Raises:
            TimeoutError: the service did not answer.
            RecordingError: the service failed to delete the user's history.
            OSError: the request cannot be written.
        """
        name = os.path.join(self.folder, f"{FORGET_PREFIX}{os.getpid()}-{time.monotonic_ns()}")
        self._write_whole(name, {"user": user, "uid": caller_uid})
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                with open(f"{name}.done", encoding="utf-8") as file:
                    answer: dict[str, Any] = json.load(file)
            except FileNotFoundError:
                time.sleep(0.05)
                continue
            os.unlink(f"{name}.done")
            if "error" in answer:
                raise RecordingError(f"cannot forget {user!r}: {answer['error']}", "see the log of the service")
            return answer
        for path in (name, f"{name}.done"):
            with suppress(FileNotFoundError):
                os.unlink(path)
        raise TimeoutError("the service did not answer")

    def forget_requests(self) -> list[ForgetRequest]:
        """Return the requests to forget a user, and delete those that cannot be read."""
        requests: list[ForgetRequest] = []
        # if the folder was removed, the next commit reports it
        for entry in os.scandir(self.folder) if os.path.isdir(self.folder) else ():
            is_request = entry.name.startswith(FORGET_PREFIX) and not entry.name.endswith((".new", ".done"))
            # a pipe is not read: that could block the thread that writes the journal
            if is_request and entry.is_file(follow_symlinks=False):
                try:
                    requests.append(_read_request(entry.path))
                except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
                    # a request that stays would be tried again after each commit
                    _log.warning("history: invalid request %s is deleted: %s", entry.path, error)
                    with suppress(OSError):
                        os.unlink(entry.path)
        return requests

    def answer_forget(self, path: str, answer: Mapping[str, object]) -> None:
        """Answer a request to forget a user: with what was deleted, or with an error."""
        # if the request is gone, the process that wrote it does not wait any more
        with suppress(FileNotFoundError):
            os.unlink(path)
            self._write_whole(f"{path}.done", answer)

    def _write_whole(self, path: str, values: Mapping[str, object]) -> None:
        """Write a file of JSON under another name, and rename it, so that no reader gets an incomplete file."""
        descriptor = os.open(f"{path}.new", os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            # ASCII with escapes: an account name need not be UTF-8
            json.dump(values, file)
            if os.geteuid() == 0:
                # the service can run as another user, who could not read root's files
                status = os.stat(self.folder)
                os.fchown(file.fileno(), status.st_uid, status.st_gid)
        os.rename(f"{path}.new", path)

    def read_wal_state(self) -> WalState:
        """Read the frame headers of the write-ahead log; called before the database is opened."""
        try:
            with open(self.wal, "rb") as file:
                header = file.read(_WAL_HEADER.size)
                if len(header) < _WAL_HEADER.size:
                    return WalState(is_missing=False, last_commit=0)
                fields = _WAL_HEADER.unpack(header)
                page_size, salt = fields[2], fields[4:6]
                # only the last frame of a commit has the size of the database (https://sqlite.org/fileformat.html)
                number, last_commit = 0, 0
                while len(frame := file.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
                    number += 1
                    _, database_pages, *salts = _FRAME_HEADER.unpack(frame)[:4]
                    if tuple(salts) != salt:
                        break
                    if database_pages:
                        last_commit = number
                    file.seek(page_size, os.SEEK_CUR)
        except FileNotFoundError:
            return WalState(is_missing=True, last_commit=0)
        return WalState(is_missing=False, last_commit=last_commit)

    def read_state(self) -> tuple[str | None, int]:
        """Return the journal's id and its last epoch (number of the run) from the state file.

        (None, 0): the file is missing or invalid. ``Writer.begin_run`` detects by these values that the database was
        restored from a copy.
        """
        try:
            with open(self._state, encoding="ascii") as file:
                values = json.load(file)
            return str(values["id"]), int(values["epoch"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, 0

    def write_state(self, journal_id: str, epoch: int) -> None:
        """Write the state file, completely or not at all."""
        # renamed when complete: with an incomplete state file, the database would look like a restored copy
        temporary = f"{self._state}.new"
        descriptor = os.open(temporary, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            json.dump({"id": journal_id, "epoch": epoch}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._state)

    def set_aside(self, suffix: str) -> str:
        """Rename the damaged database with its -wal and -shm; return the new name of the database."""
        aside = f"{self.database}.damaged-{suffix}"
        os.replace(self.database, aside)
        for ending in ("-wal", "-shm"):
            if os.path.lexists(self.database + ending):
                os.replace(self.database + ending, aside + ending)
        return aside

    def earlier_copies(self) -> list[str]:
        """Return the names of earlier journals in the folder: copies made before migrations, and damaged ones."""
        prefixes = (f"{DATABASE}.version", f"{DATABASE}.damaged-")
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        return sorted(name for name in names if name.startswith(prefixes) and not name.endswith(("-wal", "-shm")))

    def make_reserve(self) -> None:
        """Create the reserve file, unless it would take more than an eleventh of the free space."""
        if os.path.exists(self._reserve) or self.free_bytes() < 11 * RESERVE_BYTES:
            return
        descriptor = os.open(self._reserve, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
        except OSError:
            os.unlink(self._reserve)
        finally:
            os.close(descriptor)

    def delete_reserve(self) -> bool:
        """Delete the reserve file; return whether there was one."""
        try:
            os.unlink(self._reserve)
        except OSError:
            return False
        return True

    def inode(self) -> int | None:
        """Return the inode number of the database file; None: there is none. stat(2) opens no file."""
        try:
            return os.stat(self.database).st_ino
        except OSError:
            return None

    def free_bytes(self) -> int:
        """Return the free bytes of the file system."""
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize

    def size(self) -> int:
        """Return the bytes of the database and its write-ahead log; stat(2) opens no file."""
        return self.database_bytes() + self.wal_bytes()

    def database_bytes(self) -> int:
        """Return the bytes of the database file."""
        return _file_bytes(self.database)

    def wal_bytes(self) -> int:
        """Return the bytes of the write-ahead log."""
        return _file_bytes(self.wal)

    def check_room_for_copy(self) -> None:
        """Check that there is room for the copy of the database that a migration makes first.

        Raises:
            RecordingError: there is not enough room.
        """
        needed = self.database_bytes() + (64 << 20)
        if self.free_bytes() < needed:
            raise RecordingError(
                f"cannot migrate the history in {self.folder}: it needs {needed >> 20} MiB of free space for a copy",
                "make room, or remove the history",
            )


def _read_request(path: str) -> ForgetRequest:
    with open(path, encoding="utf-8") as file:
        values = json.loads(file.read(MAX_REQUEST_LENGTH))
    uid = values["uid"]
    return ForgetRequest(path, str(values["user"]), None if uid is None else int(uid))


def _file_bytes(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
