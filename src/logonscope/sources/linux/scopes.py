"""Cgroup directories of logins: their inodes, the kernel ids that their processes carry, and logins without a record.

Only root can make a directory directly in /user.slice/user-UID.slice. So a scope there proves its login even if the
login service has deleted the record of the login.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from itertools import islice

from logonscope.facts import UNSET, Process

MAX_MEMBERS = 64
"""Maximum number of processes of one scope whose kernel ids are read."""

HIERARCHIES = ("sys/fs/cgroup", "sys/fs/cgroup/unified", "sys/fs/cgroup/systemd")
_LOGIN_CGROUP = r"/user\.slice/user-([0-9]{1,10})\.slice/(?:session-[0-9A-Za-z]{1,32}\.scope|user@\1\.service)(?:/|$)"
_SLICE = r"user-([0-9]{1,10})\.slice"
_SCOPE = r"session-([0-9A-Za-z]{1,32})\.scope"


class Scopes:
    """The cgroup directories of logins below a root."""

    def __init__(self, root: str, read: Callable[[int], Process | None]) -> None:
        """Prepare the reading below a root; ``read`` reads ses, loginuid, cgroup and start of one process."""
        self._root, self._read = root, read

    @cached_property
    def _user_slice(self) -> str | None:
        """Return the directory of user.slice in the hierarchy of the login service; None where there is none."""
        paths = (os.path.join(self._root, hierarchy, "user.slice") for hierarchy in HIERARCHIES)
        return next((path for path in paths if os.path.isdir(path)), None)

    def unit_path(self, uid: int, unit: str) -> str | None:
        """Return the directory of a unit in a user's slice; None where there is no user.slice."""
        return self._user_slice and os.path.join(self._user_slice, f"user-{uid}.slice", unit)

    def elogind_path(self, login_id: str) -> str | None:
        """Return the directory that elogind made for a login, in its own hierarchy or in cgroup2, if it made one."""
        paths = (os.path.join(self._root, "sys/fs/cgroup", hierarchy, login_id) for hierarchy in ("elogind", ""))
        return next((path for path in paths if os.path.isdir(path)), None)

    def inode(self, path: str | None) -> int | None:
        """Return the inode of a directory; None where it does not exist."""
        try:
            return None if path is None else os.stat(path).st_ino
        except OSError:
            return None

    def pids(self, path: str | None) -> Iterator[int]:
        """Yield the pids of a cgroup and of all cgroups below it."""
        for folder, _, _ in os.walk(path) if path else ():
            try:
                with open(os.path.join(folder, "cgroup.procs"), "rb") as file:
                    yield from (int(line) for line in file if line.strip().isdigit())
            except OSError:
                continue

    def processes_with_kernel_id(self, path: str | None, cgroup: str) -> list[Process]:
        """Return the processes with a kernel id among the first MAX_MEMBERS processes in a cgroup or below it.

        Args:
            path: the directory of the cgroup.
            cgroup: the cgroup, as /proc/PID/cgroup has it.
        """
        # the cgroup is compared, because since the list was read, a pid may have been reused, or a process moved
        members = (self._read(pid) for pid in islice(self.pids(path), MAX_MEMBERS))
        return [
            process
            for process in members
            if process and process.ses not in {None, UNSET} and f"{process.cgroup}/".startswith(f"{cgroup}/")
        ]

    def logins_without_record(
        self, recorded: Collection[tuple[str, int]], login_ids: Collection[str] | None
    ) -> Iterator[tuple[str, int]]:
        """Yield id and uid of the logins that have a scope and no record.

        Args:
            recorded: id and uid of the logins with a record.
            login_ids: the ids to look for; None: any. If all these ids have a record, no directory is read.
        """
        recorded_ids = {login_id for login_id, _ in recorded}
        if self._user_slice is None or (login_ids is not None and set(login_ids) <= recorded_ids):
            return
        for name in list_folder(self._user_slice):
            user = re.fullmatch(_SLICE, name)
            for unit in list_folder(os.path.join(self._user_slice, name)) if user else ():
                scope = re.fullmatch(_SCOPE, unit)
                if not (scope and user) or (login_ids is not None and scope[1] not in login_ids):
                    continue
                # the uid counts, too: before a restart of the login service, another user's login may have had the id
                if (scope[1], int(user[1])) not in recorded:
                    yield scope[1], int(user[1])


def is_login_cgroup(cgroup: str) -> bool:
    """Return whether a cgroup is, or may be, the login cgroup of a login or user manager, or a cgroup below one.

    elogind names the cgroup of a login after its login id: /41 or /c1.
    """
    return re.match(_LOGIN_CGROUP, cgroup) is not None or cgroup[1:2].isdigit() or cgroup.startswith("/c")


def list_folder(folder: str) -> list[str]:
    """Return the sorted names in a folder; no names if the folder cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
