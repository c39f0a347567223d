"""Which facts an answer needs, of which processes: made by the broker, obeyed by every source.

Plain data, but for the question of the sieve, which need not be asked.

The hints (pids, ses, logged_in, names, sieve) narrow the processes, each further; a source may return more than asked,
never less.
"""

from collections.abc import Callable
from typing import NamedTuple

from logonscope.facts import UNSET, Process

MOST_CMDLINE = 131_072
"""Bytes of a process's arguments that are read."""

NO_PROCESSES: frozenset[int] = frozenset()
"""As ``Needs.pids``: read no process at all."""


class LoggedIn(NamedTuple):
    """Who logged in to the logon session of a process, where the process's login uid says so."""

    login_uids: frozenset[int]
    unsaid: frozenset[int]  # kernel ids that do not say in which logon session a process is

    def may_be(self, ses: object, loginuid: object) -> bool:
        """Tell whether a process with these may be in one of the logon sessions."""
        return loginuid in {None, UNSET} or loginuid in self.login_uids or ses is None or ses in self.unsaid


class Sieve(NamedTuple):
    """What decides half way whether a process is wanted: the facts that are read first, and what is asked of them.

    Whoever has all facts at hand need not ask. It may be asked in another thread, one process after the other.
    """

    facts: frozenset[str]
    keeps: Callable[[Process], bool]


class Needs(NamedTuple):
    """What to read. ``process`` names facts of Process; an empty set lists pids alone."""

    process: frozenset[str] = frozenset()
    cgroup_of: frozenset[int] | None = None  # kernel ids whose processes need their cgroup; None: all of them
    pids: frozenset[int] | None = None  # only these; None: every process
    ses: frozenset[int] | None = None  # only processes with one of these kernel ids
    logged_in: LoggedIn | None = None  # only processes of these ones' logon sessions
    names: frozenset[str] | None = None  # only processes with one of these names, in whatever case
    sieve: Sieve | None = None  # only processes that it keeps: of the others no more than its facts is read
    cmdline_bytes: int = MOST_CMDLINE  # at most so many of a process's arguments
    logins: bool = False
    login_ids: frozenset[str] | None = None  # only these logins; None: every login
    ports: frozenset[int] | None = None  # sockets with one of these ports on their own side; None: no sockets
    all_sockets: bool = False
    inodes: frozenset[int] | None = None  # of the sockets, only those with one of these
    users: frozenset[str] | None = None  # accounts of these names, in whatever case; None: no accounts
    all_users: bool = False
    groups: frozenset[str] | None = None  # groups of these names, in whatever case; None: no groups
    groups_of: frozenset[str] | None = None  # the groups of the accounts of these names, the primary one included
    all_groups: bool = False
    platform: bool = False
    vitals: bool = False
