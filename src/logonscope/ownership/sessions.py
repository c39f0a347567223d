"""What is this logon session? Puts a login's record and the kernel's facts of its processes into one answer.

Each value keeps its source. A value that nobody knows is None; the one approximation, a start without a login record,
says so in its source.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from logonscope.answers import LogonSession
from logonscope.facts import UNSET, Account, Login, Machine, Process
from logonscope.machine import Owner
from logonscope.ownership.join import MANAGER_BASE
from logonscope.ownership.logon_type import LOGIN_PROGRAMS, Traits, authentication_package, logon_type
from logonscope.ownership.logon_type import NAMES as LOGON_TYPES
from logonscope.ownership.owners import SYSTEM_LOGON_ID
from logonscope.ownership.state import is_leftover, state
from logonscope.ownership.terminal import terminal_below

KERNEL = "/proc/PID/loginuid"
CGROUP = "/proc/PID/cgroup"
TTY_NR = "/proc/PID/stat, tty_nr"
APPROXIMATE_START = "approximate: earliest process whose parent is not in it"
START_OF_PARENTS = "approximate: not later than the earliest of this process's parents"

DESKTOPS = {"x11", "wayland", "mir"}
"""Types of logins (sd_session_get_type(3)) whose applications a user manager runs."""

Described = tuple[LogonSession, list[tuple[Process, Owner]]]
"""A logon session and the processes that it owns."""

_EPOCH = datetime.fromtimestamp(0, UTC)


def logon_session(
    owner: Owner,
    members: Sequence[Process],
    machine: Machine,
    accounts: Mapping[int, Account],
    *,
    whole: bool = True,
    terminal_told: bool = True,
) -> LogonSession:
    """Describe one logon session from its processes.

    Args:
        owner: the session, as any of its processes is owned by it.
        members: its processes with ses, loginuid and the facts of stat; where not ``whole``, only some of them.
        machine: whose clock the facts are in.
        accounts: looked up by uid.
        whole: the members are all that there are; where they are not, nothing is counted.
        terminal_told: the processes below the leader are among them.
    """
    logon, login = owner.logon or "", owner.login
    system = logon == SYSTEM_LOGON_ID
    sources: dict[str, str] = {}
    first = earliest(members)
    origin = first if first and is_login_program(first) else None
    uid = login_uid(owner, members)
    tty = _terminal(login, members, origin, sources)
    traits = _traits(owner, tty, origin, told=terminal_told)
    kind, sources["logon_type"] = logon_type(traits)
    package, sources["authentication_package"] = authentication_package(traits)
    begin = _start(login, first, machine, sources, system=system, whole=whole)
    leftover = is_leftover(login)
    if uid is not None:
        sources["uid"] = KERNEL if owner.evidence == "audit" else login.source if login else CGROUP
    account = None if uid is None else accounts.get(uid)
    described = LogonSession(
        logon_id=logon,
        user=account.name if account else None,
        uid=uid,
        logon_type=kind,
        logon_type_name=None if kind is None else LOGON_TYPES[kind],
        authentication_package=package,
        start=begin,
        state=state(login),
        tty=tty,
        processes=len(members) if whole else None,
        leftovers=None if leftover is None or not whole else len(members) * leftover,
        sources=sources,
    )
    return described if login is None else _vouched(described, login, sources)


def described(
    owned: Iterable[tuple[Process, Owner]], machine: Machine, accounts: Mapping[int, Account]
) -> list[Described]:
    """Return the logon sessions of these processes, each with its own; the System session first, then by start."""
    members: dict[str, list[tuple[Process, Owner]]] = {}
    for process, owner in owned:
        if owner.logon is not None:
            members.setdefault(owner.logon, []).append((process, owner))
    found = []
    for pairs in members.values():
        _, owner = min(pairs, key=lambda pair: pair[1].evidence != "audit")
        found.append((logon_session(owner, [process for process, _ in pairs], machine, accounts), pairs))
    return sorted(found, key=lambda pair: _order(pair[0]))


def desktops(found: Sequence[Described]) -> list[tuple[Described, Described]]:
    """Return the pairs of a user manager and a desktop login of its user: it runs what such a login opens."""
    managers = {one[0].uid: one for one in found if (one[0].login_class or "").startswith("manager")}
    return [
        (managers[one[0].uid], one)
        for one in found
        if any(owner.login and owner.login.type in DESKTOPS for _, owner in one[1])
        and one[0].uid in managers
        and managers[one[0].uid] is not one
    ]


def login_uid(owner: Owner, members: Iterable[Process]) -> int | None:
    """Return the uid that logged in: the kernel's word where the session is the kernel's, else the service's."""
    if owner.evidence == "audit":
        for member in members:
            known = member.loginuid
            if known is not None and known != UNSET:
                return known
    if owner.login:
        return owner.login.uid
    return int(owner.logon or 0) - MANAGER_BASE if owner.evidence == "manager" else None


def earliest(members: Iterable[Process]) -> Process | None:
    """Return the first of these processes whose parent is not among them: what a logon session began with."""
    members = [process for process in members if process.start is not None]
    pids = {process.pid for process in members}
    roots = [process for process in members if process.ppid not in pids]
    return min(roots or members, key=lambda process: (process.start or 0, process.pid), default=None)


def started_at(process: Process, machine: Machine) -> datetime | None:
    """Return when a process started: the boot time plus its clock ticks, so that repeated reads agree."""
    if process.start is None or machine.btime is None:
        return None
    return moment(machine.btime + process.start / machine.ticks)


def moment(seconds: float) -> datetime | None:
    """Return a time since the epoch in the local zone; None beyond the calendar, where only a damaged record leads."""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _order(session: LogonSession) -> tuple[bool, datetime, int]:
    return session.logon_id != SYSTEM_LOGON_ID, session.start or _EPOCH, int(session.logon_id)


def is_login_program(process: Process) -> bool:
    """Tell whether it is one: by its name, which anybody can choose, and by root, which nobody can."""
    return process.comm in LOGIN_PROGRAMS and process.uids is not None and process.uids[0] == 0


def _vouched(described: LogonSession, login: Login, sources: dict[str, str]) -> LogonSession:
    """Add what only the login service knows."""
    said = described._replace(
        user=described.user or login.user,
        seat=login.seat,
        vt=login.vt,
        remote_host=login.remote_host,
        remote_user=login.remote_user,
        service=login.service,
        login_class=login.cls,
        leader=login.leader,
        scope=login.scope,
        login=login.id,
        vouched_by=login.service_name,
    )
    for name in ("state", "seat", "vt", "remote_host", "remote_user", "service", "login_class", "leader", "scope"):
        if getattr(said, name) is not None:
            sources[name] = login.source
    if login.gone:
        sources["state"] = f"{login.source}: process {login.leader} is gone"
    return said


def _start(
    login: Login | None, first: Process | None, machine: Machine, sources: dict[str, str], *, system: bool, whole: bool
) -> datetime | None:
    if system:
        sources["start"] = "/proc/stat, btime"
        return None if machine.btime is None else moment(machine.btime)
    if login and login.since:
        sources["start"] = login.source
        return moment(login.since / 1e6)
    if first is None:
        return None
    sources["start"] = APPROXIMATE_START if whole else START_OF_PARENTS
    return started_at(first, machine)


def _terminal(
    login: Login | None, members: Sequence[Process], first: Process | None, sources: dict[str, str]
) -> str | None:
    if login and login.tty:
        sources["tty"] = login.source
        return login.tty
    leader = login.process if login else first
    found = terminal_below(leader, members) if leader else None
    if found:
        sources["tty"] = TTY_NR
    return found


def _traits(owner: Owner, tty: str | None, origin: Process | None, *, told: bool) -> Traits:
    login = owner.login
    if owner.logon == SYSTEM_LOGON_ID:
        return Traits(system=True)
    if login is None:
        cls = "manager" if owner.evidence == "manager" else None
        return Traits(cls=cls, tty=tty, tty_known=told, origin=origin.comm if origin else None)
    return Traits(
        cls=login.cls, type=login.type, service=login.service, seat=login.seat, remote=login.remote, tty=tty,
        tty_known=told and login.process is not None,
    )  # fmt: skip
