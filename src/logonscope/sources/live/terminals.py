"""Terminals of logins. They are found while the leaders run: after the end of a leader, nothing shows its terminal."""

from collections.abc import Iterable
from typing import NamedTuple

from logonscope.facts import Login, Process
from logonscope.machine import Look, Ownership, ProcessQuery, Source
from logonscope.sources.live.index import LiveIndex

LEVELS = 3
"""Levels of the process tree that are searched below a leader: sshd forks workers of its own above the shell."""

MAX_READ = 64
"""Maximum number of processes that are read for a terminal: the leader and its descendants, the nearest level first."""

SEARCH_SECONDS, MAX_SEARCH_SECONDS = 0.1, 60.0
"""Seconds between two searches for the terminal of a login: at first (doubled after each search), and at most.

The searches go on until a terminal is found or the leader ends: any later ssh channel can be the first with a terminal.
"""

UNDECIDED_SEARCH_SECONDS, MAX_UNDECIDED_SECONDS = 1.0, 60.0
"""While it is not decided whether a login has a terminal: the maximum seconds between two searches, and for how many
seconds this maximum applies. After that, MAX_SEARCH_SECONDS is the maximum.

If a login ends while it is not decided, its terminal is never known.
"""


class _Search(NamedTuple):
    """A search for the terminal of a login."""

    login: Login
    moment: float  # of the next search, in monotonic seconds
    delay: float  # seconds between the next search and the search after it
    undecided_since: float | None = None  # None: it is decided that the login has no terminal so far


class TerminalSearches:
    """The searches for terminals of logins whose terminal is not known, with the time of each next search."""

    def __init__(self) -> None:
        self._searches: dict[tuple[str, int | None], _Search] = {}

    def __repr__(self) -> str:
        return f"<TerminalSearches of {len(self._searches)} logins>"

    @property
    def next_moment(self) -> float | None:
        """Return the monotonic second of the next undecided search; None: there is none.

        The decided searches need no timer: a new terminal appears only with an event.
        """
        return min(
            (search.moment for search in self._searches.values() if search.undecided_since is not None), default=None
        )

    def follow(self, logins: Iterable[Login], now: float) -> None:
        """Keep searches for exactly these logins; the searches of new logins are due at once."""
        old, self._searches = self._searches, {}
        for login in logins:
            undecided_since = now if login.seen_tty is None else None
            search = old.get(_key(login)) or _Search(login, now, SEARCH_SECONDS, undecided_since)
            self._searches[_key(login)] = search._replace(login=login)

    def due(self, now: float) -> list[Login]:
        """Return the logins whose terminals are to be searched for now, and schedule their next searches."""
        due = [(key, search) for key, search in self._searches.items() if search.moment <= now]
        for key, search in due:
            is_urgent = search.undecided_since is not None and now - search.undecided_since < MAX_UNDECIDED_SECONDS
            delay = min(UNDECIDED_SEARCH_SECONDS if is_urgent else MAX_SEARCH_SECONDS, search.delay * 2)
            self._searches[key] = search._replace(moment=now + search.delay, delay=delay)
        return [search.login for _, search in due]

    def note_decided(self, login: Login) -> None:
        """Note that the terminal of a login was found, or that the login has none so far."""
        search = self._searches.get(_key(login))
        if search is not None:
            self._searches[_key(login)] = search._replace(undecided_since=None)


def _key(login: Login) -> tuple[str, int | None]:
    return login.id, login.leader


def find_terminal(direct: Source, ownership: Ownership, index: LiveIndex, login: Login) -> str | None:
    """Return the terminal of a login; "": it has none so far; None: not decided, or the leader has ended."""
    if login.leader is None:
        return None
    pids, level = {login.leader}, {login.leader}
    for _ in range(LEVELS):
        level = {child for pid in level for child in index.children(pid)} - pids
        pids.update(sorted(level)[: MAX_READ - len(pids)])
        if len(pids) == MAX_READ:
            break
    look = Look()
    query = ProcessQuery(ownership.description_facts, pids=frozenset(pids))
    members = list(direct.processes(look, query))
    leader = next((process for process in members if process.pid == login.leader), None)
    if leader is None:
        return None
    machine = direct.machine(look)
    logons = ownership.index([login], machine)
    owner = logons.owner(leader)
    if owner.login is None:
        return None  # a later process with the leader's pid
    session = ownership.describe(owner, members, machine, None, members_are_complete=False)
    if session.tty:
        return session.tty
    # A program of the user shows that the login has begun without a terminal. Programs for the authentication, and
    # programs of PAM's modules, such as the message of the day, run before the login begins.
    has_program = any(process.comm != leader.comm and _runs_as(process, login.uid) for process in members)
    return "" if has_program and session.logon_type is not None else None


def _runs_as(process: Process, uid: int) -> bool:
    return process.uids is not None and process.uids[0] == uid
