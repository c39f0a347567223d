r"""Password checks with a cache of correct passwords. The backends are called in order: the user file, then PAM.

Windows clients send names as ``DOMAIN\name``, ``.\name`` or ``name@realm``. The part up to the first backslash is
removed, or without a backslash the part from the first @. Therefore, a name means the same user in all domains, and
names in the user file cannot contain these characters.

Checking a password is expensive (argon2), and some clients open a connection for each request. So a correct password is
cached for 60 seconds, as a hash of name and password with a key that only this process has. The cache is cleared when
the user file changes. An account that PAM would reject by now is accepted for the rest of the 60 seconds, but whether
the account exists, and whether it is an administrator, is looked up each time.
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

CACHE_SECONDS = 60.0
"""Seconds for which a correct password is cached."""

MAX_CACHED = 1024
MAX_NAME_LENGTH = 256
MAX_PASSWORD_LENGTH = 512


def _same_caller(caller: Caller) -> Caller:
    return caller


def _no_version() -> None:
    return None


class PasswordBackend(NamedTuple):
    """A password backend: ``verify`` checks a password; ``refresh`` looks a cached caller up again (None: removed)."""

    verify: Callable[[str, str], Caller | None]
    refresh: Callable[[Caller], Caller | None] = _same_caller


class _CachedLogin(NamedTuple):
    expires: float
    backend: PasswordBackend
    caller: Caller


class Passwords:
    """Checks passwords and caches correct ones: wait for ``delay`` in the event loop, then ``verify`` in a thread."""

    def __init__(
        self,
        backends: Sequence[PasswordBackend],
        throttle: Throttle,
        clock: Callable[[], float] = time.monotonic,
        version: Callable[[], object] = _no_version,
    ) -> None:
        """Initialize with the backends in their order; the cache is valid while ``version`` returns the same value."""
        self._backends, self._throttle, self._clock, self._version = tuple(backends), throttle, clock, version
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._logins: OrderedDict[bytes, _CachedLogin] = OrderedDict()
        self._logins_version: object = None

    def delay(self, name: str, address: str) -> float:
        """Return how many seconds to wait before ``verify`` is called.

        Raises:
            ServerTooBusyError: too many attempts from this address are waiting already.
        """
        return self._throttle.delay(address, _throttle_key(name))

    def is_delayed(self, name: str, address: str) -> bool:
        """Return whether ``delay`` would return more than 0, or raise an error."""
        return self._throttle.is_delayed(address, _throttle_key(name))

    def is_known(self, name: str, address: str) -> bool:
        """Return whether this user has authenticated from this address before."""
        return self._throttle.is_known(address, _throttle_key(name))

    def verify(self, name: str, password: str, address: str) -> Caller | None:
        """Return the caller with this name and password; None if they are wrong, or the account is disabled.

        Raises:
            ServerTooBusyError: there were too many failed attempts; this one was not checked.
        """
        # The attempt is counted before the check: otherwise, many attempts at once could get past the limit. It is
        # counted for a cached password, too: otherwise, a correct guess would still be accepted over the limit.
        self.begin(name, address)
        user = strip_domain(name)
        if not (0 < len(user) <= MAX_NAME_LENGTH and 0 < len(password) <= MAX_PASSWORD_LENGTH):
            return None
        version, digest = self._version(), self._digest(user, password)
        cached_login = self._find_cached(version, digest)
        if cached_login is None:
            caller = self._call_backends(user, password, version, digest)
        else:
            caller = cached_login.backend.refresh(cached_login.caller)
        if caller is not None:
            self.succeeded(name, address)
        return caller

    def _call_backends(self, user: str, password: str, version: object, digest: bytes) -> Caller | None:
        """Call the backends in their order, and cache a correct password."""
        for backend in self._backends:
            caller = backend.verify(user, password)
            if caller is not None:
                self._cache(version, digest, backend, caller)
                return caller
        return None

    def begin(self, name: str, address: str) -> None:
        """Count an attempt as a failure before it is checked, whatever its scheme.

        Raises:
            ServerTooBusyError: there were too many failed attempts; this one must not be checked.
        """
        self._throttle.begin(address, _throttle_key(name))

    def succeeded(self, name: str, address: str) -> None:
        """Uncount the attempt, and earlier failures of this user from this address."""
        self._throttle.succeeded(address, _throttle_key(name))

    def _find_cached(self, version: object, digest: bytes) -> _CachedLogin | None:
        with self._lock:
            if version != self._logins_version:
                self._logins.clear()
                self._logins_version = version
            cached_login = self._logins.get(digest)
        return cached_login if cached_login is not None and self._clock() < cached_login.expires else None

    def _cache(self, version: object, digest: bytes, backend: PasswordBackend, caller: Caller) -> None:
        with self._lock:
            # If the user file changed during the check, the result may come from its old content.
            if version == self._logins_version:
                self._logins[digest] = _CachedLogin(self._clock() + CACHE_SECONDS, backend, caller)
                self._logins.move_to_end(digest)
                if len(self._logins) > MAX_CACHED:
                    self._logins.popitem(last=False)

    def _digest(self, name: str, password: str) -> bytes:
        # The length keeps name and password apart: "ab" with "c" differs from "a" with "bc".
        return hmac.digest(self._key, f"{len(name)}:{name}{password}".encode(errors="surrogatepass"), "sha256")


def strip_domain(name: str) -> str:
    """Return a name without the domain or realm that clients add."""
    _, backslash, account = name.partition("\\")
    return account if backslash else name.partition("@")[0]


def _throttle_key(name: str) -> str:
    """Return the name that failures are counted for: without domain, folded in case, and cut to MAX_NAME_LENGTH."""
    return strip_domain(name)[:MAX_NAME_LENGTH].casefold()
