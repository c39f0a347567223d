"""Which LogonId is each login? Joins what the login service says with the kernel's ids.

A login's kernel id is the one that the service names, else its leader's. Of several logins with one kernel id one
owns it: the one that the service numbered after it, else the oldest that did not inherit it from its leader's parent
(an sshd restarted through sudo hands its own id to all later logins of that user).
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logonscope.facts import UNSET, Login

SYSTEM_LOGON_ID = str(UNSET)
"""LogonId of the System session: the kernel's own value for "no audit session"."""

SCOPE_BASE = 1 << 32
"""LogonId of logind's cN, where it has no kernel id of its own: this plus N."""

MANAGER_BASE = 1 << 33
"""LogonId of a user manager without a kernel id: this plus the uid."""

_PLACE = re.compile(
    r"(/user\.slice/user-([0-9]{1,10})\.slice/(?:session-([0-9A-Za-z]{1,32})\.scope|user@\2\.service))(?:/|$)"
)


class Joined(NamedTuple):
    """The logins of a host, each with its LogonId."""

    by_logon: Mapping[str, Login]
    by_place: Mapping[str, tuple[str, Login]]  # cgroup -> LogonId and login
    shared: Mapping[int, frozenset[str]]  # kernel id -> LogonIds that share it without owning it

    @property
    def cgroup_of(self) -> frozenset[int]:
        """Return the kernel ids whose processes need their cgroup too."""
        return frozenset({UNSET, *self.shared})


def join(logins: Iterable[Login]) -> Joined:
    """Give every login its LogonId."""
    logins = _without_twins(list(logins))
    owned = _owners_of_kernel_ids(logins)
    by_logon: dict[str, Login] = {}
    by_place: dict[str, tuple[str, Login]] = {}
    shared: dict[int, set[str]] = {}
    for login in logins:
        kernel = kernel_id(login)
        logon = str(kernel) if kernel and owned.get(kernel) is login else _own_id(login)
        if logon is None:
            continue
        by_logon[logon] = login
        by_place[_place(login)] = (logon, login)
        if kernel and owned.get(kernel) is not login:
            shared.setdefault(kernel, set()).add(logon)
    return Joined(by_logon, by_place, {kernel: frozenset(logons) for kernel, logons in shared.items()})


def kernel_id(login: Login) -> int | None:
    """Return the login's audit session id: as the service names it, else its leader's; None without one."""
    ses = login.audit or (login.process.ses if login.process else None)
    return None if ses in {None, 0, UNSET} else ses


def logon_id_of(word: str) -> str | None:
    """Return the LogonId that a person may mean by a decimal number or by logind's cN; None for another word."""
    if re.fullmatch(r"[0-9]{1,20}", word):
        return str(int(word))
    return str(SCOPE_BASE + int(word[1:])) if re.fullmatch(r"c[0-9]{1,9}", word) else None


def login_of_cgroup(cgroup: str) -> str | None:
    """Return the id of the login, or the unit of the user manager, that a cgroup names by its exact place."""
    match = _PLACE.match(cgroup)
    return match and (match[3] or f"user@{match[2]}.service")


def login_of_elogind(cgroup: str) -> str | None:
    """Return the id of the login that elogind's cgroups name: "/41", of one component."""
    match = re.match(r"/(c?[0-9]+)(?:/|$)", cgroup)
    return match and match[1]


def place_of_cgroup(cgroup: str) -> str:
    """Return the part of a cgroup that a login service gives to one login: elogind's has one component."""
    match = _PLACE.match(cgroup)
    return match[1] if match else "/" + cgroup.split("/", 2)[1] if cgroup.startswith("/") else cgroup


def manager_of_cgroup(cgroup: str) -> str | None:
    """Return the LogonId of the user manager that a cgroup lies below."""
    match = _PLACE.match(cgroup)
    return str(MANAGER_BASE + int(match[2])) if match and match[3] is None else None


def is_manager(login: Login) -> bool:
    """Tell whether it is a user manager (classes manager and manager-early since systemd 256)."""
    return (login.cls or "").startswith("manager")


def _without_twins(logins: list[Login]) -> list[Login]:
    """Drop a user's manager record where the login service has a session for the manager (systemd 256 and newer)."""
    sessions = {login.uid for login in logins if is_manager(login) and not login.id.startswith("user@")}
    return [login for login in logins if not (login.id.startswith("user@") and login.uid in sessions)]


def _owners_of_kernel_ids(logins: list[Login]) -> dict[int, Login]:
    owned: dict[int, Login] = {}
    for login in sorted(logins, key=lambda login: (login.id != str(kernel_id(login)), login.since or 0, login.id)):
        kernel = kernel_id(login)
        if kernel and not login.inherited:
            owned.setdefault(kernel, login)
    return owned


def _own_id(login: Login) -> str | None:
    if is_manager(login):
        return str(MANAGER_BASE + login.uid)
    return logon_id_of(login.id)


def _place(login: Login) -> str:
    if is_manager(login):
        return f"/user.slice/user-{login.uid}.slice/user@{login.uid}.service"
    return f"/user.slice/user-{login.uid}.slice/{login.scope}" if login.scope else f"/{login.id}"
