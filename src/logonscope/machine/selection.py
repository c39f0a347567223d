"""Selections: which items a request needs, known before they are read.

A selection comes from an argument of the user, or from the properties that a path or a WHERE clause fixes.

A field that is None selects any item; an empty set selects none. A selection may include more items than
requested, never fewer: the code that made the selection filters the rows again.
"""

from typing import Any, NamedTuple


class Selection(NamedTuple):
    """The processes, logon sessions, accounts, groups, sockets and services that a request needs."""

    pids: frozenset[int] | None = None
    logon_ids: frozenset[str] | None = None
    process_names: frozenset[str] | None = None
    process_users: frozenset[str] | None = None  # account names of effective uids of processes, ignoring case
    login_users: frozenset[str] | None = None  # names of the accounts that logged in, ignoring case
    login_uids: frozenset[int] | None = None  # uids that logged in
    users: frozenset[str] | None = None  # names of accounts, ignoring case
    groups: frozenset[str] | None = None  # names of groups, ignoring case
    ports: frozenset[int] | None = None  # local ports of sockets
    inodes: frozenset[int] | None = None  # inodes of sockets
    services: frozenset[str] | None = None  # names of services, ignoring case
    records: frozenset[str] | None = None  # keys of the records that are themselves the rows
    logon_records: frozenset[str] | None = None  # keys of the logon records that the rows belong to
    process_records: frozenset[str] | None = None  # keys of the process records that the rows belong to
    ssh_keys: frozenset[str] | None = None  # fingerprints of ssh keys, ignoring case
    service_uids: frozenset[int | None] | None = None  # uids whose user managers run the services; None: the system's

    @property
    def is_empty(self) -> bool:
        """Return whether no item can match."""
        return any(allowed is not None and not allowed for allowed in self)

    @property
    def names_sessions(self) -> bool:
        """Return whether the selection is restricted to logon sessions, by LogonId or by who logged in."""
        return any(allowed is not None for allowed in (self.logon_ids, self.login_users, self.login_uids))

    def union(self, selection: "Selection") -> "Selection":
        """Return a selection of the items of either selection, and possibly more."""
        return Selection(*map(_union_of, self, selection))

    def intersection(self, selection: "Selection") -> "Selection":
        """Return a selection of the items that are in both selections, and possibly more."""
        return Selection(*map(_intersection_of, self, selection))


EVERYTHING = Selection()


def _union_of(first: frozenset[Any] | None, second: frozenset[Any] | None) -> frozenset[Any] | None:
    return None if first is None or second is None else first | second


def _intersection_of(first: frozenset[Any] | None, second: frozenset[Any] | None) -> frozenset[Any] | None:
    if first is None or second is None:
        return second if first is None else first
    # Names that differ only in case count as equal: this may select too many items, but never too few.
    keys = {_without_case(item) for item in second}
    return frozenset(item for item in first if _without_case(item) in keys)


def _without_case(item: Any) -> Any:
    return item.lower() if isinstance(item, str) else item
