"""The user file: users of the server that need no account on this machine. user_line.py describes its lines.

The file has mode 0600 and belongs to root or to the user that reads it. A changed file is read again. If it cannot be
read, the error is reported once, and the last good content is used until the file is corrected or removed. A missing
file has no users.
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
"""Parameters of argon2id: KiB, iterations, threads (the minimum of OWASP's Password Storage Cheat Sheet)."""

HASHER = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES)

UNKNOWN_USER_HASH = f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"
"""Verified in place of an unknown user's hash, so that the answer takes as long as for a wrong password."""

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 8, 512
"""Characters of a password (NIST SP 800-63B-3, 5.1.1.2).

A short password could be guessed from a recorded NTLM exchange, where the delays of this server do not apply.
"""


def _ignore_error(_: LogonscopeError) -> None:
    pass


class UserFile:
    """The users in one file; safe for threads."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        report: Callable[[LogonscopeError], None] = _ignore_error,
        hasher: PasswordHasher = HASHER,
    ) -> None:
        """Initialize with the path; ``report`` is called once for each error that prevents reading a changed file."""
        self.path = os.path.abspath(path)
        self._report, self._hasher = report, hasher
        self._lock = threading.Lock()
        self._signature: Signature | None = None
        self._reported_error = ""
        self._version = 0
        self._users: dict[str, User] = {}
        self._locked_names: dict[str, str] = {}

    @property
    def version(self) -> int:
        """Return a number that changes with each new content of the file that could be read.

        Raises:
            LogonscopeError: the file is invalid or cannot be read, and there is no earlier content.
        """
        self._current_users()
        return self._version

    def users(self) -> tuple[User, ...]:
        """Return all users in the order of the file; none if there is no file.

        Raises:
            LogonscopeError: the file is invalid or cannot be read, and there is no earlier content.
        """
        return tuple(self._current_users().values())

    def has_ntlm_users(self) -> bool:
        """Return whether any user has an NT hash."""
        return any(user.nt_hash is not None for user in self._current_users().values())

    def find(self, name: str) -> User | None:
        """Return the user of this name, in upper or lower case; None: there is no such user."""
        return self._current_users().get(key_of(name))

    def is_locked(self, name: str) -> bool:
        """Return whether a line of the file locks this name (see user_line.py)."""
        self._current_users()
        return key_of(name) in self._locked_names

    def locked_names(self) -> tuple[str, ...]:
        """Return the names that are locked, in the order of the file."""
        self._current_users()
        return tuple(self._locked_names.values())

    def lookup(self, name: str) -> tuple[Caller, bytes] | None:
        """Return the caller and the NT hash of a user, as NTLM needs them; None without user or hash."""
        user = self.find(name)
        return None if user is None or user.nt_hash is None else (user.caller, user.nt_hash)

    def verify(self, name: str, password: str) -> Caller | None:
        """Return the caller of a user; None, after the same time, for an unknown user and a wrong password."""
        user, secret = self.find(name), _normalize(password)
        if secret is None:
            return None
        try:
            self._hasher.verify(UNKNOWN_USER_HASH if user is None else user.password_hash, secret)
        except (VerificationError, InvalidHashError):
            return None
        # A stronger hash can be made only now, because it needs the password.
        if user is not None and self._is_weak(user.password_hash):
            with contextlib.suppress(LogonscopeError):  # a file that this process may not write keeps the old hash
                self._rehash(user, secret)
        return None if user is None else user.caller

    def add(
        self, name: str, password: str, *, uid: int | None = None, administrator: bool = False, ntlm: bool = False
    ) -> User:
        """Add a user; a missing file is created.

        Raises:
            InvalidParameterError: the user exists; its name, uid or password is invalid; or the file is invalid.
            AccessDeniedError: no permission to write the file.
        """
        secret = _normalize(password)
        if secret is None or len(secret) < MIN_PASSWORD_LENGTH:
            raise InvalidParameterError(
                f"the password must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters",
                "choose another password",
            )
        user = User(name, uid, administrator, "", _nt_hash(secret) if ntlm else None)
        try:
            check(user)
        except ValueError as error:
            raise InvalidParameterError(str(error), "see `logonscope user add --help`") from None
        user = replace(user, password_hash=self._hasher.hash(secret))

        def append_line(lines: list[Line]) -> list[Line]:
            if any(line.key == key_of(name) for line in lines):
                raise InvalidParameterError(f"{self.path} already has a user {name!r}", "remove that user first")
            return [*lines, line_of(user)]

        self._rewrite(append_line)
        return user

    def remove(self, name: str) -> None:
        """Remove a user.

        Raises:
            NotFoundError: there is no such user.
            InvalidParameterError: the file is invalid.
            AccessDeniedError: no permission to write the file.
        """

        def remove_line(lines: list[Line]) -> list[Line]:
            remaining_lines = [line for line in lines if line.key != key_of(name)]
            if len(remaining_lines) == len(lines):
                raise missing
            return remaining_lines

        missing = NotFoundError(f"{self.path} has no user {name!r}", f"see `logonscope user list --users {self.path}`")
        # A missing file is an error here, since _rewrite would create it.
        if not signature(self.path):
            raise missing
        self._rewrite(remove_line)

    def _is_weak(self, password_hash: str) -> bool:
        """Return whether a hash was made with weaker parameters than a new one would be."""
        # check_needs_rehash() compares for equality: it would also replace stronger hashes.
        parameters = extract_parameters(password_hash)
        return parameters.memory_cost * parameters.time_cost < self._hasher.memory_cost * self._hasher.time_cost

    def _rehash(self, user: User, secret: str) -> None:
        new_line = line_of(replace(user, password_hash=self._hasher.hash(secret)))

        def replace_line(lines: list[Line]) -> list[Line]:
            return [new_line if line.user == user else line for line in lines]

        self._rewrite(replace_line)

    def _current_users(self) -> dict[str, User]:
        """Return the users by key, after reading the file again if it has changed."""
        with self._lock:
            try:
                # The signature is taken before the file is read: a change during the reading is then seen next time.
                new_signature = signature(self.path)
                if new_signature != self._signature:
                    lines = parse(read(self.path), self.path) if new_signature else ()
                    self._users = {line.key: line.user for line in lines if line.key and line.user}
                    self._locked_names = {line.key: line.name for line in lines if line.key and not line.user}
                    self._signature, self._reported_error = new_signature, ""
                    self._version += 1
            except LogonscopeError as error:
                # Without an earlier good content there is nothing to fall back to.
                if self._signature is None:
                    raise
                if str(error) != self._reported_error:
                    self._reported_error = str(error)
                    self._report(error)
            return self._users

    def _rewrite(self, change: Callable[[list[Line]], Iterable[Line]]) -> None:
        def change_bytes(data: bytes) -> bytes:
            return "".join(f"{line.text}\n" for line in change(list(parse(data, self.path)))).encode()

        rewrite(self.path, change_bytes)


def _normalize(password: str) -> str | None:
    """Return a password in the form that all clients should send (RFC 7617 2.1: NFC); None if it cannot be valid."""
    try:
        password.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return unicodedata.normalize("NFC", password) if 0 < len(password) <= MAX_PASSWORD_LENGTH else None


def _nt_hash(password: str) -> bytes:
    return MD4.new(password.encode("utf-16-le")).digest()  # noqa: S303 -- MS-NLMP 3.3.1, NTOWFv1, has no other
