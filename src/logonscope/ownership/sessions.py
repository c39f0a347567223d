"""What is this logon session? Puts a login's record and the kernel's facts of its processes into one answer.

Each value keeps its source. A value that nobody knows is None; the one approximation, a start without a login record,
says so in its source. logind leaves ssh logins without a terminal (systemd 257 everywhere, its state files before that
too), and a terminal is all that parts RemoteInteractive from Network: so it is taken from the processes right below the
leader.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from logonscope.answers.logon_session import LOGON_TYPES, LogonSession
from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Owner, boot_time, moment, started_at, terminal_name
from logonscope.machine.identity import logon_guid
from logonscope.ownership.join import MANAGER_BASE, SYSTEM_LOGON_ID, forgotten_login, is_manager, joined_by
from logonscope.ownership.logon_type import LOGIN_PROGRAMS, Traits, authentication_package, logon_type

KERNEL = "/proc/PID/loginuid"
CGROUP = "/proc/PID/cgroup"
TTY_NR = "/proc/PID/stat, tty_nr"
START_OF_LEADER = "/proc/PID/stat of its leader"
APPROXIMATE_START = "approximate: earliest process whose parent is not in it"
NO_LOGIN_PROGRAM = "its unit is a login program's, and no login program is among its processes"

LOGGED_OUT = "logged out"
_UNIT = re.compile(r"/system\.slice/(?:[^/]+\.slice/)*([^/@]+)(?:@[^/]*)?\.service(?:/|$)")
_PROGRAMS = {
    "ssh": "sshd", "sshd": "sshd", "dropbear": "dropbear", "cron": "cron", "crond": "crond", "cronie": "crond",
    "anacron": "anacron", "fcron": "fcron", "atd": "atd", "getty": "login", "serial-getty": "login",
    "console-getty": "login",
}  # fmt: skip
"""Units below system.slice in which login programs run, and their kernel names."""

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
    """Describe one logon session: by its record and its leader, or, without a record, by all of its processes.

    Args:
        owner: the session, as any of its processes is owned by it.
        members: its processes; of one with a record those below its leader are enough.
        machine: whose clock the facts are in.
        user: the account name of the login uid.
        whole: the members are all that there are; where they are not, nothing is counted.
        terminal_read: the processes below the leader are among the members.
    """
    logon, record = owner.logon or "", recorded_login(owner)
    is_system = logon == SYSTEM_LOGON_ID
    sources: dict[str, str] = {}
    first = None if record or is_system else earliest(members)
    origin = first if first and is_login_program(first) else None
    uid = login_uid(owner, members)
    leader = None if is_system else record.process if record else origin
    tty = None if is_system else _terminal(record, members, leader, sources)
    told = terminal_read and leader is not None and leader.tty_nr is not None
    traits = _traits(owner, tty, origin.comm if origin else login_program(members), told=told)
    kind, sources["logon_type"] = logon_type(traits)
    package, sources["authentication_package"] = authentication_package(traits)
    begin = _start(record, first, machine, sources, is_system=is_system)
    gone = is_logged_out(owner, members)
    if uid is not None:
        sources["uid"] = KERNEL if _is_kernel_id(logon) else record.source if record else CGROUP
    if gone and record is None:
        sources["state"] = NO_LOGIN_PROGRAM
    described = LogonSession(
        logon_id=logon,
        user=user,
        uid=uid,
        logon_type=kind,
        logon_type_name=None if kind is None else LOGON_TYPES[kind],
        authentication_package=package,
        start=begin,
        state=LOGGED_OUT if gone else None,
        tty=tty,
        processes=len(members) if whole else None,
        leftovers=None if gone is None or not whole else len(members) * gone,
        guid=logon_guid(machine, logon, generation(owner)),
        join_evidence=join_evidence(owner),
        start_is_approximate=begin is not None and record is None and not is_system,
        sources=sources,
    )
    if record is not None:
        return _of_record(described, record, sources)
    forgotten = owner.login or _placed_login(owner, members)
    if forgotten is None:
        return described
    sources["scope"] = CGROUP
    return described._replace(scope=forgotten.scope, login=forgotten.id)


def recorded_login(owner: Owner) -> Login | None:
    """Return the login record of an owner; None where the login service has none."""
    return owner.login if owner.login and owner.login.recorded else None


def join_evidence(owner: Owner) -> str | None:
    """Return by what a login was joined with its kernel id: record, leader, scope, remembered; None without both."""
    joined = joined_by(owner.login) if owner.login else None
    return joined and joined.evidence


def generation(owner: Owner) -> int | None:
    """Return what tells a logon session from another one to which the same LogonId was given: its scope's inode."""
    has_own_number = owner.logon is not None and int(owner.logon) > UNSET
    return owner.login.scope_inode if has_own_number and owner.login else None


def is_logged_out(owner: Owner, members: Iterable[Process]) -> bool | None:
    """Return whether the leader of a logon session is gone; None where that cannot be told.

    Without a record it is where a unit of its processes (ssh, cron, atd) names a login program and none of them is one.
    """
    record = recorded_login(owner)
    if record is not None:
        return record.gone
    members = list(members)
    if not _is_kernel_id(owner.logon) or login_program(members) is None:
        return None
    return None if any(map(is_login_program, members)) else True


def login_program(members: Iterable[Process]) -> str | None:
    """Return the kernel name of the login program whose unit some of the processes lie in; None for none or several."""
    units = (_UNIT.match(process.cgroup) for process in members if process.cgroup)
    programs = {program for unit in units if unit and (program := _PROGRAMS.get(unit[1]))}
    return next(iter(programs)) if len(programs) == 1 else None


def login_uid(owner: Owner, members: Iterable[Process]) -> int | None:
    """Return the uid that logged in: the kernel's word of a member, else that of the record or of the user's slice.

    All processes with one kernel id have one login uid: the kernel sets both at once. A login record of another uid
    does not own that id (see logins.py).
    """
    if owner.evidence == "audit":
        for member in sorted(members, key=_by_start):
            if member.loginuid not in {None, UNSET}:
                return member.loginuid
    login = owner.login or _placed_login(owner, members)
    if login:
        return login.uid
    return int(owner.logon or 0) - MANAGER_BASE if owner.evidence == "manager" else None


def _placed_login(owner: Owner, members: Iterable[Process]) -> Login | None:
    """Return what the place of its processes tells of a login that was not even read: it has begun just now."""
    if owner.evidence != "scope":
        return None
    return next(filter(None, (forgotten_login(member.cgroup) for member in members if member.cgroup)), None)


def earliest(members: Iterable[Process]) -> Process | None:
    """Return the first of these processes whose parent is not among them: what a logon session began with."""
    members = [process for process in members if process.start is not None]
    pids = {process.pid for process in members}
    roots = [process for process in members if process.ppid not in pids]
    return min(roots or members, key=_by_start, default=None)


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


def _of_record(described: LogonSession, record: Login, sources: dict[str, str]) -> LogonSession:
    """Add what only the login service knows."""
    said = described._replace(
        user=described.user or record.user,
        state=state(record),
        seat=record.seat,
        vt=record.vt,
        remote_host=record.remote_host,
        remote_user=record.remote_user,
        service=record.service,
        login_class=record.cls,
        leader=record.leader,
        scope=record.scope,
        login=record.id,
        vouched_by=record.service_name,
    )
    for name in ("state", "seat", "vt", "remote_host", "remote_user", "service", "login_class", "leader", "scope"):
        if getattr(said, name) is not None:
            sources[name] = record.source
    if said.state == "lingering":  # of the user: a session of its own, which managers have, knows no such state
        sources["state"] = f"/run/systemd/users/{record.uid}"
    if record.gone:
        sources["state"] = f"{record.source}: process {record.leader} is gone"
    return said


def _start(
    record: Login | None, first: Process | None, machine: Machine, sources: dict[str, str], *, is_system: bool
) -> datetime | None:
    if is_system:
        sources["start"] = "/proc/stat, btime"
        return boot_time(machine)
    if record and record.since:
        sources["start"] = record.source
        return moment(record.since / 1e6)
    begun = record.process if record else first
    if begun is None:
        return None
    sources["start"] = START_OF_LEADER if record else APPROXIMATE_START
    return started_at(begun, machine)


def _terminal(
    record: Login | None, members: Sequence[Process], leader: Process | None, sources: dict[str, str]
) -> str | None:
    if record and record.tty:
        sources["tty"] = record.source
        return record.tty
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
        below = (child for parent in generation for child in children.get(parent.pid, ()) if child.pid not in seen)
        generation = sorted(below, key=_by_start)
        seen.update(child.pid for child in generation)
    return None


def _traits(owner: Owner, tty: str | None, program: str | None, *, told: bool) -> Traits:
    record = recorded_login(owner)
    if owner.logon == SYSTEM_LOGON_ID:
        return Traits(system=True)
    if record is None:
        cls = "manager" if owner.evidence == "manager" else None
        return Traits(cls=cls, tty=tty, tty_known=told, origin=program)
    return Traits(
        cls=record.cls, type=record.type, service=record.service, seat=record.seat, remote=record.remote, tty=tty,
        tty_known=told,
    )  # fmt: skip


def _is_kernel_id(logon: str | None) -> bool:
    return logon is not None and int(logon) < UNSET


def _by_start(process: Process) -> tuple[int, int]:
    return process.start or 0, process.pid
