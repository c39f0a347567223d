"""What is meant, before anything is read? Plain data that narrows the needs, made of a person's word or a path's keys.

None is "any"; an empty set is "none". A selection may let through more than is meant, never less: whoever made it looks
at each row once more.
"""

from typing import Any, NamedTuple


class Selection(NamedTuple):
    """Which processes, logon sessions, accounts, groups and sockets are meant."""

    pids: frozenset[int] | None = None
    logon_ids: frozenset[str] | None = None
    process_names: frozenset[str] | None = None
    login_users: frozenset[str] | None = None  # names of the accounts that logged in, in whatever case
    login_uids: frozenset[int] | None = None  # uids that logged in
    users: frozenset[str] | None = None  # names of accounts, in whatever case
    groups: frozenset[str] | None = None  # names of groups, in whatever case
    ports: frozenset[int] | None = None  # on a socket's own side
    inodes: frozenset[int] | None = None  # of sockets

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing can be meant."""
        return any(part is not None and not part for part in self)

    @property
    def names_sessions(self) -> bool:
        """Tell whether some logon sessions alone are meant."""
        return any(part is not None for part in (self.logon_ids, self.login_users, self.login_uids))

    def widened(self, other: "Selection") -> "Selection":
        """Return what either means, and perhaps more."""
        return Selection(*map(_either, self, other))

    def narrowed(self, other: "Selection") -> "Selection":
        """Return what both mean."""
        return Selection(*map(_both, self, other))


EVERYTHING = Selection()


def _either(one: frozenset[Any] | None, other: frozenset[Any] | None) -> frozenset[Any] | None:
    return None if one is None or other is None else one | other


def _both(one: frozenset[Any] | None, other: frozenset[Any] | None) -> frozenset[Any] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other
