"""Cgroup directories of logins: their inodes, the kernel ids that their processes carry, and logins without a record.

Only root can make a directory below /user.slice/user-UID.slice, so a scope there names its login even where the login
service has forgotten it.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from itertools import islice

from logonscope.facts import UNSET, Process

MOST_MEMBERS = 64
"""Processes of a scope whose kernel ids are read."""

_HIERARCHIES = ("sys/fs/cgroup", "sys/fs/cgroup/unified", "sys/fs/cgroup/systemd")
_SLICE = re.compile(r"user-([0-9]{1,10})\.slice")
_SCOPE = re.compile(r"session-([0-9A-Za-z]{1,32})\.scope")


class Scopes:
    """The cgroup directories below a root in which a login service keeps logins."""

    def __init__(self, root: str, read: Callable[[int], Process | None]) -> None:
        """Take the root, and a reader of the facts ``ses``, ``loginuid``, ``cgroup`` and ``start`` of one process."""
        self._root, self._read = root, read

    @cached_property
    def _users(self) -> str | None:
        """The directory of user.slice, in the hierarchy that the login service keeps."""
        paths = (os.path.join(self._root, hierarchy, "user.slice") for hierarchy in _HIERARCHIES)
        return next((path for path in paths if os.path.isdir(path)), None)

    def path(self, uid: int, unit: str) -> str | None:
        """Return the directory of a unit in a user's slice; None where there is no user.slice."""
        return self._users and os.path.join(self._users, f"user-{uid}.slice", unit)

    def elogind_path(self, login_id: str) -> str | None:
        """Return the directory that elogind made for a login, in a hierarchy of its own or in the only one."""
        paths = (os.path.join(self._root, "sys/fs/cgroup", part, login_id) for part in ("elogind", ""))
        return next((path for path in paths if os.path.isdir(path)), None)

    def inode(self, path: str | None) -> int | None:
        """Return the inode of a directory; None where there is none."""
        try:
            return None if path is None else os.stat(path).st_ino
        except OSError:
            return None

    def pids(self, path: str | None) -> Iterator[int]:
        """Yield the processes of a cgroup and of those below it."""
        for folder, _, _ in os.walk(path) if path else ():
            try:
                with open(os.path.join(folder, "cgroup.procs"), "rb") as file:
                    yield from (int(line) for line in file if line.strip().isdigit())
            except OSError:
                continue

    def carriers(self, path: str | None, cgroup: str) -> list[Process]:
        """Return the processes of exactly this cgroup or below that carry a kernel id."""
        read = (self._read(pid) for pid in islice(self.pids(path), MOST_MEMBERS))
        return [
            process
            for process in read
            if process and process.ses not in {None, UNSET} and f"{process.cgroup}/".startswith(f"{cgroup}/")
        ]

    def unrecorded(
        self, recorded: Collection[tuple[str, int]], wanted: Collection[str] | None
    ) -> Iterator[tuple[str, int]]:
        """Yield id and uid of logins that have a scope and no record, of those that are wanted (None: any).

        Those that are wanted and recorded are not looked for: another user's login may have had the same id before.
        """
        if self._users is None or (wanted is not None and set(wanted) <= {login_id for login_id, _ in recorded}):
            return
        for name in _listed(self._users):
            user = _SLICE.fullmatch(name)
            for unit in _listed(os.path.join(self._users, name)) if user else ():
                scope = _SCOPE.fullmatch(unit)
                if not (scope and user) or (wanted is not None and scope[1] not in wanted):
                    continue
                if (scope[1], int(user[1])) not in recorded:
                    yield scope[1], int(user[1])


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
