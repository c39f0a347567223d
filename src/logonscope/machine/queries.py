"""Queries to a source: which processes, accounts and sockets are to be read, and which of their facts.

All are plain data. Hints and filters narrow a query; a source may return more than they match, never less.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from logonscope.facts import UNSET, Process

Facts = frozenset[str]
"""Names of fields of Process."""

NO_FACTS: Facts = frozenset()

MAX_CMDLINE_BYTES = 131_072
"""Maximum bytes of a process's arguments that are read."""


class EarlyFilter(NamedTuple):
    """A filter on partly read processes: ``facts`` are read first, and the others only where ``keeps`` returns True.

    A source that has all facts already may skip the filter. It may call ``keeps`` in another thread, for one process
    after the other.
    """

    facts: Facts
    keeps: Callable[[Process], bool]


class LogonHint(NamedTuple):
    """A hint which logon sessions are requested: made by an Ownership, used by a Source, opaque to the broker.

    Raw keys are those of the operating system (Linux: kernel audit session ids; Windows: LUIDs).

    Attributes:
        keys: the raw keys that a requested process can have; None: any.
        keys_needing_place: the raw keys whose processes need their place (cgroup) read; None: all.
        login_uids: the uids that logged in to a requested logon session; None: any.
        keys_of_any_uid: the raw keys with which a process can belong to a login of another login uid.
    """

    keys: frozenset[int] | None = None
    keys_needing_place: frozenset[int] | None = None
    login_uids: frozenset[int] | None = None
    keys_of_any_uid: frozenset[int] = frozenset()

    @property
    def narrows(self) -> bool:
        """Return whether the hint can exclude any process."""
        return self.keys is not None or self.login_uids is not None

    def may_match(self, key: int | None, login_uid: int | None) -> bool:
        """Return whether a process with this raw key and login uid can be a requested one; None: not known."""
        if self.keys is not None and key is not None and key not in self.keys:
            return False
        if self.login_uids is None or login_uid in self.login_uids or login_uid is None or login_uid == UNSET:
            return True
        return key is None or key in self.keys_of_any_uid


ANY_LOGON = LogonHint()


class ProcessQuery(NamedTuple):
    """A query for processes. An empty set of facts lists pids alone."""

    facts: Facts = NO_FACTS
    pids: frozenset[int] | None = None  # None: every process
    with_ancestors: bool = False  # with the one pid in ``pids`` also its ancestors, nearest first
    names: frozenset[str] | None = None  # only processes with one of these names, ignoring case; None: any
    logon_hint: LogonHint = ANY_LOGON
    early_filter: EarlyFilter | None = None
    max_cmdline_bytes: int = MAX_CMDLINE_BYTES  # maximum bytes of the arguments


class AccountQuery(NamedTuple):
    """A query for accounts and groups, by name, ignoring case. None: none of that kind; "ALL": every one."""

    users: frozenset[str] | Literal["ALL"] | None = None
    groups: frozenset[str] | Literal["ALL"] | None = None
    groups_of: frozenset[str] | None = None  # also the groups of these accounts, their primary groups included


class SocketQuery(NamedTuple):
    """A query for sockets. None: any."""

    ports: frozenset[int] | None = None  # local ports
    inodes: frozenset[int] | None = None


class ServiceQuery(NamedTuple):
    """A query for services of the system's manager, by name, ignoring case; None: every one."""

    names: frozenset[str] | None = None
    details: bool = True  # False: the name and the start are enough
