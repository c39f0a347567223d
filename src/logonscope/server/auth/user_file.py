"""Who may come in without an account on this machine? Those in the user file, whose lines user_line.py explains.

The file is its owner's alone (mode 0600), who is root or whoever reads it. It is read again when it has changed. One
that was broken by hand is reported, and what it said before holds until it is mended; a file that is gone holds nobody.
"""

import contextlib
import os
import threading
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from Cryptodome.Hash import MD4

from logonscope.broker import Caller
from logonscope.errors import InvalidParameterError, LogonscopeError, NotFoundError
from logonscope.server.auth.private_file import Signature, read, rewrite, signature
from logonscope.server.auth.user_line import Line, User, check, key_of, line_of, parse

MEMORY, PASSES, LANES = 19_456, 2, 1
"""Of argon2id: KiB, iterations, threads (OWASP, Password Storage Cheat Sheet: the least for a server)."""

HASHER = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)

NOBODYS_HASH = f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"
"""What is verified where there is no such user, so that the answer takes as long as for another password."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 512
"""Characters (NIST SP 800-63B, 3.1.1.2): an overheard NTLM exchange can be guessed at without us."""


class UserFile:
    """The users in one file; every method may be called from any thread."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        report: Callable[[LogonscopeError], None] = lambda _: None,
        hasher: PasswordHasher = HASHER,
    ) -> None:
        """Take the path; ``report`` is told once of each error that keeps a changed file from being read."""
        self.path = os.path.abspath(path)
        self._report, self._hasher = report, hasher
        self._lock = threading.Lock()
        self._seen: Signature | None = None
        self._trouble = ""
        self._version = 0
        self._users: dict[str, User] = {}

    @property
    def version(self) -> int:
        """Return a number that is another one as soon as the file says something else."""
        self._current()
        return self._version

    def users(self) -> tuple[User, ...]:
        """Return all users in the order of the file; none where there is no file.

        Raises:
            AccessDeniedError: the file may not be read, or others may read or write it.
            InvalidParameterError: a line of it is none, or it could not be read.
        """
        return tuple(self._current().values())

    def has_ntlm_users(self) -> bool:
        """Return whether any user has an NT hash."""
        return any(user.nt_hash is not None for user in self._current().values())

    def find(self, name: str) -> User | None:
        """Return the user of this name, in any case."""
        return self._current().get(key_of(name))

    def lookup(self, name: str) -> tuple[Caller, bytes] | None:
        """Return who a user is and the NT hash, where there is one: what NTLM asks for."""
        user = self.find(name)
        return None if user is None or user.nt_hash is None else (user.caller, user.nt_hash)

    def verify(self, name: str, password: str) -> Caller | None:
        """Return who that is; None, after as long, for nobody and for another password."""
        user, secret = self.find(name), _normal(password)
        if secret is None:
            return None
        try:
            self._hasher.verify(NOBODYS_HASH if user is None else user.password_hash, secret)
        except (VerificationError, InvalidHashError):
            return None
        if user is not None and self._is_weak(user.password_hash):
            with contextlib.suppress(LogonscopeError):  # where the file is not ours to write, all is as it was
                self._rehash(user, secret)
        return None if user is None else user.caller

    def add(
        self, name: str, password: str, *, uid: int | None = None, administrator: bool = False, ntlm: bool = False
    ) -> User:
        """Add a user; the file is made where it is missing.

        Raises:
            InvalidParameterError: there is such a user, or there cannot be one.
            AccessDeniedError: the file may not be written.
        """
        secret = _normal(password)
        if secret is None or len(secret) < SHORTEST_PASSWORD:
            raise InvalidParameterError(
                f"that password has not {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", "choose another one"
            )
        user = User(name, uid, administrator, "", _nt_hash(secret) if ntlm else None)
        try:
            check(user)
        except ValueError as error:
            raise InvalidParameterError(str(error), "see `logonscope user add --help`") from None
        user = replace(user, password_hash=self._hasher.hash(secret))

        def added(lines: list[Line]) -> list[Line]:
            if any(line.key == key_of(name) for line in lines):
                raise InvalidParameterError(f"{self.path} has a user {name!r}", "remove that one first")
            return [*lines, line_of(user)]

        self._rewrite(added)
        return user

    def remove(self, name: str) -> None:
        """Remove a user.

        Raises:
            NotFoundError: there is none.
            AccessDeniedError: the file may not be written.
        """

        def removed(lines: list[Line]) -> list[Line]:
            kept = [line for line in lines if line.key != key_of(name)]
            if len(kept) == len(lines):
                raise missing
            return kept

        missing = NotFoundError(f"{self.path} has no user {name!r}", "see `logonscope user list`")
        if not signature(self.path):
            raise missing
        self._rewrite(removed)

    def _is_weak(self, password_hash: str) -> bool:
        """Tell whether less work went into a hash than would today; check_needs_rehash() would also weaken others."""
        made = extract_parameters(password_hash)
        return made.memory_cost * made.time_cost < self._hasher.memory_cost * self._hasher.time_cost

    def _rehash(self, user: User, secret: str) -> None:
        renewed = line_of(replace(user, password_hash=self._hasher.hash(secret)))
        self._rewrite(lambda lines: [renewed if line.user == user else line for line in lines])

    def _current(self) -> dict[str, User]:
        with self._lock:
            try:
                found = signature(self.path)
                if found != self._seen:
                    lines = parse(read(self.path), self.path) if found else ()
                    self._users = {line.key: line.user for line in lines if line.key and line.user}
                    self._seen, self._trouble = found, ""
                    self._version += 1
            except LogonscopeError as error:
                if self._seen is None:
                    raise
                if str(error) != self._trouble:
                    self._trouble = str(error)
                    self._report(error)
            return self._users

    def _rewrite(self, change: Callable[[list[Line]], Iterable[Line]]) -> None:
        def changed(data: bytes) -> bytes:
            return "".join(f"{line.text}\n" for line in change(list(parse(data, self.path)))).encode()

        rewrite(self.path, changed)


def _normal(password: str) -> str | None:
    """Return a password as all clients should write it (RFC 7617 2.1: NFC); None where it can be nobody's."""
    try:
        password.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return unicodedata.normalize("NFC", password) if 0 < len(password) <= LONGEST_PASSWORD else None


def _nt_hash(password: str) -> bytes:
    return MD4.new(password.encode("utf-16-le")).digest()  # noqa: S303 -- MS-NLMP 3.3.1, NTOWFv1, has no other
