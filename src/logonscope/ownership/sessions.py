"""What is this logon session? Puts a login's record and the kernel's facts of its processes into one answer.

Each value keeps its source. A value that nobody knows is None; the one approximation, a start without a login record,
says so in its source. logind leaves ssh logins without a terminal (systemd 257 everywhere, its state files before that
too), and a terminal is all that parts RemoteInteractive from Network: so it is taken from the processes right below the
leader.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from logonscope.answers.logon_session import LOGON_TYPES, LogonSession
from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Owner, boot_time, moment, started_at, terminal_name
from logonscope.ownership.join import MANAGER_BASE, SYSTEM_LOGON_ID, is_manager
from logonscope.ownership.logon_type import LOGIN_PROGRAMS, Traits, authentication_package, logon_type

KERNEL = "/proc/PID/loginuid"
CGROUP = "/proc/PID/cgroup"
TTY_NR = "/proc/PID/stat, tty_nr"
APPROXIMATE_START = "approximate: earliest process whose parent is not in it"
START_OF_PARENTS = "approximate: not later than the earliest of this process's parents"

LOGGED_OUT = "logged out"
_STATES = {"opening": "online", "online": "online", "active": "active", "closing": "closing", "lingering": "lingering"}


def logon_session(
    owner: Owner,
    members: Sequence[Process],
    machine: Machine,
    user: str | None,
    *,
    whole: bool = True,
    terminal_read: bool = True,
) -> LogonSession:
    """Describe one logon session from its processes.

    Args:
        owner: the session, as any of its processes is owned by it.
        members: its processes with ses, loginuid and the facts of stat; where not ``whole``, only some of them.
        machine: whose clock the facts are in.
        user: the account name of the login uid.
        whole: the members are all that there are; where they are not, nothing is counted.
        terminal_read: the processes below the leader are among them.
    """
    logon, login = owner.logon or "", owner.login
    system = logon == SYSTEM_LOGON_ID
    sources: dict[str, str] = {}
    first = earliest(members)
    origin = first if first and is_login_program(first) else None
    uid = login_uid(owner, members)
    leader = login.process if login else origin
    tty = _terminal(login, members, leader, sources)
    told = terminal_read and leader is not None and leader.tty_nr is not None
    traits = _traits(owner, tty, origin, told=told)
    kind, sources["logon_type"] = logon_type(traits)
    package, sources["authentication_package"] = authentication_package(traits)
    begin = _start(login, first, machine, sources, system=system, whole=whole)
    leftover = login and login.gone
    if uid is not None:
        sources["uid"] = KERNEL if owner.evidence == "audit" else login.source if login else CGROUP
    described = LogonSession(
        logon_id=logon,
        user=user,
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


def state(login: Login | None) -> str | None:
    """Return active, online, closing, lingering or logged out; None where nobody vouches or nothing can be told.

    Logged out is the kernel's word, the leader is gone: the login service goes on listing a session whose scope is
    not empty, and those that it leaked.
    """
    if login is None:
        return None
    if login.gone:
        return LOGGED_OUT
    known = _STATES.get(login.state or "")
    return None if known == "lingering" and not is_manager(login) else known


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
        return boot_time(machine)
    if login and login.since:
        sources["start"] = login.source
        return moment(login.since / 1e6)
    if first is None:
        return None
    sources["start"] = APPROXIMATE_START if whole else START_OF_PARENTS
    return started_at(first, machine)


def _terminal(
    login: Login | None, members: Sequence[Process], leader: Process | None, sources: dict[str, str]
) -> str | None:
    if login and login.tty:
        sources["tty"] = login.source
        return login.tty
    found = terminal_below(leader, members) if leader else None
    if found:
        sources["tty"] = TTY_NR
    return found


def terminal_below(leader: Process, members: Iterable[Process]) -> str | None:
    """Return the terminal of the leader, else of the first generation below it that is not the login program's own.

    Deeper ones do not count: tmux, script and sudo make terminals inside a login that was given none.
    """
    children: dict[int | None, list[Process]] = {}
    for process in members:
        if process.pid != leader.pid:
            children.setdefault(process.ppid, []).append(process)
    generation, seen = [leader], {leader.pid}
    while generation:
        for process in generation:
            if process.tty_nr:
                return terminal_name(process.tty_nr)
        if any(process.comm != leader.comm for process in generation):
            return None
        generation = [child for parent in generation for child in children.get(parent.pid, ()) if child.pid not in seen]
        seen.update(child.pid for child in generation)
    return None


def _traits(owner: Owner, tty: str | None, origin: Process | None, *, told: bool) -> Traits:
    login = owner.login
    if owner.logon == SYSTEM_LOGON_ID:
        return Traits(system=True)
    if login is None:
        cls = "manager" if owner.evidence == "manager" else None
        return Traits(cls=cls, tty=tty, tty_known=told, origin=origin.comm if origin else None)
    return Traits(
        cls=login.cls, type=login.type, service=login.service, seat=login.seat, remote=login.remote, tty=tty,
        tty_known=told,
    )  # fmt: skip
