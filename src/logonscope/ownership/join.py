"""Joins of login records with kernel audit session ids: the LogonId of each login.

A login is joined with a kernel id by the strongest evidence that there is: the id that its record names, its leader's,
the one that the processes of its scope carry, the one that an earlier look found. Of several logins with one kernel id
one owns it: not one that is proved to have inherited it, and outside containers not one that logind calls cN, which has
that name because the id was taken. The others keep an id of their own.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logonscope.facts import UNSET, Login, Machine

SYSTEM_LOGON_ID = str(UNSET)
"""LogonId of the System session: the kernel's own value for "no audit session"."""

SCOPE_BASE = 1 << 32
"""LogonId of logind's cN, where it owns no kernel id: this plus N."""

MANAGER_BASE = 1 << 33
"""LogonId of a user manager without a kernel id: this plus the uid."""

NUMBERED_BASE = 1 << 34
"""LogonId of a login that logind numbers K and that does not own kernel id K: this plus 32 bits of its scope inode."""

_PLACE = re.compile(
    r"(/user\.slice/user-([0-9]{1,10})\.slice/(?:session-([0-9A-Za-z]{1,32})\.scope|user@\2\.service))(?:/|$)"
)


class Join(NamedTuple):
    """The kernel id that a login is joined with, and by what: record, leader, scope, remembered."""

    key: int
    evidence: str


Keyed = tuple[Login, int | None]
"""A login and the kernel id that it is joined with."""


class Joined(NamedTuple):
    """The logins of a host, each with its LogonId."""

    by_logon: Mapping[str, Login]
    by_place: Mapping[str, tuple[str, Login]]  # cgroup -> LogonId and login
    shared: Mapping[int, frozenset[str]]  # kernel id -> LogonIds that share it without owning it

    @property
    def cgroup_of(self) -> frozenset[int]:
        """Return the kernel ids whose processes need their cgroup too."""
        return frozenset({UNSET, *self.shared})


def join(logins: Iterable[Login], machine: Machine) -> Joined:
    """Give every login its LogonId."""
    keyed = [(login, kernel_id(login)) for login in _without_twins(list(logins))]
    owned = _owners_of_kernel_ids(keyed, machine)
    by_logon: dict[str, Login] = {}
    by_place: dict[str, tuple[str, Login]] = {}
    shared: dict[int, set[str]] = {}
    for login, key in sorted(keyed, key=_age):
        logon = str(key) if key and owned.get(key) is login else _own_id(login)
        if logon in by_logon:  # a login service that lost its records gives the id of an older scope out again
            logon = _id_of_inode(login)
        if logon is None or logon in by_logon:
            continue
        by_logon[logon] = login
        by_place[place(login)] = (logon, login)
        if key and owned.get(key) is not login:
            shared.setdefault(key, set()).add(logon)
    return Joined(by_logon, by_place, {key: frozenset(logons) for key, logons in shared.items()})


def joined_by(login: Login) -> Join | None:
    """Return the kernel id of a login by the strongest evidence that is not disproved; None without any.

    A leader that is there and carries another id than the record names disproves the record; so does, where the leader
    is gone, a scope all of whose processes carry one other id.
    """
    recorded = _valid(login.audit) or _number_of(login)
    of_leader = _valid(login.process.ses) if login.process else None
    of_scope = _valid(login.scope_ids[0]) if login.scope_ids and len(login.scope_ids) == 1 else None
    if recorded and (of_leader or of_scope or recorded) == recorded:
        return Join(recorded, "record" if login.recorded else "scope")
    for key, evidence in ((of_leader, "leader"), (of_scope, "scope"), (_valid(login.remembered), "remembered")):
        if key:
            return Join(key, evidence)
    return None


def kernel_id(login: Login) -> int | None:
    """Return the audit session id that a login is joined with; None without one."""
    joined = joined_by(login)
    return joined and joined.key


def logon_id_of(word: str) -> str | None:
    """Return the LogonId that a person may mean by a decimal number or by logind's cN; None for another word."""
    if re.fullmatch(r"[0-9]{1,20}", word):
        return str(int(word))
    return _id_of_scope(word)


def login_of_cgroup(cgroup: str) -> str | None:
    """Return the id of the login, or the unit of the user manager, that a cgroup names by its exact place."""
    match = _PLACE.match(cgroup)
    return match and (match[3] or f"user@{match[2]}.service")


def forgotten_login(cgroup: str) -> Login | None:
    """Return what the place of a scope alone tells of the login that it is of; None where it is no login's."""
    match = _PLACE.match(cgroup)
    if match is None or match[3] is None:
        return None
    return Login(match[3], int(match[2]), scope=f"session-{match[3]}.scope", recorded=False)


def logon_of_cgroup(cgroup: str) -> tuple[str, str] | None:
    """Return the LogonId that a cgroup's exact place decides without any record, and the evidence: scope or manager."""
    match = _PLACE.match(cgroup)
    if match is None:
        return None
    if match[3] is None:
        return str(MANAGER_BASE + int(match[2])), "manager"
    logon = logon_id_of(match[3])
    return None if logon is None else (logon, "scope")


def login_of_elogind(cgroup: str) -> str | None:
    """Return the id of the login that elogind's cgroups name: "/41", of one component."""
    match = re.match(r"/(c?[0-9]+)(?:/|$)", cgroup)
    return match and match[1]


def place_of_cgroup(cgroup: str) -> str:
    """Return the part of a cgroup that a login service gives to one login: elogind's has one component."""
    match = _PLACE.match(cgroup)
    return match[1] if match else "/" + cgroup.split("/", 2)[1] if cgroup.startswith("/") else cgroup


def is_manager(login: Login) -> bool:
    """Tell whether it is a user manager (classes manager and manager-early since systemd 256)."""
    return (login.cls or "").startswith("manager")


def _without_twins(logins: list[Login]) -> list[Login]:
    """Drop a user's manager record where the login service has a session for the manager (systemd 256 and newer)."""
    sessions = {login.uid for login in logins if is_manager(login) and not login.id.startswith("user@")}
    return [login for login in logins if not (login.id.startswith("user@") and login.uid in sessions)]


def _age(keyed: Keyed) -> tuple[int, str, int]:
    """Sort logins by the inodes of their scopes: cgroups are numbered one after another."""
    login, _ = keyed
    return login.scope_inode or 0, login.id, login.uid


def _owners_of_kernel_ids(keyed: Iterable[Keyed], machine: Machine) -> dict[int, Login]:
    owned: dict[int, Login] = {}
    for login, key in sorted(keyed, key=_claim):
        if key and _may_own(login, machine):
            owned.setdefault(key, login)
    return owned


def _claim(keyed: Keyed) -> tuple[bool, bool, int, tuple[int, str, int]]:
    """Sort logins by their claim to a kernel id: whoever has its number, then the oldest."""
    login, key = keyed
    known = login.present if login.created is None else login.created
    return login.id != str(key), known is None, known or 0, (login.since or 0, login.id, login.uid)


def _may_own(login: Login, machine: Machine) -> bool:
    was_taken = machine.container is False and login.id.startswith("c") and not is_manager(login)
    return not login.inherited and not was_taken


def _own_id(login: Login) -> str | None:
    """Return the LogonId of a login that owns no kernel id."""
    if is_manager(login):
        return str(MANAGER_BASE + login.uid)
    if _number_of(login) is None:
        return logon_id_of(login.id)
    return _id_of_inode(login)


def _id_of_inode(login: Login) -> str | None:
    return None if login.scope_inode is None else str(NUMBERED_BASE + (login.scope_inode & 0xFFFFFFFF))


def _id_of_scope(login_id: str) -> str | None:
    return str(SCOPE_BASE + int(login_id[1:])) if re.fullmatch(r"c[0-9]{1,9}", login_id) else None


def _number_of(login: Login) -> int | None:
    """Return the kernel id that a login service numbered a login after; None where it calls it otherwise."""
    return _valid(int(login.id)) if re.fullmatch(r"[0-9]{1,10}", login.id) else None


def _valid(key: int | None) -> int | None:
    return None if key in {None, 0, UNSET} else key


def place(login: Login) -> str:
    """Return the cgroup that a login service gives to a login."""
    if is_manager(login):
        return f"/user.slice/user-{login.uid}.slice/user@{login.uid}.service"
    return f"/user.slice/user-{login.uid}.slice/{login.scope}" if login.scope else f"/{login.id}"
