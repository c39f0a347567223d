"""Watch on logins: inotify(7) on the records of the login service, and a pidfd of each leader."""

import ctypes
import os
from collections.abc import Iterable

from logonscope.facts import Login

MAX_LEADERS = 4096
"""Maximum number of leaders that are watched: each is an open file."""

_IN_MOVED_TO, _IN_DELETE, _IN_CLOSE_WRITE, _IN_CREATE = 0x80, 0x200, 0x8, 0x100
_MASK = _IN_MOVED_TO | _IN_DELETE | _IN_CLOSE_WRITE
_READ_BYTES = 65_536

_LeaderKey = tuple[int, int | None]


class LoginWatch:
    """Changes of login records, and ends of leaders."""

    def __init__(self, folders: Iterable[str], parent_folder: str) -> None:
        """Watch folders that exist, and their parent for those that do not exist yet."""
        library = ctypes.CDLL(None, use_errno=True)
        self._add = library.inotify_add_watch
        self._descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self._folders, self._parent_folder = tuple(folders), parent_folder
        self._leaders: dict[_LeaderKey, int] = {}
        self._keys: dict[int, _LeaderKey] = {}  # pidfd -> leader
        self._ended: set[_LeaderKey] = set()  # leaders that have ended and are not reaped yet
        self._watch_folders()

    def __repr__(self) -> str:
        return f"<LoginWatch on {len(self._leaders)} leaders>"

    @property
    def is_complete(self) -> bool:
        """Return whether all folders exist and are watched."""
        return self._descriptor >= 0 and all(map(os.path.isdir, self._folders))

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a record changes."""
        return int(self._descriptor)

    def read(self) -> bool:
        """Forget the changes until now; return whether there were any."""
        has_changed = False
        while True:
            try:
                data = os.read(self._descriptor, _READ_BYTES)
            except OSError:
                break
            if not data:
                break
            has_changed = True
        if has_changed:
            self._watch_folders()  # one may be new
        return has_changed

    def watch_leaders(self, logins: Iterable[Login]) -> tuple[list[int], list[int]]:
        """Watch the leaders of these logins alone; return new pidfds, and those that are to be forgotten."""
        leader_keys = {
            (login.process.pid, login.process.start) for login in logins if login.process is not None and not login.gone
        }
        self._ended &= leader_keys
        leader_keys -= self._ended
        new, old = list[int](), list[int]()
        for key in [key for key in self._leaders if key not in leader_keys]:
            old.append(self._leaders.pop(key))
            del self._keys[old[-1]]
        for key in leader_keys - set(self._leaders):
            if len(self._leaders) >= MAX_LEADERS:
                break
            try:
                descriptor = os.pidfd_open(key[0])
            except OSError:
                continue
            self._leaders[key] = descriptor
            self._keys[descriptor] = key
            new.append(descriptor)
        return new, old

    def note_end(self, descriptor: int) -> None:
        """Close the pidfd of a leader that has ended: it would stay readable, also while the leader is a zombie."""
        key = self._keys.pop(descriptor)
        del self._leaders[key]
        self._ended.add(key)
        os.close(descriptor)

    def is_pidfd(self, descriptor: int) -> bool:
        """Return whether a descriptor is that of a leader."""
        return descriptor in self._keys

    def close(self) -> None:
        """Release the descriptors."""
        for descriptor in (self._descriptor, *self._leaders.values()):
            os.close(descriptor)
        self._leaders.clear()
        self._keys.clear()

    def _watch_folders(self) -> None:
        # watching a folder that is watched already changes nothing
        for folder in self._folders:
            self._add(self._descriptor, os.fsencode(folder), _MASK)
        if not self.is_complete:
            self._add(self._descriptor, os.fsencode(self._parent_folder), _IN_CREATE | _IN_MOVED_TO)
