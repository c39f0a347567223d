"""Tokens: secrets for programs, with an expiry and a scope. A file has a line for each token, with its hash.

A line is ``name:uid:role:scope:expiry:hosts:hash``. The role is as in the user file. The expiry is in seconds since
1970. The hosts are patterns: the token is valid on hosts whose name matches a pattern. So one file can be installed on
many hosts. A running server reads a changed file again.

A token has 256 random bits and cannot be guessed from its hash. So a plain SHA-256 suffices, which is cheap to check.
Passwords can be guessed, and need argon2.
"""

import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from logonscope.broker import Caller
from logonscope.errors import InvalidParameterError, LogonscopeError, NotFoundError
from logonscope.server.auth.private_file import read, rewrite, signature
from logonscope.server.auth.user_line import MAX_UID

PREFIX = "lgs_"
"""The beginning of every token, by which scanners find tokens in source code."""

READ, ACT = "read", "act"
"""Scopes: READ allows queries; ACT also allows methods that change something."""

MAX_TOKENS = 10_000
MAX_SECONDS = 366 * 86_400
"""Maximum lifetime of a token. A token whose line has a later expiry is rejected."""

CLOCK_SLACK_SECONDS = 86_400
"""Seconds that the clock of this host may be behind the clock of the host where a token was added."""

MAX_EXPIRY = 99_999_999_999
"""Maximum expiry in a file: ``datetime`` has no time after the year 9999."""

MAX_HOSTS = 100
"""Maximum number of host patterns of a token."""

ALL_HOSTS = ("*",)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_HOST = re.compile(r"[a-z0-9*?][a-z0-9*?.-]{0,252}")
_LINE = re.compile(
    r"(?P<name>[^:]+):(?P<uid>[0-9]{0,10}):(?P<role>user|administrator):(?P<scope>read|act):(?P<expiry>[0-9]{1,20})"
    r":(?P<hosts>[^:]+):(?P<hash>[0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its name, whose logon sessions it sees, what it may do, until when, and on which hosts."""

    name: str
    uid: int | None
    administrator: bool
    scope: str
    expiry: int
    hosts: tuple[str, ...]
    hash: str = field(repr=False)

    @property
    def expires(self) -> datetime:
        """Return the time at which the token expires."""
        return datetime.fromtimestamp(self.expiry, UTC)

    @property
    def caller(self) -> Caller:
        """Return the caller that the broker uses for this token."""
        return Caller(f"token {self.name}", self.uid, self.administrator, read_only=self.scope == READ)

    @property
    def line(self) -> str:
        """Return the line that the token has in the file."""
        uid = "" if self.uid is None else self.uid
        role = "administrator" if self.administrator else "user"
        return f"{self.name}:{uid}:{role}:{self.scope}:{self.expiry}:{','.join(self.hosts)}:{self.hash}"

    def is_valid_on(self, host: str) -> bool:
        """Return whether the token is valid on the host of this name, with or without its domain."""
        names = {host.lower(), host.lower().partition(".")[0]}
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.hosts)


class TokenFile:
    """The tokens in a file; ``find_caller`` may be called from many threads."""

    def __init__(
        self,
        path: str,
        report: Callable[[object], object] = str,
        clock: Callable[[], float] = time.time,
        host: str | None = None,
    ) -> None:
        """Initialize without reading the file, which may be missing.

        Args:
            path: the file.
            report: called with the error when the file becomes invalid or unreadable, which revokes all tokens.
            clock: returns the seconds since 1970.
            host: the name of this host; None: the kernel's hostname.
        """
        self._host = os.uname().nodename if host is None else host
        self.path = path
        self._report, self._clock = report, clock
        self._lock = threading.Lock()
        self._signature: tuple[int, ...] | None = None  # of the content read last; None: the file is read again
        self._reported_errors = set[str]()
        self._by_hash: dict[str, Token] = {}

    def find_caller(self, text: str) -> Caller | None:
        """Return the caller of a token.

        None: there is no such token, it has expired, would be valid for too long, or is for other hosts.
        """
        if not text.startswith(PREFIX):
            return None
        # The lookup by hash needs no comparison in constant time: the time depends on the hash, not on the token.
        token = self._current_tokens().get(_hash(text))
        now = self._clock()
        if token is None or token.expiry <= now or not token.is_valid_on(self._host):
            return None
        if token.expiry > now + MAX_SECONDS + CLOCK_SLACK_SECONDS:
            reason = f"{self.path}: token {token.name!r} is rejected: it would be valid for more than 366 days"
            self._report_once(InvalidParameterError(reason, "remove it, and add another one"))
            return None
        return token.caller

    def tokens(self) -> Sequence[Token]:
        """Return all tokens of the file, the expired ones too.

        Raises:
            LogonscopeError: the file is invalid, or cannot be read.
        """
        return _parse(read(self.path), self.path) if signature(self.path) else ()

    def add(
        self,
        name: str,
        *,
        uid: int | None,
        administrator: bool,
        scope: str,
        seconds: float,
        hosts: Sequence[str] = ALL_HOSTS,
    ) -> tuple[Token, str]:
        """Add a token; return it, and its text, which cannot be read again.

        Raises:
            InvalidParameterError: the name is taken, an argument is invalid, the token could see nothing, or more than
                its role says, or the file is invalid or has too many tokens.
            AccessDeniedError: no permission to write the file.
        """
        if not 0 < seconds <= MAX_SECONDS:
            raise InvalidParameterError("invalid expiry: expected at most 366 days", "give --expires 30d")
        expiry = int(self._clock() + seconds)
        _check(name, uid, expiry, hosts, administrator=administrator)
        text = PREFIX + secrets.token_urlsafe(32)
        token = Token(name, uid, administrator, scope, expiry, tuple(hosts), _hash(text))

        def append_line(data: bytes) -> bytes:
            tokens = _parse(data, self.path)
            if any(token.name == name for token in tokens):
                raise InvalidParameterError(
                    f"{self.path} has a token {name!r}", "remove it first, or give another name"
                )
            if len(tokens) >= MAX_TOKENS:
                raise InvalidParameterError(f"{self.path} has {MAX_TOKENS:,} tokens", "remove some")
            return data + f"{token.line}\n".encode()

        rewrite(self.path, append_line)
        return token, text

    def remove(self, name: str) -> None:
        """Remove a token.

        Raises:
            NotFoundError: there is no such token.
            InvalidParameterError: the file is invalid.
            AccessDeniedError: no permission to write the file.
        """
        missing = NotFoundError(
            f"{self.path} has no token {name!r}", f"see `logonscope token list --tokens {self.path}`"
        )
        if not signature(self.path):
            raise missing

        def remove_line(data: bytes) -> bytes:
            tokens = _parse(data, self.path)
            other_tokens = [token for token in tokens if token.name != name]
            if len(other_tokens) == len(tokens):
                raise missing
            return "".join(f"{token.line}\n" for token in other_tokens).encode()

        rewrite(self.path, remove_line)

    def _current_tokens(self) -> dict[str, Token]:
        with self._lock:
            data: bytes | None = None
            try:
                # The signature is taken before the file is read: a change during the reading is then seen next time.
                new_signature = signature(self.path)
                if new_signature == self._signature:
                    return self._by_hash
                data = read(self.path) if new_signature else b""
                self._by_hash = {token.hash: token for token in _parse(data, self.path)}
                self._signature = new_signature
                self._reported_errors.clear()
            except LogonscopeError as error:
                # An invalid file revokes all tokens, because it does not show which of them were removed. The file is
                # parsed again when it changes. A file that could not be read is read again at the next request.
                self._by_hash, self._signature = {}, None if data is None else new_signature
                self._report_once(error)
            return self._by_hash

    def _report_once(self, error: LogonscopeError) -> None:
        """Report an error, unless it was reported already since the file was read without an error."""
        if str(error) not in self._reported_errors:
            self._reported_errors.add(str(error))
            self._report(error)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _parse(data: bytes, file_name: str) -> list[Token]:
    """Parse the lines of a token file; ``file_name`` is used in messages.

    Raises:
        InvalidParameterError: a line is invalid; the message has the number of the line, but never the hash in it.
    """
    tokens = list[Token]()
    for number, line in enumerate(data.decode("ascii", "replace").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or not _NAME.fullmatch(match["name"]):
            reason = f"{file_name}, line {number}: expected name:uid:role:scope:expiry:hosts:hash"
            raise InvalidParameterError(reason, "correct the line or remove it")
        uid, is_administrator = int(match["uid"]) if match["uid"] else None, match["role"] == "administrator"
        hosts = tuple(match["hosts"].split(","))
        try:
            _check(match["name"], uid, int(match["expiry"]), hosts, administrator=is_administrator)
        except InvalidParameterError as error:
            reason = f"{file_name}, line {number}: {error.message}"
            raise InvalidParameterError(reason, "correct the line or remove it") from None
        expiry = int(match["expiry"])
        tokens.append(Token(match["name"], uid, is_administrator, match["scope"], expiry, hosts, match["hash"]))
    return tokens


def _check(name: str, uid: int | None, expiry: int, hosts: Sequence[str], *, administrator: bool) -> None:
    """Check the values of a token.

    Raises:
        InvalidParameterError: a value is invalid, or the token could see nothing, or more than its role says.
    """
    if not _NAME.fullmatch(name):
        reason = (
            f"invalid name {name[:80]!r}: expected at most 64 letters, digits and _.@-, the first a letter or digit"
        )
        raise InvalidParameterError(reason, "give another name")
    if uid is not None and not 0 <= uid <= MAX_UID:
        raise InvalidParameterError(f"invalid uid {uid}: expected 0 to {MAX_UID}", "give --uid")
    if not administrator and uid in {None, 0}:
        raise InvalidParameterError("a token needs a uid above 0, or --administrator", "give --uid, or --administrator")
    if not 0 < len(hosts) <= MAX_HOSTS or not all(map(_HOST.fullmatch, hosts)):
        reason = f"invalid hosts: expected 1 to {MAX_HOSTS} names of hosts in small letters, with * and ? as wildcards"
        raise InvalidParameterError(reason, "give --hosts web1,db*")
    if expiry > MAX_EXPIRY:
        raise InvalidParameterError("invalid expiry: expected seconds since 1970, at most 11 digits", "give --expires")
