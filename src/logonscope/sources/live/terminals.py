"""Terminals of logins, found while their leaders still run: afterwards nothing shows them."""

from collections.abc import Iterable

from logonscope.facts import Login, Process
from logonscope.machine import Look, Ownership, ProcessQuery, Source
from logonscope.sources.live.index import LiveIndex

LEVELS = 3
"""Levels of the tree below a leader that are looked at: sshd forks workers of its own above the shell."""

MAX_BELOW = 64
"""Maximum number of processes below a leader that are read."""


SEARCH_SECONDS, MAX_SEARCH_SECONDS = 0.1, 60.0
"""Seconds between two searches for the terminal of a login: at first, then doubled each time up to this.

It is searched for as long as the leader runs: a later channel of ssh can have the first one.
"""


class TerminalSearches:
    """When the terminals of logins without one are searched for."""

    def __init__(self) -> None:
        self._searches: dict[tuple[str, int | None], tuple[Login, float, float]] = {}  # login, moment, delay

    def __repr__(self) -> str:
        return f"<TerminalSearches of {len(self._searches)} logins>"

    def follow(self, logins: Iterable[Login]) -> None:
        """Search for the terminals of these logins alone."""
        old, self._searches = self._searches, {}
        for login in logins:
            key = login.id, login.leader
            _, moment, delay = old.get(key, (login, 0.0, SEARCH_SECONDS))
            self._searches[key] = login, moment, delay

    def due(self, now: float) -> list[Login]:
        """Return the logins to search for now."""
        due = [(key, search) for key, search in self._searches.items() if search[1] <= now]
        for key, (login, _, delay) in due:
            self._searches[key] = login, now + delay, min(MAX_SEARCH_SECONDS, delay * 2)
        return [login for _, (login, _, _) in due]


def find_terminal(direct: Source, ownership: Ownership, index: LiveIndex, login: Login) -> str | None:
    """Return the terminal of a login; "" where it has none so far, None where that cannot be decided yet."""
    if login.leader is None:
        return None
    pids, level = {login.leader}, {login.leader}
    for _ in range(LEVELS):
        level = {child for pid in level for child in index.children(pid)}
        pids |= level
        if len(pids) > MAX_BELOW:
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
        return None  # it has another login by now
    session = ownership.describe(owner, members, machine, None, members_are_complete=False)
    if session.tty:
        return session.tty
    # A program of the user shows that the login has begun without a terminal. Those of PAM's modules, such as the ones
    # that print the message of the day, run before; and so does what sshd does for the authentication.
    has_program = any(process.comm != leader.comm and _runs_as(process, login.uid) for process in members)
    return "" if has_program and session.logon_type is not None else None


def _runs_as(process: Process, uid: int) -> bool:
    return process.uids is not None and process.uids[0] == uid
