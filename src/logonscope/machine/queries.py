"""Queries to a source: which processes, accounts, sockets, services and authentications to read, and which facts.

All are plain data. A query's fields narrow the reading. A source may return more than the fields name, never less: the
broker tests again all conditions that its answer depends on. Two fields must be obeyed exactly: ``with_ancestors`` and
``paths``.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Literal, NamedTuple

from logonscope.facts import UNSET, Process

Facts = frozenset[str]
"""Names of fields of Process."""

NO_FACTS: Facts = frozenset()

Membership = tuple[int, int | None, str | None]
"""What decides the logon session of a process: its pid, its kernel id, and its location if that decides, too."""

MembershipGroup = tuple[int | None, str | None, Sequence[int]]
"""A membership group: a kernel id and a location, which decide a logon session, and the pids of processes with both."""

group_of_membership: Callable[[Membership], MembershipGroup] = itemgetter(1, 2, slice(0, 1))
"""Return the membership group of one membership. It runs for every process, and is a function in C for speed."""

MAX_CMDLINE_BYTES = 131_072
"""Maximum bytes of a process's arguments that are read, unless the query has another maximum."""


def process_of_membership(membership: Membership) -> Process:
    """Return a process with the facts of a membership."""
    pid, kernel_id, location = membership
    return Process(pid, ses=kernel_id, cgroup=location)


class EarlyFilter(NamedTuple):
    """A filter on partly read processes: ``facts`` are read first, and the others only where ``keeps`` returns True.

    A source that has all facts already may skip the filter. It may call ``keeps`` in another thread, for one process
    after the other.
    """

    facts: Facts
    keeps: Callable[[Process], bool]


class LogonHint(NamedTuple):
    """A hint about the requested logon sessions. An Ownership makes it, and a Source uses it.

    Kernel ids are the numbers by which the kernel distinguishes logons (Linux: audit session ids; Windows: LUIDs).

    Attributes:
        kernel_ids: the kernel ids that a requested process can have; None: any.
        kernel_ids_needing_cgroup: the kernel ids whose processes need their location (Linux: cgroup) read, too; None:
            all kernel ids.
        login_uids: the uids that logged in to a requested logon session; None: any.
        kernel_ids_of_any_uid: kernel ids whose processes can belong to logins of different login uids.
        logon_ids: the requested LogonIds, for a source that knows the owners; None: any.
    """

    kernel_ids: frozenset[int] | None = None
    kernel_ids_needing_cgroup: frozenset[int] | None = None
    login_uids: frozenset[int] | None = None
    kernel_ids_of_any_uid: frozenset[int] = frozenset()
    logon_ids: frozenset[str] | None = None

    @property
    def narrows(self) -> bool:
        """Return whether ``may_match`` can return False."""
        return self.kernel_ids is not None or self.login_uids is not None

    def may_match(self, kernel_id: int | None, login_uid: int | None) -> bool:
        """Return whether a process with this kernel id and login uid (None: unknown) can be a requested one."""
        if self.kernel_ids is not None and kernel_id is not None and kernel_id not in self.kernel_ids:
            return False
        if self.login_uids is None or login_uid in self.login_uids or login_uid is None or login_uid == UNSET:
            return True
        return kernel_id is None or kernel_id in self.kernel_ids_of_any_uid


ANY_LOGON = LogonHint()


class ProcessQuery(NamedTuple):
    """A query for processes. An empty set of facts lists pids alone."""

    facts: Facts = NO_FACTS
    pids: frozenset[int] | None = None  # None: every process
    with_ancestors: bool = False  # yield the one process in ``pids``, then exactly its ancestors, nearest first
    names: frozenset[str] | None = None  # only processes with one of these names, ignoring case; None: any
    may_run_as: Callable[[int | None], bool] | None = None  # whether an effective uid is requested; None: any
    logon_hint: LogonHint = ANY_LOGON
    early_filter: EarlyFilter | None = None
    max_cmdline_bytes: int = MAX_CMDLINE_BYTES  # maximum bytes of the arguments


class AccountQuery(NamedTuple):
    """A query for accounts and groups, by name, ignoring case. None: no accounts, or no groups; "ALL": all of them."""

    users: frozenset[str] | Literal["ALL"] | None = None
    groups: frozenset[str] | Literal["ALL"] | None = None
    groups_of: frozenset[str] | None = None  # also the groups of these accounts, their primary groups included
    with_passwords: bool = False  # also the state of their passwords, from shadow(5)


class SocketQuery(NamedTuple):
    """A query for sockets. A field that is None matches any socket."""

    ports: frozenset[int] | None = None  # local ports
    inodes: frozenset[int] | None = None
    family: Literal["network", "unix"] = "network"
    # paths and abstract names of unix sockets; the broker does not test them again: only a source can compare files
    paths: frozenset[str] | None = None
    all_namespaces: bool = False  # sockets of every network namespace with a process, not only of the reader's own


class AuthenticationQuery(NamedTuple):
    """A query for the authentication of one login, by its leader."""

    pid: int  # of the leader
    parent: int | None = None  # pid of the leader's parent
    since: int | None = None  # start of the leader, in clock ticks since the boot; None: not known

    @property
    def pids(self) -> tuple[int, ...]:
        """Return the pids of the processes that can have logged the authentication."""
        return (self.pid,) if self.parent in {None, 0, 1} else (self.pid, self.parent or 0)


class ServiceQuery(NamedTuple):
    """A query for services of the system's manager, by name, ignoring case; None: every service."""

    names: frozenset[str] | None = None
    details: bool = True  # False: the name and the start are enough
