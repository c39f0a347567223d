"""What does the login service say? Reads the state files of logind and elogind, and each leader's own /proc files.

Sessions stand in /run/systemd/sessions; the ``*.ref`` beside them are FIFOs whose open() blocks for ever and are
never opened. User managers stand in /run/systemd/users; their leader is the first process of their init.scope.
"""

import os
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Look, ProcessQuery, Trouble
from logonscope.sources.linux import parse
from logonscope.sources.linux.processes import Reader

SESSIONS = "run/systemd/sessions"
USERS = "run/systemd/users"
_CGROUP_ROOTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified", "sys/fs/cgroup/systemd")
_LARGEST = 65536

_CLOCK_SLACK = 2.0
"""Seconds between two clocks' words for one moment: btime is a whole number of seconds."""

_LEADER = ProcessQuery(frozenset({"ses", "comm", "ppid", "tty_nr", "start"}))


def logins(root: str, ids: Collection[str] | None, machine: Machine, look: Look) -> tuple[Login, ...]:
    """Read every login that the service knows (None), or only those with one of these ids."""
    proc = os.path.join(root, "proc")
    read = Reader(proc, _LEADER).read
    hidden = not os.path.exists(os.path.join(proc, "1"))  # hidepid: what is not seen may be there
    service_name = "logind" if os.path.isdir(os.path.join(root, "run/systemd/system")) else "elogind"  # sd_booted(3)
    users = None if ids is None else {uid for login_id in ids if (uid := _managed(login_id))}
    found = []
    for login_id, state in _states(os.path.join(root, SESSIONS), ids, look):
        login = _session(login_id, state, read, machine)
        if login is None:
            look.report(Trouble(f"/{SESSIONS}/{login_id}", "it names no UID", "restart the login service"))
            continue
        found.append(login._replace(service_name=service_name, gone=None if hidden and login.gone else login.gone))
    for uid, state in _states(os.path.join(root, USERS), users, look):
        if uid.isdecimal() and (manager := _manager(root, int(uid), state, read)):
            found.append(manager)
    return tuple(found)


def _states(folder: str, wanted: Collection[str] | None, look: Look) -> Iterator[tuple[str, Mapping[str, str]]]:
    try:
        names = sorted(os.listdir(folder) if wanted is None else wanted)
    except FileNotFoundError:
        return
    except OSError as error:
        look.report(Trouble(folder, os.strerror(error.errno or 0), "run as root to read the login service's files"))
        return
    for name in names:
        if name.isalnum() and (data := _regular(os.path.join(folder, name))) is not None:
            yield name, parse.parse_state_file(data)


def _managed(login_id: str) -> str | None:
    """Return the uid in "user@UID.service"."""
    uid = login_id.removeprefix("user@").removesuffix(".service")
    return uid if uid.isdecimal() and login_id == f"user@{uid}.service" else None


def _regular(path: str) -> bytes | None:
    """Read a small regular file; None where it has gone, or is none."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb", buffering=0) as file:
            return file.read(_LARGEST)
    except OSError:
        return None


def _session(
    login_id: str, state: Mapping[str, str], read: Callable[[int], Process | None], machine: Machine
) -> Login | None:
    uid, leader, audit = _number(state.get("UID")), _number(state.get("LEADER")), _number(state.get("AUDIT"))
    if uid is None:
        return None
    process = read(leader) if leader else None
    if process and _came_later(process, state, machine):
        process = None  # another process has the leader's pid by now
    return Login(
        id=login_id,
        uid=uid,
        leader=leader,
        audit=None if audit in {0, UNSET} else audit,
        since=_number(state.get("REALTIME")),
        user=state.get("USER"),
        cls=state.get("CLASS"),
        type=state.get("TYPE"),
        service=_text(state.get("SERVICE")),
        seat=state.get("SEAT"),
        vt=_number(state.get("VTNR")),
        tty=_text(state.get("TTY")),
        display=_text(state.get("DISPLAY")),
        desktop=_text(state.get("DESKTOP")),
        remote=state.get("REMOTE") == "1" if "REMOTE" in state else None,
        remote_host=_text(state.get("REMOTE_HOST")),
        remote_user=_text(state.get("REMOTE_USER")),
        scope=state.get("SCOPE") or None,
        state=state.get("STATE"),
        source=f"/{SESSIONS}/{login_id}",
        process=process,
        gone=None if leader is None else process is None,
        inherited=_inherited(process, read) if login_id.startswith("c") else None,
    )


def _manager(root: str, uid: int, state: Mapping[str, str], read: Callable[[int], Process | None]) -> Login | None:
    """Make the login of a user manager, from the user's state file and the manager's own cgroup."""
    unit = f"user@{uid}.service"
    for cgroups in _CGROUP_ROOTS:
        path = os.path.join(root, cgroups, "user.slice", f"user-{uid}.slice", unit, "init.scope", "cgroup.procs")
        data = _regular(path)
        if data is not None:
            break
    else:
        return None
    leader = next((int(word) for word in data.split() if word.isdigit()), None)
    process = read(leader) if leader else None
    return Login(
        id=unit,
        uid=uid,
        leader=leader,
        since=_number(state.get("REALTIME")),
        user=state.get("NAME"),
        cls="manager",
        type="unspecified",
        service="systemd-user",
        scope=unit,
        state=state.get("STATE"),
        source=f"/{USERS}/{uid}",
        process=process,
        gone=process is None,
        inherited=_inherited(process, read),
    )


def _came_later(process: Process, state: Mapping[str, str], machine: Machine) -> bool:
    """Tell whether a process began after a login: then it has its leader's pid, but is not its leader.

    By the clock that nobody sets, where the record has it; it stops while the machine sleeps, and starts do not.
    """
    start, monotonic, realtime = process.start, _number(state.get("MONOTONIC")), _number(state.get("REALTIME"))
    if start is None:
        return False
    if monotonic is not None:
        return start / machine.ticks > monotonic / 1e6 + _slept() + _CLOCK_SLACK
    if realtime is None or machine.btime is None:
        return False
    return machine.btime + start / machine.ticks > realtime / 1e6 + _CLOCK_SLACK


def _slept() -> float:
    """Return how long this machine has slept since it booted, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def _inherited(process: Process | None, read: Callable[[int], Process | None]) -> bool | None:
    """Tell whether the leader's parent carries the same kernel id: then the login did not get it, it came with it."""
    if process is None or process.ses in {None, UNSET} or not process.ppid:
        return None
    parent = read(process.ppid)
    return None if parent is None or parent.ses is None else parent.ses == process.ses


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and value.isascii() else None


def _text(value: str | None) -> str | None:
    return parse.unescape(value) if value and "\\" in value else value or None
