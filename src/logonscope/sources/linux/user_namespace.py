"""The user namespace of the reader: which ids the kernel maps for it (user_namespaces(7)).

The kernel shows the overflow id in place of each uid or gid that is not mapped: this id becomes None. In the
initial user namespace everything is mapped, and no file is read.
"""

import os
from collections.abc import Iterable
from typing import NamedTuple

from logonscope.facts import UNSET, Login, Process
from logonscope.sources.linux.process_files import read_file

INITIAL_INODE = 0xEFFFFFFD
"""Inode of the initial user namespace (PROC_USER_INIT_INO of the kernel)."""

OVERFLOW = 65534
"""The kernel's default of overflowuid and overflowgid in /proc/sys/kernel, used if these files cannot be read."""

_MAX_FILE_BYTES = 1 << 16

Ids = tuple[int | None, int | None, int | None, int | None]


class IdRange(NamedTuple):
    """A line of uid_map or gid_map: the first of ``length`` ids, in this namespace and in the parent namespace."""

    inside: int
    outside: int
    length: int


class IdMap:
    """The mapping of uids, or of gids, of one user namespace."""

    def __init__(self, ranges: Iterable[IdRange], overflow: int) -> None:
        self._ranges, self._overflow = tuple(ranges), overflow

    def __repr__(self) -> str:
        return f"<IdMap {self._ranges}>"

    def inside(self, outer_id: int) -> int | None:
        """Return the id in this namespace for an id of the parent namespace; None if this id is not mapped."""
        ranges = (id_range for id_range in self._ranges if 0 <= outer_id - id_range.outside < id_range.length)
        return next((id_range.inside + outer_id - id_range.outside for id_range in ranges), None)

    def outside(self, inner_id: int) -> int | None:
        """Return the id in the parent namespace for an id of this namespace; None if this id is not mapped."""
        ranges = (id_range for id_range in self._ranges if 0 <= inner_id - id_range.inside < id_range.length)
        return next((id_range.outside + inner_id - id_range.inside for id_range in ranges), None)

    def known_ids(self, ids: Ids) -> Ids:
        """Return the ids of a process with None in place of the overflow id, unless the overflow id is mapped."""
        if self._overflow not in ids or self.outside(self._overflow) is not None:
            return ids
        real, effective, saved, filesystem = (None if shown_id == self._overflow else shown_id for shown_id in ids)
        return real, effective, saved, filesystem


class UserNamespace:
    """The user namespace of the reader, where it is not the initial one.

    ``owns_files``: files of the host that contain uids, such as passwd(5) and login records, were written in this
    namespace, as those of a container are. Otherwise they have the ids of the parent user namespace.
    """

    def __init__(self, uids: IdMap, gids: IdMap, *, owns_files: bool) -> None:
        self.uids, self._gids, self.owns_files = uids, gids, owns_files

    def known_process(self, process: Process) -> Process:
        """Return a process with None in place of the ids that are not mapped."""
        if process.uids is None or process.gids is None:
            return process
        return process._replace(uids=self.uids.known_ids(process.uids), gids=self._gids.known_ids(process.gids))

    def mapped_login(self, login: Login) -> Login:
        """Return a login with ``mapped_uid``, its uid in this namespace; ``uid`` is that of the parent namespace."""
        uid = self.uids.inside(login.uid)
        return login._replace(mapped_uid=UNSET if uid is None else uid)


def read_user_namespace(proc: str, accounts_file: str) -> UserNamespace | None:
    """Return the user namespace of this process; None if it is the initial one, or cannot be read.

    Args:
        proc: the mount point of proc(5).
        accounts_file: passwd(5). ``owns_files`` is true if the owner of this file is mapped, or if there is no file.
    """
    try:
        if os.stat(f"{proc}/self/ns/user").st_ino == INITIAL_INODE:
            return None
        overflow = _read_overflow(proc, "uid")
        return UserNamespace(
            IdMap(_read_id_map(f"{proc}/self/uid_map"), overflow),
            IdMap(_read_id_map(f"{proc}/self/gid_map"), _read_overflow(proc, "gid")),
            owns_files=not os.path.exists(accounts_file) or os.stat(accounts_file).st_uid != overflow,
        )
    except (OSError, ValueError, TypeError):
        return None


def parse_id_map(data: bytes) -> list[IdRange]:
    """Parse uid_map or gid_map: three numbers a line."""
    return [IdRange(*map(int, line.split())) for line in data.splitlines()]


def _read_id_map(path: str) -> list[IdRange]:
    # the file has up to 340 lines, more than the kernel returns in one read
    return parse_id_map(read_file(path, limit=_MAX_FILE_BYTES, is_list=True))


def _read_overflow(proc: str, id_type: str) -> int:
    try:
        return int(read_file(f"{proc}/sys/kernel/overflow{id_type}"))
    except (OSError, ValueError):
        return OVERFLOW
