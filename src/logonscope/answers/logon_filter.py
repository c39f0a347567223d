"""LogonFilter: a filter on logon sessions by their values."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Self

from logonscope.answers.filter_checks import (
    check_flag,
    check_key,
    check_origin,
    check_text,
    check_time,
    checked_set,
    comes_from,
)
from logonscope.answers.logon_session import NO_DETAILS, Details, LogonSession
from logonscope.errors import InvalidParameterError

SYSTEM_LOGON_TYPE = 0
"""LogonType of the System session."""

MAX_LISTED_KEYS = 5
"""Maximum number of keys that a message lists."""

STATES = ("active", "online", "closing", "lingering", "logged out")
"""The values of LogonSession.state."""


class LogonFilter(NamedTuple):
    """A filter that a logon session must match in every field. A field that is None matches every logon session.

    Attributes:
        users: users who logged in: account names, or uids in digits.
        types: values of LogonType; None as an element matches an unknown type.
        states: values of LogonSession.state, such as "active" or "logged out"; None as an element matches an unknown
            state.
        origins: remote hosts as the login record has them, IP addresses, and networks: "192.0.2.0/24".
        since: the session started at this time or later; a datetime with a time zone.
        until: the session started before this time; a datetime with a time zone.
        system: whether the System session can match.
        keys: fingerprints of ssh keys, or their beginnings: "SHA256:mVPw".
    """

    users: frozenset[str] | None = None
    types: frozenset[int | None] | None = None
    states: frozenset[str | None] | None = None
    origins: frozenset[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    system: bool = True
    keys: frozenset[str] | None = None

    @property
    def matches_all(self) -> bool:
        """Return whether every logon session matches."""
        return self == NO_FILTER

    def checked(self) -> Self:
        """Return the filter with its collections as frozensets, and states as ``LogonSession.state`` spells them.

        "logged-out", as the command line writes it, becomes "logged out".

        Raises:
            InvalidParameterError: a value has the wrong type, or is an invalid state, network or time.
        """
        for name in ("since", "until"):
            if getattr(self, name) is not None:
                check_time(name, getattr(self, name))
        check_flag("system", self.system)
        return self._replace(
            users=checked_set("users", self.users, _check_user),
            types=checked_set("types", self.types, _check_type),
            states=checked_set("states", self.states, _check_state),
            origins=checked_set("origins", self.origins, check_origin),
            keys=checked_set("keys", self.keys, check_key),
        )

    @property
    def details(self) -> Details:
        """Return the details of logon sessions that this filter compares."""
        return NO_DETAILS if self.keys is None else frozenset({"authentication"})

    def matching(self, sessions: Iterable[LogonSession]) -> list[LogonSession]:
        """Return the logon sessions that match.

        Raises:
            InvalidParameterError: the beginning of a fingerprint matches the fingerprints of several keys.
        """
        matching_sessions = [session for session in sessions if self.fits(session)]
        for key in self.keys or ():
            fingerprints = {fingerprint for session in matching_sessions if (fingerprint := session.key_fingerprint)}
            fingerprints = {fingerprint for fingerprint in fingerprints if fingerprint.startswith(key)}
            if len(fingerprints) > 1 and key not in fingerprints:
                listed_keys = ", ".join(sorted(fingerprints)[:MAX_LISTED_KEYS])
                raise InvalidParameterError(f"ambiguous key {key!r}: {listed_keys}", "give more of the fingerprint")
        return matching_sessions

    def fits(self, session: LogonSession) -> bool:
        """Return whether a logon session matches."""
        return (
            (self.system or session.logon_type != SYSTEM_LOGON_TYPE)
            and (self.users is None or session.user in self.users or str(session.uid) in self.users)
            and (self.types is None or session.logon_type in self.types)
            and (self.states is None or session.state in self.states)
            and (self.keys is None or (session.key_fingerprint or "").startswith(tuple(self.keys)))
            and (self.may_come_from(session.remote_host) or self.may_come_from(session.remote_address))
            and self.may_begin_at(session.start)
        )

    def may_come_from(self, remote_host: str | None) -> bool:
        """Return whether ``origins`` allows a login from this remote host.

        None (a local login, or an unknown host) is allowed only if ``origins`` is None.
        """
        return self.origins is None or comes_from(remote_host, self.origins)

    def may_begin_at(self, start: datetime | None) -> bool:
        """Return whether ``since`` and ``until`` allow this time of login.

        An unknown time (None) is allowed only if ``since`` and ``until`` are None.
        """
        if self.since is None and self.until is None:
            return True
        if start is None:
            return False
        return (self.since is None or start >= self.since) and (self.until is None or start < self.until)


NO_FILTER = LogonFilter()


def _check_user(value: Any) -> str:
    return check_text("user", value)


def _check_type(value: Any) -> int | None:
    # in Python, True is an int
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidParameterError(f"invalid type {value!r}: expected a LogonType such as 10, or None")
    return value


def _check_state(value: Any) -> str | None:
    if value is None:
        return None
    state = value.replace("-", " ") if isinstance(value, str) else value
    if state not in STATES:
        raise InvalidParameterError(f"invalid state {value!r}: expected {', '.join(STATES)}, or None")
    return str(state)
