"""Joins of login records with kernel audit session ids ("kernel ids"): they give each login its LogonId.

A login is joined with a kernel id by the strongest evidence available, in this order: the id in its record, the id of
its leader, the id that the processes of its scope carry, the id that an earlier reading joined it with.

Of several logins with the same kernel id only one owns it. Its LogonId is the kernel id; the others get a LogonId from
a range above all kernel ids. A login cannot own an id that it is proved to have inherited. Outside containers a login
that logind names cN cannot own its id either: logind chose that name because the id was taken.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logonscope.facts import UNSET, Login, Machine

SYSTEM_LOGON_ID = str(UNSET)
"""LogonId of the System session: the kernel's own value for "no audit session"."""

SCOPE_BASE = 1 << 32
"""LogonId of a login that logind names cN and that owns no kernel id: this plus N."""

MANAGER_BASE = 1 << 33
"""LogonId of a user manager without a kernel id: this plus the uid."""

NUMBERED_BASE = 1 << 34
"""LogonId of a login that logind names K and that does not own kernel id K: this plus 32 bits of its scope inode."""

# The whole path from the root, and one uid in both places: a user can make directories with any name, but only below
# the user's own user@UID.service.
_PLACE = re.compile(
    r"(/user\.slice/user-([0-9]{1,10})\.slice/(?:session-([0-9A-Za-z]{1,32})\.scope|user@\2\.service))(?:/|$)"
)


class KernelIdJoin(NamedTuple):
    """The kernel id that a login is joined with, and the evidence: record, leader, scope, remembered."""

    key: int
    evidence: str


KeyedLogin = tuple[Login, int | None]
"""A login and the kernel id that it is joined with; None: it has none."""


class JoinedLogins(NamedTuple):
    """The logins of a host, each with its LogonId."""

    by_logon: Mapping[str, Login]  # LogonId -> login
    by_place: Mapping[str, tuple[str, Login]]  # cgroup -> LogonId and login
    shared: Mapping[int, frozenset[str]]  # kernel id -> LogonIds that share it without owning it

    @property
    def keys_needing_cgroup(self) -> frozenset[int]:
        """Return the kernel ids that do not decide alone: the cgroup of their processes is needed, too."""
        return frozenset({UNSET, *self.shared})


def join_logins(logins: Iterable[Login], machine: Machine) -> JoinedLogins:
    """Return the logins with their LogonIds."""
    keyed = [(login, kernel_id(login)) for login in _without_duplicate_managers(list(logins))]
    owned = _owners_of_kernel_ids(keyed, machine)
    by_logon: dict[str, Login] = {}
    by_place: dict[str, tuple[str, Login]] = {}
    shared: dict[int, set[str]] = {}
    # by age, so that of two logins with the same name the older one keeps its LogonId, whatever order they are read in
    for login, key in sorted(keyed, key=_age_key):
        logon_id = str(key) if key and owned.get(key) is login else _logon_id_without_key(login)
        # a login service that has lost its records counts from 1 again, while scopes of older logins still exist
        if logon_id in by_logon:
            logon_id = _logon_id_of_inode(login)
        if logon_id is None or logon_id in by_logon:
            continue
        by_logon[logon_id] = login
        by_place[place_of_login(login)] = (logon_id, login)
        # the processes of this login carry the kernel id of another one: only their cgroup distinguishes them
        if key and owned.get(key) is not login:
            shared.setdefault(key, set()).add(logon_id)
    return JoinedLogins(by_logon, by_place, {key: frozenset(logon_ids) for key, logon_ids in shared.items()})


def join_of_login(login: Login) -> KernelIdJoin | None:
    """Return the kernel id of a login by the strongest evidence that is not disproved; None without any.

    A running leader that carries another id than the record disproves the record. Where the leader is gone, a scope
    whose processes all carry the same other id does.
    """
    recorded_key = _valid_key(login.audit) or _kernel_id_in_name(login)
    leader_key = _valid_key(login.process.ses) if login.process else None
    # a scope whose processes carry different ids is no evidence for any of them
    scope_key = _valid_key(login.scope_ids[0]) if login.scope_ids and len(login.scope_ids) == 1 else None
    if recorded_key and (leader_key or scope_key or recorded_key) == recorded_key:
        return KernelIdJoin(recorded_key, "record" if login.recorded else "scope")
    remembered_key = _valid_key(login.remembered)
    for key, evidence in ((leader_key, "leader"), (scope_key, "scope"), (remembered_key, "remembered")):
        if key:
            return KernelIdJoin(key, evidence)
    return None


def kernel_id(login: Login) -> int | None:
    """Return the kernel id that a login is joined with; None without one."""
    login_join = join_of_login(login)
    return login_join and login_join.key


def logon_id_of_word(word: str) -> str | None:
    """Return the LogonId for a user's word: a decimal number or logind's cN; None for another word."""
    if re.fullmatch(r"[0-9]{1,20}", word):
        return str(int(word))
    return _logon_id_of_scope_name(word)


def login_of_cgroup(cgroup: str) -> str | None:
    """Return the id of the login, or the unit of the user manager, whose place a cgroup is; None: it is none."""
    match = _PLACE.match(cgroup)
    return match and (match[3] or f"user@{match[2]}.service")


def login_without_record(cgroup: str) -> Login | None:
    """Return a login with the facts that the path of its scope contains; None where the cgroup is no login scope."""
    match = _PLACE.match(cgroup)
    if match is None or match[3] is None:
        return None
    return Login(match[3], int(match[2]), scope=f"session-{match[3]}.scope", recorded=False)


def logon_of_cgroup(cgroup: str) -> tuple[str, str] | None:
    """Return the LogonId that a cgroup decides without a record, and the evidence (scope or manager); else None."""
    match = _PLACE.match(cgroup)
    if match is None:
        return None
    if match[3] is None:
        return str(MANAGER_BASE + int(match[2])), "manager"
    logon_id = logon_id_of_word(match[3])
    return None if logon_id is None else (logon_id, "scope")


def login_of_elogind(cgroup: str) -> str | None:
    """Return the id of the login that a cgroup of elogind names ("/41"); None for another cgroup."""
    match = re.match(r"/(c?[0-9]+)(?:/|$)", cgroup)
    return match and match[1]


def place_of_cgroup(cgroup: str) -> str:
    """Return the part of a cgroup that is the place of one login; with elogind that is the first component."""
    match = _PLACE.match(cgroup)
    return match[1] if match else "/" + cgroup.split("/", 2)[1] if cgroup.startswith("/") else cgroup


def is_manager(login: Login) -> bool:
    """Return whether a login is a user manager (since systemd 256 of class manager or manager-early)."""
    return (login.cls or "").startswith("manager")


def _without_duplicate_managers(logins: list[Login]) -> list[Login]:
    """Drop the record of a user's manager where the manager also has a session record (systemd 256 and newer)."""
    sessions = {login.uid for login in logins if is_manager(login) and not login.id.startswith("user@")}
    return [login for login in logins if not (login.id.startswith("user@") and login.uid in sessions)]


def _age_key(keyed: KeyedLogin) -> tuple[int, str, int]:
    """Return the sort key for logins by age: the kernel numbers cgroups in the order of their creation."""
    login, _ = keyed
    return login.scope_inode or 0, login.id, login.uid


def _owners_of_kernel_ids(keyed: Iterable[KeyedLogin], machine: Machine) -> dict[int, Login]:
    owned: dict[int, Login] = {}
    # the login with the strongest claim comes first and is not replaced
    for login, key in sorted(keyed, key=_claim_key):
        if key and _may_own(login, machine):
            owned.setdefault(key, login)
    return owned


def _claim_key(keyed: KeyedLogin) -> tuple[bool, bool, int, tuple[int, str, int]]:
    """Return the sort key for logins by their claim to a kernel id: the one named by its number, then the oldest."""
    login, key = keyed
    age = login.present if login.created is None else login.created
    return login.id != str(key), age is None, age or 0, (login.since or 0, login.id, login.uid)


def _may_own(login: Login, machine: Machine) -> bool:
    was_taken = machine.container is False and login.id.startswith("c") and not is_manager(login)
    return not login.inherited and not was_taken


def _logon_id_without_key(login: Login) -> str | None:
    """Return the LogonId of a login that owns no kernel id."""
    if is_manager(login):
        return str(MANAGER_BASE + login.uid)
    if _kernel_id_in_name(login) is None:
        return logon_id_of_word(login.id)
    return _logon_id_of_inode(login)


def _logon_id_of_inode(login: Login) -> str | None:
    return None if login.scope_inode is None else str(NUMBERED_BASE + (login.scope_inode & 0xFFFFFFFF))


def _logon_id_of_scope_name(login_id: str) -> str | None:
    return str(SCOPE_BASE + int(login_id[1:])) if re.fullmatch(r"c[0-9]{1,9}", login_id) else None


def _kernel_id_in_name(login: Login) -> int | None:
    """Return the kernel id that a login is named after; None where its name is no number."""
    return _valid_key(int(login.id)) if re.fullmatch(r"[0-9]{1,10}", login.id) else None


def _valid_key(key: int | None) -> int | None:
    return None if key in {None, 0, UNSET} else key


def place_of_login(login: Login) -> str:
    """Return the cgroup of a login, as its login service chooses it."""
    if is_manager(login):
        return f"/user.slice/user-{login.uid}.slice/user@{login.uid}.service"
    return f"/user.slice/user-{login.uid}.slice/{login.scope}" if login.scope else f"/{login.id}"
