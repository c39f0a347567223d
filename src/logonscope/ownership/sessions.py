"""Descriptions of logon sessions, from the login record and the kernel's facts of the processes.

``sources`` names the sources of most values. An unknown value is None. The start of a login without a login record is
approximate, and its source says so.

The state files of logind lack the terminal of an ssh login; where systemd is built without utmp, such as on Debian 13,
logind does not know this terminal at all. But only the terminal distinguishes RemoteInteractive from Network.
Therefore, the terminal is taken from the processes just below the leader.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from logonscope.answers.logon_session import IPV4_FORM, LOGON_TYPES, LogonSession
from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Leader, Owner, boot_time, datetime_of_microseconds, start_time, terminal_name
from logonscope.machine.identity import logon_guid
from logonscope.ownership.join import (
    MANAGER_BASE,
    SYSTEM_LOGON_ID,
    is_manager,
    join_of_login,
    manager_cgroup,
    unrecorded_login,
)
from logonscope.ownership.logon_type import (
    LOGIN_PROGRAMS,
    SSH_PROGRAMS,
    SSH_SERVICES,
    Traits,
    authentication_package,
    logon_type,
)

SOURCE_LOGINUID = "/proc/PID/loginuid"
SOURCE_CGROUP = "/proc/PID/cgroup"
SOURCE_TTY_NR = "/proc/PID/stat, tty_nr"
SOURCE_LEADER_START = "/proc/PID/stat of its leader"
SOURCE_APPROXIMATE_START = "approximate: earliest process whose parent is outside the logon session"
SOURCE_NO_LOGIN_PROGRAM = "its unit runs a login program, but none of its processes is one"
SOURCE_MEMORY = "remembered"

_OCTETS = frozenset(map(str, range(256)))
_IPV6 = r"[0-9A-Fa-f:.]{2,45}(?:%[0-9A-Za-z._-]{1,32})?"

LOGGED_OUT = "logged out"
# a unit of the system; the group is its name without ".service" and without the instance: NAME of NAME@X.service
_UNIT = r"/system\.slice/(?:[^/]+\.slice/)*([^/@]+)(?:@[^/]*)?\.service(?:/|$)"
_PROGRAMS = {
    "ssh": "sshd", "sshd": "sshd", "dropbear": "dropbear", "cron": "cron", "crond": "crond", "cronie": "crond",
    "anacron": "anacron", "fcron": "fcron", "atd": "atd", "getty": "login", "serial-getty": "login",
    "console-getty": "login",
}  # fmt: skip
"""Unit below system.slice -> comm of the login program that it runs."""

# logind's state in a record -> State; other states become None
_STATES = {"opening": "online", "online": "online", "active": "active", "closing": "closing", "lingering": "lingering"}


def logon_session(
    owner: Owner,
    members: Sequence[Process],
    machine: Machine,
    user: str | None,
    *,
    members_are_complete: bool = True,
    terminal_read: bool = True,
) -> LogonSession:
    """Describe one logon session: from its record and its leader, or, without a record, from all of its processes.

    Args:
        owner: the logon session, as the owner of any of its processes.
        members: its processes; with a record, the processes below the leader are enough.
        machine: the host, for its clock and its identity.
        user: the account name of the login uid.
        members_are_complete: the members are all processes of the logon session. If False, they are not counted: the
            numbers of processes and of leftovers are None.
        terminal_read: the processes below the leader are among the members, so that its terminal can be found.
    """
    logon_id, record = owner.logon_id or "", recorded_login(owner)
    is_system = logon_id == SYSTEM_LOGON_ID
    sources: dict[str, str] = {}
    earliest = None if record or is_system else earliest_process(members)
    login_process = earliest if earliest and (is_login_program(earliest) or _is_user_manager(earliest)) else None
    uid = login_uid(owner, members)
    leader = None if is_system else record.process if record else login_process
    tty = None if is_system else _find_terminal(record, members, leader, sources)
    tty_known = (terminal_read and leader is not None and leader.tty_nr is not None) or is_terminal_seen(record)
    # where the login program itself has ended, the unit of the processes still names it
    program = login_process.comm if login_process else login_program(members)
    traits = _make_traits(owner, tty, program, tty_known=tty_known)
    type_number, sources["logon_type"] = logon_type(traits)
    package, sources["authentication_package"] = authentication_package(traits)
    start = _find_start(record, earliest, machine, sources, is_system=is_system)
    logged_out = is_logged_out(owner, members)
    if uid is not None:
        sources["uid"] = SOURCE_LOGINUID if _is_kernel_id(logon_id) else record.source if record else SOURCE_CGROUP
    if logged_out and record is None:
        sources["state"] = SOURCE_NO_LOGIN_PROGRAM
    session = LogonSession(
        logon_id=logon_id,
        user=user,
        uid=uid,
        logon_type=type_number,
        logon_type_name=None if type_number is None else LOGON_TYPES[type_number],
        authentication_package=package,
        start=start,
        state=LOGGED_OUT if logged_out else None,
        tty=tty,
        processes=len(members) if members_are_complete else None,
        leftovers=_count_leftovers(members, logged_out=logged_out) if members_are_complete else None,
        guid=logon_guid(machine, logon_id, logon_id_generation(owner)),
        join_evidence=join_evidence(owner),
        start_is_approximate=start is not None and record is None and not is_system,
        sources=sources,
    )
    if record is not None:
        return _add_record(session, record, sources)
    # a login without a record: the scope may be known
    login = owner.login or _login_of_scope(owner, members)
    if login is None:
        return session
    sources["scope"] = SOURCE_CGROUP
    return session._replace(scope=login.scope, login=login.id)


def _count_leftovers(members: Sequence[Process], *, logged_out: bool | None) -> int | None:
    if logged_out is None:
        return None
    return len(members) if logged_out else 0


def recorded_login(owner: Owner) -> Login | None:
    """Return the login record of an owner; None where the login service has none."""
    return owner.login if owner.login and owner.login.recorded else None


def join_evidence(owner: Owner) -> str | None:
    """Return the evidence that joins a login with its kernel id: record, leader, scope, remembered; None: no join."""
    login_join = join_of_login(owner.login) if owner.login else None
    return login_join and login_join.join_evidence


def logon_id_generation(owner: Owner) -> int | None:
    """Return the inode of the scope, to distinguish logon sessions with the same LogonId.

    None: the LogonId is unique, or the inode is not known. A LogonId that is a kernel id is unique: the kernel never
    reuses an audit session id during a boot.
    """
    has_id_above_kernel_ids = owner.logon_id is not None and int(owner.logon_id) > UNSET
    return owner.login.scope_inode if has_id_above_kernel_ids and owner.login else None


def is_logged_out(owner: Owner, members: Iterable[Process]) -> bool | None:
    """Return whether the leader of a logon session is gone; None: not known.

    Without a record, True is returned if the unit of the processes (such as ssh.service) runs a login program and none
    of the processes is a login program. In all other cases without a record, None is returned.
    """
    record = recorded_login(owner)
    if record is not None:
        return record.gone
    members = list(members)
    if not _is_kernel_id(owner.logon_id) or login_program(members) is None:
        return None
    return None if any(map(is_login_program, members)) else True


def login_program(members: Iterable[Process]) -> str | None:
    """Return the comm of the login program whose unit the processes are in.

    None if no process is in such a unit, or if they are in the units of several login programs.
    """
    units = (re.match(_UNIT, process.cgroup) for process in members if process.cgroup)
    programs = {program for unit in units if unit and (program := _PROGRAMS.get(unit[1]))}
    return next(iter(programs)) if len(programs) == 1 else None


def login_uid(owner: Owner, members: Iterable[Process]) -> int | None:
    """Return the uid that logged in; None: it is not known, or the logon session is the System session.

    With the evidence "audit", it is the login uid of the earliest member that has one. With other evidence, or if no
    member has a login uid, it is the uid in the login record or in the login cgroup. All processes with one kernel id
    have one login uid: the kernel sets both together. A login record of another uid does not own that kernel id (see
    sources/linux/logins.py).
    """
    if owner.evidence == "audit":
        for member in sorted(members, key=_start_key):
            if member.loginuid not in {None, UNSET}:
                return member.loginuid
    login = owner.login or _login_of_scope(owner, members)
    if login:
        return login.uid_here
    return int(owner.logon_id or 0) - MANAGER_BASE if owner.evidence == "manager" else None


def _login_of_scope(owner: Owner, members: Iterable[Process]) -> Login | None:
    """Return the login that the cgroup of one of the processes names; None if no cgroup names a login.

    ``owner.login`` is None for a login that began after the logins were read; its cgroup still names it.
    """
    if owner.evidence != "scope":
        return None
    return next(filter(None, (unrecorded_login(member.cgroup) for member in members if member.cgroup)), None)


def earliest_process(members: Iterable[Process]) -> Process | None:
    """Return the first process of a logon session; None: the start of no member is known.

    It is the earliest of the members whose parent is not a member.
    """
    members = [process for process in members if process.start is not None]
    pids = {process.pid for process in members}
    roots = [process for process in members if process.ppid not in pids]
    return min(roots or members, key=_start_key, default=None)


def session_state(login: Login | None) -> str | None:
    """Return active, online, closing, lingering or logged out; None without a record, or where it is not known.

    "logged out" comes from the kernel (the leader is gone): the login service continues to list a session whose scope
    is not empty, and sessions that it has leaked.
    """
    if login is None:
        return None
    if login.gone:
        return LOGGED_OUT
    recorded_state = _STATES.get(login.state or "")
    # lingering is a state of users; only a manager's login represents its user
    return None if recorded_state == "lingering" and not is_manager(login) else recorded_state


def is_login_program(process: Process) -> bool:
    """Return whether a process is a login program that root runs. Any user can choose the name of a process."""
    return process.comm in LOGIN_PROGRAMS and process.uids is not None and process.uids[0] == 0


def _is_user_manager(process: Process) -> bool:
    """Return whether a process is the manager of the user that logged in, by its cgroup."""
    # only root and this user can put a process into that cgroup
    scope = f"{manager_cgroup(process.loginuid)}/init.scope/"
    return process.comm == "systemd" and f"{process.cgroup}/".startswith(scope)


def network_leader(owner: Owner, members: Sequence[Process]) -> Leader | None:
    """Return the leader of an ssh login; None: it is no ssh login, or the leader is not known.

    Without a record, the leader is the first process if this is an ssh server that root runs.
    """
    record = recorded_login(owner)
    if record is not None:
        process, service = record.process, record.service or ""
        is_ssh = service in SSH_SERVICES or (process is not None and process.comm in SSH_PROGRAMS)
        if not is_ssh or record.leader is None:
            return None
        if process is None:
            return Leader(record.leader, recorded_at=record.created)
        return Leader(process.pid, process.ppid, process.start, record.created)
    earliest = None if owner.logon_id in {None, SYSTEM_LOGON_ID} else earliest_process(members)
    if earliest is None or earliest.comm not in SSH_PROGRAMS or not is_login_program(earliest):
        return None
    return Leader(earliest.pid, earliest.ppid, earliest.start)


def address_of(remote_host: str | None) -> str | None:
    """Return a remote host as an IP address; None if it is no address."""
    if remote_host is None or not (re.fullmatch(IPV4_FORM, remote_host) or ":" in remote_host):
        return None
    if ":" in remote_host and not re.fullmatch(_IPV6, remote_host):
        return None
    return plain_address(remote_host)


def _is_plain_ipv4(text: str) -> bool:
    """Return whether a text is four numbers up to 255, without zeros in front."""
    numbers = text.split(".")
    return len(numbers) == 4 and all(number in _OCTETS for number in numbers)


def plain_address(text: str) -> str | None:
    """Return an IP address in its usual form; an IPv4 address mapped to IPv6 (RFC 4291, 2.5.5.2) as IPv4.

    None if the text is no address.
    """
    if _is_plain_ipv4(text):
        return text
    import ipaddress  # noqa: PLC0415 -- slow to import

    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _add_record(session: LogonSession, record: Login, sources: dict[str, str]) -> LogonSession:
    recorded_session = session._replace(
        user=session.user or record.user,
        state=session_state(record),
        seat=record.seat,
        vt=record.vt,
        remote_host=record.remote_host,
        remote_address=address_of(record.remote_host),
        remote_user=record.remote_user,
        service=record.service,
        login_class=record.cls,
        leader=record.leader,
        scope=record.scope,
        login=record.id,
        recorded_by=record.service_name,
    )
    for name in (
        "state",
        "seat",
        "vt",
        "remote_host",
        "remote_address",
        "remote_user",
        "service",
        "login_class",
        "leader",
        "scope",
    ):
        if getattr(recorded_session, name) is not None:
            sources[name] = record.source
    if recorded_session.state == "lingering":
        # the user's file has this state, not the session record of the manager: see sources/linux/logins.py
        sources["state"] = f"/run/systemd/users/{record.uid}"
    if record.gone:
        sources["state"] = f"{record.source}: process {record.leader} is gone"
    return recorded_session


def _find_start(
    record: Login | None, earliest: Process | None, machine: Machine, sources: dict[str, str], *, is_system: bool
) -> datetime | None:
    if is_system:
        sources["start"] = "/proc/stat, btime"
        return boot_time(machine)
    if record and record.since:
        sources["start"] = record.source
        return datetime_of_microseconds(record.since)
    process = record.process if record else earliest
    if process is None:
        return None
    sources["start"] = SOURCE_LEADER_START if record else SOURCE_APPROXIMATE_START
    return start_time(process, machine)


def _find_terminal(
    record: Login | None, members: Sequence[Process], leader: Process | None, sources: dict[str, str]
) -> str | None:
    if record and record.tty:
        sources["tty"] = record.source
        return record.tty
    terminal = terminal_below(leader, members) if leader else None
    if terminal:
        sources["tty"] = SOURCE_TTY_NR
    elif record and record.seen_tty:
        sources["tty"] = SOURCE_MEMORY
        return record.seen_tty
    return terminal


def is_terminal_seen(record: Login | None) -> bool:
    """Return whether an earlier reading knew the terminal of a login, or knew that it had no terminal."""
    return record is not None and record.seen_tty is not None


def terminal_below(leader: Process, members: Iterable[Process]) -> str | None:
    """Return the terminal of a login: the first one, going down from the leader; None: no terminal was found.

    The search ends after the first level of the tree with another program than the leader's. Terminals further down do
    not count: tmux, script and sudo create terminals inside a login that has none.
    """
    children: dict[int | None, list[Process]] = {}
    for process in members:
        if process.pid != leader.pid:
            children.setdefault(process.ppid, []).append(process)
    level, seen_pids = [leader], {leader.pid}
    while level:
        for process in level:
            if process.tty_nr:
                return terminal_name(process.tty_nr)
        # sshd forks workers (with the same comm) between the leader and the shell: look one level further
        if any(process.comm != leader.comm for process in level):
            return None
        next_level = (child for parent in level for child in children.get(parent.pid, ()) if child.pid not in seen_pids)
        level = sorted(next_level, key=_start_key)
        seen_pids.update(child.pid for child in level)
    return None


def _make_traits(owner: Owner, tty: str | None, program: str | None, *, tty_known: bool) -> Traits:
    record = recorded_login(owner)
    if owner.logon_id == SYSTEM_LOGON_ID:
        return Traits(system=True)
    if record is None:
        cls = "manager" if owner.evidence == "manager" else None
        return Traits(cls=cls, tty=tty, tty_known=tty_known, program=program)
    return Traits(
        cls=record.cls, type=record.type, service=record.service, seat=record.seat, remote=record.remote, tty=tty,
        tty_known=tty_known,
    )  # fmt: skip


def _is_kernel_id(logon_id: str | None) -> bool:
    return logon_id is not None and int(logon_id) < UNSET


def _start_key(process: Process) -> tuple[int, int]:
    return process.start or 0, process.pid
