r"""Is that the password, and whose? Each check is asked in its turn: the user file, then PAM.

Windows clients send names as ``DOMAIN\name``, ``.\name`` or ``name@realm``. What stands before the first backslash is
taken off; where there is none, what stands after an @. There is one set of names here, whatever domain a client thinks
that it is in, and the password decides; so no name of the user file has these characters.

A client that opens a connection a request would cost an argon2 a request. So whoever came in is remembered for a minute
under a keyed hash of name and password, with a key that no two processes share; all are forgotten as soon as the user
file changes. An account that PAM would not let in any more comes in for the rest of that minute; but whether there is
such an account, and whether it is an administrator's, is looked up each time.
"""

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple

from logonscope.broker import Caller
from logonscope.server.auth.throttle import Throttle

REMEMBERED = 60.0
"""Seconds."""

MOST_REMEMBERED = 1024
LONGEST_NAME = 256
LONGEST_PASSWORD = 512


class Check(NamedTuple):
    """Knows passwords; of whoever is remembered, ``anew`` says who that is by now: None for nobody any more."""

    verify: Callable[[str, str], Caller | None]
    anew: Callable[[Caller], Caller | None] = lambda caller: caller


class Remembered(NamedTuple):
    """A password that was right: until when that holds, who knew it, and whose it is."""

    end: float
    check: Check
    caller: Caller


class Passwords:
    """Asks and remembers: wait for ``delay`` in the event loop, then ``verify`` in a thread."""

    def __init__(
        self,
        checks: Sequence[Check],
        throttle: Throttle,
        clock: Callable[[], float] = time.monotonic,
        version: Callable[[], object] = lambda: None,
    ) -> None:
        """Take the checks in their order; what is remembered holds as long as ``version`` returns the same."""
        self._checks, self._throttle, self._clock, self._version = tuple(checks), throttle, clock, version
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, Remembered] = OrderedDict()
        self._of: object = None

    def delay(self, name: str, source: str) -> float:
        """Return how many seconds to wait before ``verify`` is called; not in a thread that others need.

        Raises:
            ServerTooBusyError: more attempts from there wait already than may.
        """
        return self._throttle.delay(source, _counted(name))

    def is_known(self, name: str, source: str) -> bool:
        """Return whether this user has authenticated from there."""
        return self._throttle.is_known(source, _counted(name))

    def verify(self, name: str, password: str, source: str) -> Caller | None:
        """Return the caller whose password it is; None if it is wrong.

        Raises:
            ServerTooBusyError: there were too many wrong passwords; this one was not looked at.
        """
        self.begin(name, source)  # also where it is remembered: else a right guess would be answered differently
        user = bare(name)
        if not (0 < len(user) <= LONGEST_NAME and 0 < len(password) <= LONGEST_PASSWORD):
            return None
        version, digest = self._version(), self._digest(user, password)
        known = self._remembered(version, digest)
        caller = self._checked(user, password, version, digest) if known is None else known.check.anew(known.caller)
        if caller is not None:
            self.succeeded(name, source)
        return caller

    def _checked(self, user: str, password: str, version: object, digest: bytes) -> Caller | None:
        """Ask each check, and remember who that is."""
        for check in self._checks:
            caller = check.verify(user, password)
            if caller is not None:
                self._remember(version, digest, Remembered(self._clock() + REMEMBERED, check, caller))
                return caller
        return None

    def begin(self, name: str, source: str) -> None:
        """Count an attempt as a failure before it is looked at, of whatever scheme.

        Raises:
            ServerTooBusyError: there were too many.
        """
        self._throttle.begin(source, _counted(name))

    def succeeded(self, name: str, source: str) -> None:
        """Take that back, and what this user failed at there before."""
        self._throttle.succeeded(source, _counted(name))

    def _remembered(self, version: object, digest: bytes) -> Remembered | None:
        with self._lock:
            if version != self._of:
                self._known.clear()
                self._of = version
            known = self._known.get(digest)
        return known if known is not None and self._clock() < known.end else None

    def _remember(self, version: object, digest: bytes, known: Remembered) -> None:
        with self._lock:
            if version == self._of:  # else the file changed meanwhile, and this may be what it said before
                self._known[digest] = known
                self._known.move_to_end(digest)
                if len(self._known) > MOST_REMEMBERED:
                    self._known.popitem(last=False)

    def _digest(self, name: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{len(name)}:{name}{password}".encode(errors="surrogatepass"), "sha256")


def bare(name: str) -> str:
    """Return the name without the domain or realm that a client puts to it."""
    _, backslash, account = name.partition("\\")
    return account if backslash else name.partition("@")[0]


def _counted(name: str) -> str:
    """Return the name under which failures are counted: one for all its cases, and no longer than a name can be."""
    return bare(name)[:LONGEST_NAME].casefold()
