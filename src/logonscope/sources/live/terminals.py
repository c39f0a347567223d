"""Terminals of logins, found while their leaders still run: afterwards nothing shows them."""

from logonscope.facts import Login
from logonscope.machine import Look, Ownership, ProcessQuery, Source
from logonscope.sources.live.index import LiveIndex

LEVELS = 3
"""Levels of the tree below a leader that are looked at: sshd forks workers of its own above the shell."""

MAX_BELOW = 64
"""Maximum number of processes below a leader that are read."""


def find_terminal(direct: Source, ownership: Ownership, index: LiveIndex, login: Login) -> str | None:
    """Return the terminal of a login; "" where it has none, None where that cannot be decided yet."""
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
    # only another program than the leader's shows that no terminal will come
    has_program = any(process.comm != leader.comm for process in members)
    return "" if has_program and session.logon_type is not None else None
