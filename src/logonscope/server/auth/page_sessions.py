"""Sessions of users who signed in to the page, in the memory of this process: a restart of the server ends them all.

The cookie alone does not authenticate a request, since browsers send it to every port of the host: each request also
needs the session's CSRF token, which the page keeps under its own origin.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from logonscope.broker import Caller
from logonscope.server.auth.user_line import User

SESSION_SECONDS = 12 * 3600
CHECK_SECONDS = 60.0
"""Seconds after which an account is looked up again: it may have been removed, or have expired."""

MAX_SESSIONS, MAX_SESSIONS_OF_A_USER = 10_000, 20


@dataclass
class _Session:
    caller: Caller
    end: float
    password_hash: str | None  # None: the user is not in the user file, but an account
    next_check: float  # when the account is looked up again


class PageSessions:
    """The sessions of all users; safe for threads.

    Users of the user file lose their sessions when they are removed or get another password. Other users are accounts
    of this machine. They lose their sessions when the account may not log in any more, for example after its removal or
    expiry, but not when its password is changed or locked.
    """

    def __init__(
        self,
        find_user: Callable[[str], User | None],
        find_account: Callable[[str], Caller | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Initialize without sessions.

        Args:
            find_user: returns the user of a name in the user file; None: there is no such user.
            find_account: returns the caller of an account; None: the account may not log in, or does not exist.
            clock: returns seconds that never decrease, whatever the system time does.
        """
        self._find_user, self._find_account, self._clock = find_user, find_account, clock
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._by_hash: OrderedDict[bytes, _Session] = OrderedDict()

    def begin(self, caller: Caller) -> tuple[str, str]:
        """Begin a session of a user who has just authenticated; return its cookie and its CSRF token."""
        cookie, now, user = secrets.token_urlsafe(32), self._clock(), self._find_user(caller.name)
        password_hash = user.password_hash if user is not None and user.caller == caller else None
        with self._lock:
            self._make_room(caller.name, now)
            session = _Session(caller, now + SESSION_SECONDS, password_hash, now + CHECK_SECONDS)
            self._by_hash[_hash(cookie)] = session
        return cookie, self._csrf_token(cookie)

    def find_caller(self, cookie: str, csrf_token: str) -> Caller | None:
        """Return the user of a session, limited to reading; None: the CSRF token is wrong, or the session has ended."""
        if not hmac.compare_digest(self._csrf_token(cookie).encode(), csrf_token.encode(errors="replace")):
            return None
        with self._lock:
            session = self._by_hash.get(_hash(cookie))
        if session is None:
            return None
        caller = self._current_caller(session)
        if caller is None:
            self.end(cookie)
            return None
        return caller._replace(read_only=True)

    def end(self, cookie: str) -> None:
        """End a session."""
        with self._lock:
            self._by_hash.pop(_hash(cookie), None)

    def end_all(self, name: str) -> None:
        """End all sessions of a user."""
        with self._lock:
            for key in self._keys_of(name):
                del self._by_hash[key]

    def _current_caller(self, session: _Session) -> Caller | None:
        """Return the user of a session with the current rights; None if the session has to end."""
        now = self._clock()
        if now >= session.end:
            return None
        if session.password_hash is not None:
            user = self._find_user(session.caller.name)
            return user.caller if user is not None and user.password_hash == session.password_hash else None
        if now >= session.next_check:
            caller = self._find_account(session.caller.name)
            if caller is None:
                return None
            session.caller, session.next_check = caller, now + CHECK_SECONDS
        return session.caller

    def _make_room(self, name: str, now: float) -> None:
        """Remove sessions that have ended. If the user or all users still have too many, remove the oldest ones."""
        for key in [key for key, session in self._by_hash.items() if now >= session.end]:
            del self._by_hash[key]
        keys = self._keys_of(name)
        for key in keys[: max(0, len(keys) - MAX_SESSIONS_OF_A_USER + 1)]:
            del self._by_hash[key]
        while len(self._by_hash) >= MAX_SESSIONS:
            self._by_hash.popitem(last=False)

    def _keys_of(self, name: str) -> list[bytes]:
        return [key for key, session in self._by_hash.items() if session.caller.name == name]

    def _csrf_token(self, cookie: str) -> str:
        return hmac.new(self._key, cookie.encode(), "sha256").hexdigest()


def _hash(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode()).digest()
