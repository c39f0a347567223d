"""What does the login service say? Reads the state files of logind and elogind, and each leader's own /proc files.

Sessions stand in /run/systemd/sessions; the ``*.ref`` beside them are FIFOs whose open() blocks for ever and are
never opened. User managers stand in /run/systemd/users; their leader is the first process of their init.scope. A login
that the service has forgotten is known by its scope alone.
"""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from functools import cache, cached_property

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Look, ProcessQuery, Trouble
from logonscope.sources.linux import parse
from logonscope.sources.linux.inheritance import Inheritance
from logonscope.sources.linux.login_clock import LoginClock
from logonscope.sources.linux.processes import Reader
from logonscope.sources.linux.scopes import Scopes

SESSIONS = "run/systemd/sessions"
USERS = "run/systemd/users"
ROOT = "/"
_LARGEST = 65536

_LEADER = ProcessQuery(frozenset({"ses", "loginuid", "comm", "ppid", "tty_nr", "start"}))
_MEMBER = ProcessQuery(frozenset({"ses", "loginuid", "cgroup", "start"}))


def logins(root: str, ids: Collection[str] | None, machine: Machine, look: Look) -> tuple[Login, ...]:
    """Read every login that the service knows or that has a scope (None), or only those with one of these ids."""
    reader = _LoginReader(root, machine, look)
    found = list(reader.read(ids))
    if ids is None or not any(map(reader.proofs.is_open, found)):
        return tuple(reader.proofs.settled(found, found))
    return tuple(reader.proofs.settled(found, reader.read(None)))


class _LoginReader:
    """Reads logins of one host, for one question."""

    def __init__(self, root: str, machine: Machine, look: Look) -> None:
        self._root, self._machine, self._look = root, machine, look
        self._proc = os.path.join(root, "proc")
        self._scopes = Scopes(root, self._member)
        self.proofs = Inheritance(self._proc, machine, look, self._read)

    @cached_property
    def _clock(self) -> LoginClock:
        return LoginClock(self._machine, self._root)

    @cached_property
    def _is_hidden(self) -> bool:
        """Return whether processes are (hidepid): a leader that is not seen may be there."""
        return not os.path.exists(os.path.join(self._proc, "1"))

    @cached_property
    def _service_name(self) -> str:
        booted = os.path.isdir(os.path.join(self._root, "run/systemd/system"))  # sd_booted(3)
        return "logind" if booted else "elogind"

    @cached_property
    def _leaders(self) -> Reader:
        return Reader(self._proc, _LEADER)

    @cached_property
    def _members(self) -> Reader:
        return Reader(self._proc, _MEMBER)

    def _read(self, pid: int) -> Process | None:
        return self._leaders.read(pid)

    def _member(self, pid: int) -> Process | None:
        return self._members.read(pid)

    def read(self, ids: Collection[str] | None) -> Iterator[Login]:
        """Yield logins: those with a record, user managers, and those that only a scope tells of."""
        recorded = set[tuple[str, int]]()
        for login_id, state in _states(os.path.join(self._root, SESSIONS), ids, self._look):
            login = self._session(login_id, state)
            if login is None:
                self._look.report(Trouble(f"/{SESSIONS}/{login_id}", "it names no UID", "restart the login service"))
                continue
            recorded.add((login_id, login.uid))
            yield self.proofs.by_parent(login)
        users = None if ids is None else {uid for login_id in ids if (uid := _managed(login_id))}
        for uid, state in _states(os.path.join(self._root, USERS), users, self._look):
            if uid.isdecimal() and (manager := self._manager(int(uid), state)):
                yield self.proofs.by_parent(manager)
        for login_id, user in self._scopes.unrecorded(recorded, ids):
            scope = f"session-{login_id}.scope"
            yield self._placed(Login(login_id, user, scope=scope, recorded=False, service_name=self._service_name))

    def _session(self, login_id: str, state: Mapping[str, str]) -> Login | None:
        uid, leader, audit = _number(state.get("UID")), _number(state.get("LEADER")), _number(state.get("AUDIT"))
        if uid is None:
            return None
        moments = self._clock.moments(state)
        process = self._leader(leader, state, None if moments is None else moments.latest)
        gone = None if leader is None or (process is None and self._is_hidden) else process is None
        return self._placed(
            Login(
                id=login_id,
                uid=uid,
                leader=leader,
                audit=None if audit in {0, UNSET} else audit,
                since=_number(state.get("REALTIME")),
                created=None if moments is None else int(moments.earliest * self._machine.ticks),
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
                state=self._state(uid, state),
                source=f"/{SESSIONS}/{login_id}",
                service_name=self._service_name,
                process=process,
                gone=gone,
            )
        )

    def _state(self, uid: int, state: Mapping[str, str]) -> str | None:
        """Return the state of a session; a user manager's own is active even where its user only lingers."""
        if state.get("CLASS", "").startswith("manager"):
            data = _regular(os.path.join(self._root, USERS, str(uid)))
            if data and parse.parse_state_file(data).get("STATE") == "lingering":
                return "lingering"
        return state.get("STATE")

    def _manager(self, uid: int, state: Mapping[str, str]) -> Login | None:
        """Make the login of a user manager, from the user's state file and the manager's own cgroup."""
        unit = f"user@{uid}.service"
        procs = self._scopes.path(uid, f"{unit}/init.scope/cgroup.procs")
        data = _regular(procs) if procs else None
        if data is None:
            return None
        leader = next((int(word) for word in data.split() if word.isdigit()), None)
        process = self._read(leader) if leader else None
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
            service_name=self._service_name,
            process=process,
            gone=process is None,
            scope_inode=self._scopes.inode(self._scopes.path(uid, unit)),
        )

    def _leader(self, pid: int | None, state: Mapping[str, str], latest: float | None) -> Process | None:
        """Read the leader; None where it is gone, also where another process has its pid by now."""
        process = self._read(pid) if pid else None
        if process is None or pid is None:
            return None
        pidfd_id = _number(state.get("LEADER_PIDFDID"))
        if pidfd_id and self._root == ROOT and (found := _pidfd_id(pid)):
            return process if found == pidfd_id else None
        if process.start is None or latest is None:
            return process
        return process if process.start / self._machine.ticks <= latest else None

    def _placed(self, login: Login) -> Login:
        """Return a login with what its scope tells: where nothing better tells the login's kernel id, those there."""
        if login.scope:
            path, cgroup = (
                self._scopes.path(login.uid, login.scope),
                f"/user.slice/user-{login.uid}.slice/{login.scope}",
            )
        else:
            path, cgroup = self._scopes.elogind_path(login.id), f"/{login.id}"
        login = login._replace(scope_inode=self._scopes.inode(path))
        carriers = [login.process] if login.process and login.process.ses not in {None, UNSET} else None
        if carriers is None:
            carriers = self._scopes.carriers(path, cgroup)
            ids, starts = {process.ses or 0 for process in carriers}, [process.start for process in carriers]
            present = min((start for start in starts if start is not None), default=None)
            login = login._replace(scope_ids=tuple(sorted(ids)), present=present)
        others = any(process.loginuid not in {None, UNSET, login.uid} for process in carriers)
        return login._replace(inherited=True) if others else login


@cache
def _has_pidfd_ids() -> bool:
    """Return whether pidfds have inodes of their own here (pidfs, Linux 6.9)."""
    return _inode_of_pidfd(os.getpid()) != _inode_of_pidfd(os.getppid() or os.getpid())


def _pidfd_id(pid: int) -> int | None:
    """Return the number that names a process for good; None where the kernel has none."""
    return _inode_of_pidfd(pid) if _has_pidfd_ids() else None


def _inode_of_pidfd(pid: int) -> int | None:
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        return os.fstat(handle).st_ino
    finally:
        os.close(handle)


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


def _number(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and value.isascii() else None


def _text(value: str | None) -> str | None:
    return parse.unescape(value) if value and "\\" in value else value or None
