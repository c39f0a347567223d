"""Which logon session does a process belong to? The first of four rules that matches, and which one it was.

1. scope: its cgroup is exactly the place of a login that the service knows, and it has no kernel id, or the one that
   the login shares without owning it. A user can make directories named like scopes below its own delegated tree,
   and a container has scopes of its own: hence "exactly, from this host's cgroup root".
2. audit: its kernel audit session id is set. Given at login, inherited by every child, kept by su, sudo, setsid,
   tmux, user namespaces and logout.
3. manager: it has no kernel id and lies below user@UID.service.
4. none: the System session.
"""

from collections.abc import Callable

from logonscope.facts import UNSET, Process
from logonscope.machine import Owner
from logonscope.ownership.join import Joined, is_manager, kernel_id, manager_of_cgroup, place_of_cgroup

SYSTEM_LOGON_ID = str(UNSET)
SYSTEM = Owner(SYSTEM_LOGON_ID, "none")
UNREAD = Owner(None, "unread")
"""Neither its kernel id nor its cgroup could be read (hidepid): unknown, which is not "no logon session"."""


def owners(joined: Joined) -> Callable[[Process], Owner]:
    """Return the function that names a process's owner; it asks for ses, and for cgroup as ``cgroup_of`` says."""
    audited: dict[int | None, Owner] = {}
    by_logon, shared = joined.by_logon, joined.shared
    placed: dict[str, Owner] = {}

    def owner(process: Process) -> Owner:
        ses = process.ses
        known = audited.get(ses)
        if known is not None:
            return known
        cgroup = process.cgroup
        if ses is None or ses == UNSET:
            if cgroup is None:
                return UNREAD if ses is None or process.unread else SYSTEM
            if cgroup not in placed:
                placed[cgroup] = _placed(joined, cgroup)
            return placed[cgroup]
        logon = str(ses)
        audit = tuple.__new__(Owner, (logon, "audit", by_logon.get(logon)))
        if ses in shared:
            return _sharer(joined, ses, cgroup) or audit
        audited[ses] = audit
        return audit

    return owner


def _placed(joined: Joined, cgroup: str) -> Owner:
    """Decide by the cgroup alone: rules 1, 3 and 4 for a process without a kernel id."""
    manager = manager_of_cgroup(cgroup)
    logon, login = joined.by_place.get(place_of_cgroup(cgroup), (manager, None))
    if logon is None:
        return SYSTEM
    return Owner(logon, "manager" if manager else "scope", login)


def _sharer(joined: Joined, ses: int, cgroup: str | None) -> Owner | None:
    """Decide between the logins that share one kernel id: rule 1 for those that do not own it."""
    if cgroup is None:
        return None
    logon, login = joined.by_place.get(place_of_cgroup(cgroup), (None, None))
    if login and kernel_id(login) == ses and logon in joined.shared[ses]:
        return Owner(logon, "manager" if is_manager(login) else "scope", login)
    return None
