"""Joins of login records with kernel audit session ids ("kernel ids"): they give each login its LogonId.

A login is joined with a kernel id by the strongest evidence available, in this order: the id in its record if nothing
disproves it, the id of its leader, the id that the processes of its scope carry, the id that an earlier reading joined
the login with.

Of several logins with the same kernel id at most one, the holder, owns it. The LogonId of the holder is the kernel id;
the other logins get a LogonId from a range above all kernel ids. A login cannot own a kernel id that it is proved to
have inherited. Outside containers, a login that logind names cN cannot own its kernel id either: logind chose that name
because the kernel id was taken.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from logonscope.facts import UNSET, Login, Machine

SYSTEM_LOGON_ID = str(UNSET)
"""LogonId of the System session: the kernel's own value for "no audit session"."""

SCOPE_BASE = 1 << 32
"""LogonId of a login that logind names cN and that owns no kernel id: SCOPE_BASE plus N."""

MANAGER_BASE = 1 << 33
"""LogonId of a user manager that owns no kernel id: MANAGER_BASE plus the uid."""

NUMBERED_BASE = 1 << 34
"""LogonId of a login that owns no kernel id and whose login id is a number.

The LogonId is NUMBERED_BASE plus the low 32 bits of the scope's inode. A login gets such a LogonId, too, if an older
login has the LogonId that it would get.
"""

# The whole path from the root, with the same uid twice: a user can make directories with any name, but only below
# the user's own user@UID.service.
_LOGIN_CGROUP = (
    r"(/user\.slice/user-([0-9]{1,10})\.slice/(?:session-([0-9A-Za-z]{1,32})\.scope|user@\2\.service))(?:/|$)"
)


class KernelIdJoin(NamedTuple):
    """The kernel id that a login is joined with, and the evidence for that: record, leader, scope, remembered.

    In an Owner, the evidence "scope" means that a process is in the scope of the login. Here, "scope" means that all
    processes in the scope carry this kernel id. If the login has no record, "scope" can also mean that the name of the
    scope contains this kernel id.
    """

    kernel_id: int
    join_evidence: str


LoginWithKernelId = tuple[Login, int | None]
"""A login, and the kernel id that it is joined with; None: it is joined with no kernel id."""


class JoinedLogins(NamedTuple):
    """The logins of a host, each with its LogonId."""

    by_logon: Mapping[str, Login]  # LogonId -> login
    by_cgroup: Mapping[str, tuple[str, Login]]  # login cgroup -> LogonId and login
    shared: Mapping[int, frozenset[str]]  # kernel id -> LogonIds of the logins that carry it, but do not own it

    @property
    def kernel_ids_needing_cgroup(self) -> frozenset[int]:
        """Return the kernel ids that do not decide the owner alone: the cgroup of the process is needed, too."""
        return frozenset({UNSET, *self.shared})


def join_logins(logins: Iterable[Login], machine: Machine) -> JoinedLogins:
    """Return the logins with their LogonIds; leave out logins for which no LogonId is free."""
    joined = [(login, joined_kernel_id(login)) for login in _without_duplicate_managers(list(logins))]
    holders = _holders_of_kernel_ids(joined, machine)
    by_logon: dict[str, Login] = {}
    by_cgroup: dict[str, tuple[str, Login]] = {}
    shared: dict[int, set[str]] = {}
    # by creation, so that of two logins with the same LogonId the older one keeps it, whatever the order of reading
    for login, kernel_id in sorted(joined, key=_creation_key):
        logon_id = (
            str(kernel_id) if kernel_id and holders.get(kernel_id) is login else _logon_id_without_kernel_id(login)
        )
        # a login service that has lost its records counts from 1 again, while scopes of older logins still exist
        if logon_id in by_logon:
            logon_id = _logon_id_of_inode(login)
        if logon_id is None or logon_id in by_logon:
            continue
        by_logon[logon_id] = login
        by_cgroup[login_cgroup(login)] = (logon_id, login)
        # the processes of this login carry the kernel id of another login: only their cgroup distinguishes them
        if kernel_id and holders.get(kernel_id) is not login:
            shared.setdefault(kernel_id, set()).add(logon_id)
    return JoinedLogins(
        by_logon, by_cgroup, {kernel_id: frozenset(logon_ids) for kernel_id, logon_ids in shared.items()}
    )


def join_of_login(login: Login) -> KernelIdJoin | None:
    """Join a login with a kernel id by the strongest evidence that is not disproved; None: there is no evidence.

    A running leader that carries another id than the record disproves the record. If the leader is gone or carries no
    id, a scope disproves the record if all its processes carry the same id, and this is another id than the record's.
    """
    recorded_id = _valid_kernel_id(login.audit) or _kernel_id_in_name(login)
    leader_id = _valid_kernel_id(login.process.ses) if login.process else None
    # a scope whose processes carry different ids is no evidence for any of them
    scope_id = _valid_kernel_id(login.scope_ids[0]) if login.scope_ids and len(login.scope_ids) == 1 else None
    # of a login without a record, the id comes from the name of its scope: the join evidence is "scope"
    if recorded_id and (leader_id or scope_id or recorded_id) == recorded_id:
        return KernelIdJoin(recorded_id, "record" if login.recorded else "scope")
    remembered_id = _valid_kernel_id(login.remembered)
    for kernel_id, join_evidence in ((leader_id, "leader"), (scope_id, "scope"), (remembered_id, "remembered")):
        if kernel_id:
            return KernelIdJoin(kernel_id, join_evidence)
    return None


def joined_kernel_id(login: Login) -> int | None:
    """Return the kernel id that a login is joined with; None: it is joined with no kernel id."""
    login_join = join_of_login(login)
    return login_join and login_join.kernel_id


def parse_logon_id(word: str) -> str | None:
    """Return the LogonId for a user's word: a decimal number or logind's cN; None for another word."""
    if re.fullmatch(r"[0-9]{1,20}", word):
        return str(int(word))
    return _logon_id_of_scope_name(word)


def _match_login_cgroup(cgroup: str) -> re.Match[str] | None:
    # most cgroups are outside /user.slice: for these, the expression need not be compiled
    return re.match(_LOGIN_CGROUP, cgroup) if cgroup.startswith("/user.slice/") else None


def named_login_id(cgroup: str) -> str | None:
    """Return the login id, or the unit of the user manager, that a cgroup names; None: it is in no login cgroup."""
    match = _match_login_cgroup(cgroup)
    return match and (match[3] or f"user@{match[2]}.service")


def unrecorded_login(cgroup: str) -> Login | None:
    """Return a login without a record, with the facts in the path of its scope; None if the cgroup is in no scope."""
    match = _match_login_cgroup(cgroup)
    if match is None or match[3] is None:
        return None
    return Login(match[3], int(match[2]), scope=f"session-{match[3]}.scope", recorded=False)


def logon_without_record(cgroup: str) -> tuple[str, str] | None:
    """Return the LogonId of the login that a cgroup names, and the evidence (scope or manager).

    None if the cgroup is in no login cgroup, or if the LogonId cannot be determined without the login record.
    """
    match = _match_login_cgroup(cgroup)
    if match is None:
        return None
    if match[3] is None:
        return str(MANAGER_BASE + int(match[2])), "manager"
    logon_id = parse_logon_id(match[3])
    return None if logon_id is None else (logon_id, "scope")


def named_elogind_login_id(cgroup: str) -> str | None:
    """Return the login id that a cgroup of elogind names ("/41"); None for another cgroup."""
    match = re.match(r"/(c?[0-9]+)(?:/|$)", cgroup)
    return match and match[1]


def cut_to_login_cgroup(cgroup: str) -> str:
    """Cut the path of a cgroup to the login cgroup that it is in: the path up to the unit of the login or manager.

    Of another path only the first component is kept ("/41"): if elogind created it, it is the login cgroup.
    """
    match = _match_login_cgroup(cgroup)
    return match[1] if match else "/" + cgroup.split("/", 2)[1] if cgroup.startswith("/") else cgroup


def is_manager(login: Login) -> bool:
    """Return whether a login is a user manager."""
    # Since systemd 256, logind writes a session record of class manager or manager-early for a user manager.
    return (login.cls or "").startswith("manager")


def _without_duplicate_managers(logins: list[Login]) -> list[Login]:
    """Drop the login "user@UID.service" of a manager that also has a session record (systemd 256 and newer)."""
    uids = {login.uid for login in logins if is_manager(login) and not login.id.startswith("user@")}
    return [login for login in logins if not (login.id.startswith("user@") and login.uid in uids)]


def _creation_key(joined: LoginWithKernelId) -> tuple[int, str, int]:
    """Return the sort key for logins, oldest first: the kernel numbers cgroups in the order of their creation."""
    login, _ = joined
    return login.scope_inode or 0, login.id, login.uid


def _holders_of_kernel_ids(joined: Iterable[LoginWithKernelId], machine: Machine) -> dict[int, Login]:
    """Return the login that owns each kernel id; leave out a kernel id that none of its logins may own."""
    holders: dict[int, Login] = {}
    # the login with the strongest claim comes first and is not replaced
    for login, kernel_id in sorted(joined, key=_claim_key):
        if kernel_id and _may_own(login, machine):
            holders.setdefault(kernel_id, login)
    return holders


def _claim_key(joined: LoginWithKernelId) -> tuple[bool, bool, int, tuple[int, str, int]]:
    """Return the sort key for logins by their claim to a kernel id.

    First the login whose login id is this kernel id, then the oldest login.
    """
    login, kernel_id = joined
    start = login.earliest_start if login.created is None else login.created
    return login.id != str(kernel_id), start is None, start or 0, (login.since or 0, login.id, login.uid)


def _may_own(login: Login, machine: Machine) -> bool:
    # outside containers, logind names a login cN if an earlier login has its kernel id already
    was_taken = machine.container is False and login.id.startswith("c") and not is_manager(login)
    return not login.inherited and not was_taken


def _logon_id_without_kernel_id(login: Login) -> str | None:
    """Return the LogonId of a login that owns no kernel id."""
    if is_manager(login):
        return str(MANAGER_BASE + login.uid)
    if _kernel_id_in_name(login) is None:
        return parse_logon_id(login.id)
    return _logon_id_of_inode(login)


def _logon_id_of_inode(login: Login) -> str | None:
    return None if login.scope_inode is None else str(NUMBERED_BASE + (login.scope_inode & 0xFFFFFFFF))


def _logon_id_of_scope_name(login_id: str) -> str | None:
    return str(SCOPE_BASE + int(login_id[1:])) if re.fullmatch(r"c[0-9]{1,9}", login_id) else None


def _kernel_id_in_name(login: Login) -> int | None:
    """Return the login id of a login as a kernel id; None if the login id cannot be a kernel id."""
    return _valid_kernel_id(int(login.id)) if re.fullmatch(r"[0-9]{1,10}", login.id) else None


def _valid_kernel_id(kernel_id: int | None) -> int | None:
    return None if kernel_id in {None, 0, UNSET} else kernel_id


def manager_cgroup(uid: int | None) -> str:
    """Return the login cgroup of a user's manager."""
    return f"/user.slice/user-{uid}.slice/user@{uid}.service"


def login_cgroup(login: Login) -> str:
    """Return the login cgroup of a login, as its login service chooses it."""
    if is_manager(login):
        return manager_cgroup(login.uid)
    return f"/user.slice/user-{login.uid}.slice/{login.scope}" if login.scope else f"/{login.id}"
