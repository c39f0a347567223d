"""LogonFilter: a filter on logon sessions by their values."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from logonscope.answers.logon_session import NO_DETAILS, Details, LogonSession
from logonscope.errors import InvalidParameterError

SYSTEM_LOGON_TYPE = 0
"""LogonType of the System session."""

MOST_NAMED = 5
"""Maximum number of keys that a message lists."""

STATES = ("active", "online", "closing", "lingering", "logged out")
"""The values of LogonSession.state."""


class LogonFilter(NamedTuple):
    """A filter that a logon session matches if it matches every field. A field that is None matches any session.

    None as an element of types or states matches an unknown value.
    """

    users: frozenset[str] | None = None  # users that logged in: account names, or uids in digits
    types: frozenset[int | None] | None = None  # LogonType
    states: frozenset[str | None] | None = None
    origins: frozenset[str] | None = None  # remote hosts as the login record has them, and networks: 192.0.2.0/24
    since: datetime | None = None  # started at this time or later
    until: datetime | None = None  # started before this time
    system: bool = True  # include the System session
    keys: frozenset[str] | None = None  # fingerprints of ssh keys, or their beginnings: "SHA256:mVPw"

    @property
    def matches_all(self) -> bool:
        """Return whether every logon session matches."""
        return self == NO_FILTER

    @property
    def details(self) -> Details:
        """Return the details that logon sessions need for this filter."""
        return NO_DETAILS if self.keys is None else frozenset({"authentication"})

    def matching(self, sessions: Iterable[LogonSession]) -> list[LogonSession]:
        """Return the logon sessions that match.

        Raises:
            InvalidParameterError: the beginning of a fingerprint matches those of different keys.
        """
        matching_sessions = [session for session in sessions if self.fits(session)]
        for key in self.keys or ():
            fingerprints = {fingerprint for session in matching_sessions if (fingerprint := session.key_fingerprint)}
            fingerprints = {fingerprint for fingerprint in fingerprints if fingerprint.startswith(key)}
            if len(fingerprints) > 1 and key not in fingerprints:
                names = ", ".join(sorted(fingerprints)[:MOST_NAMED])
                raise InvalidParameterError(f"ambiguous key {key!r}: {names}", "give more of the fingerprint")
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
        """Return whether a login from this remote host may match; a local one (None): without ``origins``."""
        if self.origins is None:
            return True
        if remote_host is None:
            return False
        host = remote_host.lower()
        return any(host == origin.lower() or _is_in_network(host, origin) for origin in self.origins)

    def may_begin_at(self, start: datetime | None) -> bool:
        """Return whether a login at this time may match; None (unknown) matches only if no time is required."""
        if self.since is None and self.until is None:
            return True
        if start is None:
            return False
        return (self.since is None or start >= self.since) and (self.until is None or start < self.until)


NO_FILTER = LogonFilter()


def _is_in_network(host: str, origin: str) -> bool:
    """Return whether an address is in a network; False if either is invalid."""
    if "/" not in origin:
        return False
    import ipaddress  # noqa: PLC0415 -- seldom needed, and slow to import

    try:
        return ipaddress.ip_address(host.partition("%")[0]) in ipaddress.ip_network(origin, strict=False)
    except ValueError:
        return False
