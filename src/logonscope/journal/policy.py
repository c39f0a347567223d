"""Policy of the journal: which processes are kept, with how much of their command lines, and for how long."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from logonscope.errors import InvalidParameterError

CommandLines = Literal["off", "name", "full"]

DAY_MS = 86_400_000
MIN_BYTES = 16 << 20
"""Minimum of ``Policy.max_bytes``: the event log, the clock map and empty tables alone take some MB."""

MAX_ARGV_LENGTH = 32_767
"""Maximum bytes of a command line that are kept."""

REDACTED = b"[redacted]"

DEFAULT_REDACTIONS: tuple[str, ...] = (
    r"(?i)(?<=--password=)[^\0]*",
    r"(?i)(?<=--passwd=)[^\0]*",
    r"(?i)(?<=--token=)[^\0]*",
    r"(?i)(?<=--secret=)[^\0]*",
    r"(?i)(?<=--password\0)[^\0]*",
    r"(?i)(?<=--token\0)[^\0]*",
    r"(?i)(?<=password=)[^\0& ]*",
    r"(?<=://)[^/@\0:]*:[^/@\0]*(?=@)",
    r"(?i)(?<=authorization: )[^\0]*",
)
"""Regular expressions of what is replaced in command lines. In a command line, each argument ends with NUL."""

_SPAN = re.compile(r"([0-9]{1,6})\s*(d|days?|h|hours?|weeks?|w|m|months?|y|years?)")
_HOURS = {"h": 1, "d": 24, "w": 168, "m": 24 * 30, "y": 24 * 365}
_SIZE = re.compile(r"([0-9]{1,6})\s*([kmgt])i?b?", re.IGNORECASE)


class Policy(NamedTuple):
    """What the journal keeps; the settings ``history_*``."""

    command_lines: CommandLines = "name"
    redactions: tuple[str, ...] = DEFAULT_REDACTIONS
    keep_logins_ms: int = 400 * DAY_MS
    keep_system_ms: int = 30 * DAY_MS
    max_bytes: int = 2 << 30
    excluded_users: frozenset[str] = frozenset()
    excluded_programs: frozenset[str] = frozenset()
    excluded_units: frozenset[str] = frozenset()

    @property
    def excludes(self) -> bool:
        """Return whether anything is excluded."""
        return bool(self.excluded_users or self.excluded_programs or self.excluded_units)

    def excludes_process(self, user: str | None, exe: str | None, name: str | None, cgroup: str | None) -> bool:
        """Return whether the policy excludes a process by user, executable, name, or a unit in its cgroup."""
        if user in self.excluded_users or exe in self.excluded_programs or name in self.excluded_programs:
            return True
        return bool(self.excluded_units) and not self.excluded_units.isdisjoint((cgroup or "").split("/"))


def command_line_filter(policy: Policy) -> Callable[[bytes | None], bytes | None]:
    """Return the function that reduces the arguments of a process to what the policy keeps."""
    if policy.command_lines == "off":
        return _drop_argv
    if policy.command_lines == "name":
        return _keep_name
    return Redactor(policy.redactions).redact


def _drop_argv(argv: bytes | None) -> bytes | None:
    del argv
    return None


def _keep_name(argv: bytes | None) -> bytes | None:
    return argv[: argv.find(b"\0") + 1][:MAX_ARGV_LENGTH] or None if argv else None


class Redactor:
    """Replaces secrets in command lines: all that matches one of the regular expressions."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Compile the regular expressions.

        Raises:
            InvalidParameterError: one of them is invalid.
        """
        try:
            self._patterns = [re.compile(pattern.encode()) for pattern in patterns]
        except re.error as error:
            raise InvalidParameterError(f"invalid redaction rule: {error}") from None
        self.redact = lru_cache(4096)(self._redact)

    def _redact(self, argv: bytes | None) -> bytes | None:
        if not argv:
            return None
        # secrets are replaced before the text is cut, so that no part of a secret is left at its end
        for pattern in self._patterns:
            argv = pattern.sub(REDACTED, argv)
        return argv[:MAX_ARGV_LENGTH]


def parse_span(text: str) -> int:
    """Parse a time span such as "400 days"; return ms.

    Raises:
        ValueError: the text is no time span.
    """
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(text)
    return int(match[1]) * _HOURS[match[2][0]] * 3_600_000


def parse_size(text: str) -> int:
    """Parse a size such as "2 GB"; return bytes.

    Raises:
        ValueError: the text is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return int(match[1]) << {"k": 10, "m": 20, "g": 30, "t": 40}[match[2].lower()]


def parse_keep(spans: Mapping[str, str]) -> tuple[int, int]:
    """Parse ``history_keep``; return for how many ms logins and the System session are kept.

    Raises:
        ValueError: a value is no time span.
    """
    policy = Policy()
    logins = parse_span(spans["logins"]) if "logins" in spans else policy.keep_logins_ms
    system = parse_span(spans["system"]) if "system" in spans else policy.keep_system_ms
    return logins, system
