"""Watch on logins: inotify(7) on the records of the login service, and a pidfd of each leader."""

import ctypes
import os
import select
from collections.abc import Iterable

from logonscope.facts import Login

MAX_LEADERS = 4096
"""Maximum number of leaders that are watched: each is an open file."""

_IN_MOVED_TO, _IN_DELETE, _IN_CLOSE_WRITE, _IN_CREATE = 0x80, 0x200, 0x8, 0x100
_MASK = _IN_MOVED_TO | _IN_DELETE | _IN_CLOSE_WRITE
_READ_BYTES = 65_536

_LeaderKey = tuple[int, int | None]


class LoginWatch:
    """Watches for changes of login records and for ends of leaders, with one descriptor for both."""

    def __init__(self, folders: Iterable[str], parent_folder: str, max_leaders: int = MAX_LEADERS) -> None:
        """Watch the folders that exist; if one of them does not exist yet, watch the parent folder, too."""
        library = ctypes.CDLL(None, use_errno=True)
        self._add_watch = library.inotify_add_watch
        self._inotify = int(library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._folders, self._parent_folder, self._max_leaders = tuple(folders), parent_folder, max_leaders
        self._leaders: dict[_LeaderKey, int] = {}
        self._keys: dict[int, _LeaderKey] = {}  # pidfd -> leader
        self._ended: set[_LeaderKey] = set()  # leaders that have ended, as long as logins name them
        self._epoll = select.epoll()
        if self._inotify >= 0:
            self._epoll.register(self._inotify, select.EPOLLIN)
        self._watch_folders()

    def __repr__(self) -> str:
        return f"<LoginWatch on {len(self._leaders)} leaders>"

    @property
    def is_complete(self) -> bool:
        """Return whether inotify is available and all folders exist, so that the parent folder need not be watched."""
        return self._inotify >= 0 and all(map(os.path.isdir, self._folders))

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when a record changes or a leader ends."""
        return self._epoll.fileno()

    def read(self) -> bool:
        """Take the changes until now from the queues; return whether there were any."""
        has_changed = False
        while descriptors := [descriptor for descriptor, _ in self._epoll.poll(0)]:
            has_changed = True
            for descriptor in descriptors:
                if descriptor == self._inotify:
                    self._read_folders()
                else:
                    self._note_end(descriptor)
        return has_changed

    def watch_leaders(self, logins: Iterable[Login]) -> list[int]:
        """Watch only the leaders of these logins; return the pids of the leaders that cannot be watched.

        These include leaders that have ended but are still zombies.
        """
        leader_keys = {
            (login.process.pid, login.process.start) for login in logins if login.process is not None and not login.gone
        }
        self._ended &= leader_keys
        leader_keys -= self._ended
        for key in [key for key in self._leaders if key not in leader_keys]:
            self._forget(self._leaders[key])
        unwatched = [pid for pid, _ in self._ended]
        for key in leader_keys - set(self._leaders):
            try:
                descriptor = os.pidfd_open(key[0]) if len(self._leaders) < self._max_leaders else -1
            except OSError:
                descriptor = -1
            if descriptor < 0:
                unwatched.append(key[0])
                continue
            self._leaders[key] = descriptor
            self._keys[descriptor] = key
            self._epoll.register(descriptor, select.EPOLLIN)
        return unwatched

    def close(self) -> None:
        """Release the descriptors."""
        self._epoll.close()
        for descriptor in (self._inotify, *self._leaders.values()):
            if descriptor >= 0:
                os.close(descriptor)
        self._leaders.clear()
        self._keys.clear()

    def _read_folders(self) -> None:
        try:
            while os.read(self._inotify, _READ_BYTES):
                pass
        except BlockingIOError:
            pass
        self._watch_folders()  # a folder may be new

    def _note_end(self, descriptor: int) -> None:
        """Close the pidfd of a leader that has ended: an open pidfd would stay readable from then on."""
        self._ended.add(self._forget(descriptor))

    def _forget(self, descriptor: int) -> _LeaderKey:
        """Close the pidfd of a leader, and return the leader."""
        key = self._keys.pop(descriptor)
        del self._leaders[key]
        # close() alone does not unregister the pidfd while a child process that is being started has a copy of it
        self._epoll.unregister(descriptor)
        os.close(descriptor)
        return key

    def _watch_folders(self) -> None:
        # to watch a folder a second time changes nothing
        for folder in self._folders:
            self._add_watch(self._inotify, os.fsencode(folder), _MASK)
        if not self.is_complete:
            self._add_watch(self._inotify, os.fsencode(self._parent_folder), _IN_CREATE | _IN_MOVED_TO)
