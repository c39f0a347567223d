"""Reader of login records: the state files of logind and elogind, and the /proc files of each leader.

Sessions are in /run/systemd/sessions. The ``*.ref`` files beside them are FIFOs: open() would block for ever, so they
are never opened. User managers are in /run/systemd/users; their leader is the first process of their init.scope. Of a
login whose record the service has deleted, only its scope is known.
"""

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from functools import cache, cached_property

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Look, ProcessQuery, Trouble
from logonscope.sources.linux import parse
from logonscope.sources.linux.inheritance import Inheritance, carried_kernel_id
from logonscope.sources.linux.login_clock import LoginClock
from logonscope.sources.linux.processes import Reader
from logonscope.sources.linux.scopes import Scopes
from logonscope.sources.linux.user_namespace import UserNamespace

SESSIONS = "run/systemd/sessions"
USERS = "run/systemd/users"
ROOT = "/"
MAX_RECORD_BYTES = 65536

_LEADER = ProcessQuery(frozenset({"ses", "loginuid", "comm", "ppid", "tty_nr", "start"}))
_MEMBER = ProcessQuery(frozenset({"ses", "loginuid", "cgroup", "start"}))
_USER = ProcessQuery(frozenset({"uids", "start"}))


def read_logins(
    root: str,
    ids: Collection[str] | None,
    machine: Machine,
    look: Look,
    user_namespace: UserNamespace | None = None,
) -> tuple[Login, ...]:
    """Return the logins that have a record or a scope.

    Args:
        root: the root directory of the host.
        ids: the ids of the logins to return; None: all logins are returned.
        machine: the host.
        look: the deadline and the troubles of the request.
        user_namespace: the user namespace of the reader, if the records have uids of its parent namespace; None: the
            records have uids of the reader's user namespace.
    """
    reader = _LoginReader(root, machine, look, user_namespace)
    logins = list(reader.read(ids))
    if ids is None or not any(map(reader.inheritance.is_undecided, logins)):
        return tuple(reader.inheritance.with_host_proofs(logins, logins))
    # The kernel gives later logins greater kernel ids. If an older login has a greater kernel id than a newer one, the
    # newer one has inherited its kernel id. To find these older logins, all logins are read.
    return tuple(reader.inheritance.with_host_proofs(logins, reader.read(None)))


class _LoginReader:
    """Reads the logins of one host for one query."""

    def __init__(self, root: str, machine: Machine, look: Look, user_namespace: UserNamespace | None = None) -> None:
        self._root, self._machine, self._look = root, machine, look
        self._user_namespace = user_namespace
        self._reads_all = False
        self._proc = os.path.join(root, "proc")
        self._scopes = Scopes(root, self._read_member)
        self.inheritance = Inheritance(self._proc, machine, look, self._read_leader_facts)

    @cached_property
    def _clock(self) -> LoginClock:
        return LoginClock(self._machine, self._root)

    @cached_property
    def _hides_processes(self) -> bool:
        """Return whether processes of others are hidden (hidepid): then a leader that is not visible may still run."""
        return not os.path.exists(os.path.join(self._proc, "1"))

    @cached_property
    def _service_name(self) -> str:
        has_systemd = os.path.isdir(os.path.join(self._root, "run/systemd/system"))  # sd_booted(3)
        return "logind" if has_systemd else "elogind"

    @cached_property
    def _leader_reader(self) -> Reader:
        return Reader(self._proc, _LEADER)

    @cached_property
    def _member_reader(self) -> Reader:
        return Reader(self._proc, _MEMBER)

    @cached_property
    def _user_reader(self) -> Reader:
        return Reader(self._proc, _USER)

    def _read_leader_facts(self, pid: int) -> Process | None:
        return self._leader_reader.read(pid)

    def _read_leader_and_parent(self, pid: int) -> Process | None:
        """Return a leader; if only some logins are read, the leader's parent is read in the same call, and kept."""
        # if all logins are read, many leaders have the same parent, which Inheritance reads once for all
        if self._reads_all:
            return self._read_leader_facts(pid)
        lineage = self._leader_reader.read_lineage(pid, max_processes=2)
        for parent in lineage[1:]:
            self.inheritance.keep_parent(parent)
        return lineage[0] if lineage else None

    def _read_member(self, pid: int) -> Process | None:
        return self._member_reader.read(pid)

    def read(self, ids: Collection[str] | None) -> Iterator[Login]:
        """Yield logins: sessions with a record, user managers, and logins of which only a scope is left."""
        self._reads_all = ids is None
        recorded = set[tuple[str, int]]()
        for login_id, record in _read_state_files(os.path.join(self._root, SESSIONS), ids, self._look):
            login = self._make_session(login_id, record)
            if login is None:
                self._look.report(
                    Trouble(f"/{SESSIONS}/{login_id}", "the record has no UID", "restart the login service")
                )
                continue
            recorded.add((login_id, login.uid))
            yield self.inheritance.with_parent_proof(login)
        manager_uids = None if ids is None else {uid for login_id in ids if (uid := _manager_uid(login_id))}
        for uid, record in _read_state_files(os.path.join(self._root, USERS), manager_uids, self._look):
            if uid.isdecimal() and (manager := self._make_manager(int(uid), record)):
                yield self.inheritance.with_parent_proof(manager)
        for login_id, uid_of_scope in self._scopes.logins_without_record(recorded, ids):
            scope = f"session-{login_id}.scope"
            yield self._with_scope_facts(
                Login(login_id, uid_of_scope, scope=scope, recorded=False, service_name=self._service_name)
            )

    def _make_session(self, login_id: str, record: Mapping[str, str]) -> Login | None:
        uid = _parse_number(record.get("UID"))
        leader = _parse_number(record.get("LEADER"))
        audit = _parse_number(record.get("AUDIT"))
        if uid is None:
            return None
        created = self._clock.creation(record)
        process = self._read_leader(leader, record, None if created is None else created.latest)
        return self._with_scope_facts(
            Login(
                id=login_id,
                uid=uid,
                leader=leader,
                audit=None if audit in {0, UNSET} else audit,
                since=_parse_number(record.get("REALTIME")),
                created=None if created is None else int(created.earliest * self._machine.ticks),
                user=record.get("USER"),
                cls=record.get("CLASS"),
                type=record.get("TYPE"),
                service=_parse_text(record.get("SERVICE")),
                seat=record.get("SEAT"),
                vt=_parse_number(record.get("VTNR")),
                tty=_parse_text(record.get("TTY")),
                display=_parse_text(record.get("DISPLAY")),
                desktop=_parse_text(record.get("DESKTOP")),
                remote=record.get("REMOTE") == "1" if "REMOTE" in record else None,
                remote_host=_parse_text(record.get("REMOTE_HOST")),
                remote_user=_parse_text(record.get("REMOTE_USER")),
                scope=record.get("SCOPE") or None,
                state=self._find_state(uid, record),
                source=f"/{SESSIONS}/{login_id}",
                service_name=self._service_name,
                process=process,
                gone=None if leader is None else process is None and self._has_ended(leader, record),
            )
        )

    def _has_ended(self, leader: int, record: Mapping[str, str]) -> bool | None:
        """Return whether a leader that was not found has certainly ended; None: this cannot be checked."""
        # a process that is visible with the pid of the leader is another process: the leader has ended
        if not self._hides_processes or os.path.exists(os.path.join(self._proc, str(leader))):
            return True
        # below another root, the pids are those of another host
        return _has_process_ended(leader, _parse_number(record.get("LEADER_PIDFDID"))) if self._root == ROOT else None

    def _find_state(self, uid: int, record: Mapping[str, str]) -> str | None:
        """Return the state of a session.

        The session record of a user manager says "active" even if its user only lingers.
        """
        if record.get("CLASS", "").startswith("manager"):
            data = _read_regular_file(os.path.join(self._root, USERS, str(uid)))
            if data and parse.parse_state_file(data).get("STATE") == "lingering":
                return "lingering"
        return record.get("STATE")

    def _make_manager(self, uid: int, record: Mapping[str, str]) -> Login | None:
        """Make the login of a user manager from its user's state file and its cgroup; None if no manager runs."""
        unit = f"user@{uid}.service"
        procs = self._scopes.unit_path(uid, f"{unit}/init.scope/cgroup.procs")
        data = _read_regular_file(procs) if procs else None
        if data is None:
            return None
        leader = next((int(word) for word in data.split() if word.isdigit()), None)
        process = self._read_leader_and_parent(leader) if leader else None
        return self._with_mapped_uid(
            Login(
                id=unit,
                uid=uid,
                leader=leader,
                since=_parse_number(record.get("REALTIME")),
                user=record.get("NAME"),
                cls="manager",
                type="unspecified",
                service="systemd-user",
                scope=unit,
                state=record.get("STATE"),
                source=f"/{USERS}/{uid}",
                service_name=self._service_name,
                process=process,
                gone=leader is None or (process is None and self._has_ended(leader, record)),
                scope_inode=self._scopes.inode(self._scopes.unit_path(uid, unit)),
            )
        )

    def _read_leader(self, pid: int | None, record: Mapping[str, str], latest_creation: float | None) -> Process | None:
        """Return the leader; None if it is gone, even if another process has its pid now.

        ``latest_creation``: the latest possible time at which the record was made, in seconds since the boot.
        """
        process = self._read_leader_and_parent(pid) if pid else None
        if process is None or pid is None:
            return None
        pidfd_id = _parse_number(record.get("LEADER_PIDFDID"))
        # newer versions of systemd record the pidfd inode of the leader, which no other process ever gets
        if pidfd_id and self._root == ROOT and (current_id := _pidfd_id(pid)):
            return process if current_id == pidfd_id else None
        # without a pidfd inode: a process that started after the record was made cannot be the leader
        if process.start is None or latest_creation is None:
            return process
        return process if process.start / self._machine.ticks <= latest_creation else None

    def _with_scope_facts(self, login: Login) -> Login:
        """Return a login with the facts of its scope.

        The kernel ids of the scope's processes are read only if the leader has none. ``inherited`` is set if a login
        uid proves that the kernel id belongs to another login.
        """
        login = self._with_mapped_uid(login)
        if login.scope:
            path = self._scopes.unit_path(login.uid, login.scope)
            cgroup = f"/user.slice/user-{login.uid}.slice/{login.scope}"
        else:
            path, cgroup = self._scopes.elogind_path(login.id), f"/{login.id}"
        login = login._replace(scope_inode=self._scopes.inode(path))
        carriers = [login.process] if login.process and login.process.ses not in {None, UNSET} else None
        if carriers is None:
            carriers = self._without_logins_inside(login, self._scopes.processes_with_kernel_id(path, cgroup))
            ids, starts = {process.ses or 0 for process in carriers}, [process.start for process in carriers]
            earliest_start = min((start for start in starts if start is not None), default=None)
            login = login._replace(scope_ids=tuple(sorted(ids)), earliest_start=earliest_start)
        # the kernel sets kernel id and login uid together: another user's login uid proves that the id is inherited
        has_other_uid = any(self._has_other_login_uid(process, login) for process in carriers)
        return login._replace(inherited=True) if has_other_uid else login

    def _uid_here(self, login: Login) -> int | None:
        return login.uid if self._user_namespace is None else login.uid_here

    def _has_other_login_uid(self, process: Process, login: Login) -> bool:
        return process.loginuid not in {None, UNSET, self._uid_here(login)}

    def _without_logins_inside(self, login: Login, carriers: list[Process]) -> list[Process]:
        """Drop the processes of other users' logins that are inside the scope of a login.

        An sshd or login(1) that a logged-in user starts stays in the scope of the user's login. Logins through this
        sshd or login(1) stay there, too; each has a kernel id and a login uid of its own.
        """
        other_ids = {process.ses for process in carriers if self._has_other_login_uid(process, login)}
        if not other_ids:
            return carriers
        known_id = carried_kernel_id(login)
        inner_ids = {
            kernel_id
            for kernel_id in other_ids
            if kernel_id != known_id
            and (
                known_id or self._is_login_inside(login, [process for process in carriers if process.ses == kernel_id])
            )
        }
        return [process for process in carriers if process.ses not in inner_ids]

    def _is_login_inside(self, login: Login, carriers: list[Process]) -> bool:
        """Return whether processes with one kernel id, in the scope of ``login``, belong to another user's login.

        If ``login`` inherited this kernel id, its processes have another user's login uid, too, but some of them run as
        the user of ``login``.
        """
        processes = [self._user_reader.read(carrier.pid) for carrier in carriers]
        uids = {process.uids[0] for process in processes if process and process.uids}
        return self._uid_here(login) not in uids and any(carrier.loginuid in uids for carrier in carriers)

    def _with_mapped_uid(self, login: Login) -> Login:
        return login if self._user_namespace is None else self._user_namespace.mapped_login(login)


def _has_process_ended(pid: int, pidfd_id: int | None) -> bool:
    """Return whether a process has certainly ended, by its pid and pidfd inode; hidepid does not hide these."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:
        pass  # a process with this pid exists, and belongs to another user
    current_id = _pidfd_id(pid) if pidfd_id else None
    return current_id is not None and current_id != pidfd_id


@cache
def _has_pidfd_ids() -> bool:
    """Return whether each process has a pidfd inode of its own (pidfs, Linux 6.9); before, all pidfds had one inode."""
    return _inode_of_pidfd(os.getpid()) != _inode_of_pidfd(os.getppid() or os.getpid())


def _pidfd_id(pid: int) -> int | None:
    """Return the pidfd inode of a process, which is never reused; None where the kernel has none."""
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


def _read_state_files(
    folder: str, file_names: Collection[str] | None, look: Look
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield name and content of the state files with these names in a folder; None: of all state files."""
    try:
        names = sorted(os.listdir(folder) if file_names is None else file_names)
    except FileNotFoundError:
        return
    except OSError as error:
        look.report(Trouble(folder, os.strerror(error.errno or 0), "run as root to read the login service's files"))
        return
    for name in names:
        # isalnum() excludes *.ref and temporary files, and ids of a caller that would lead to another folder
        if name.isalnum() and (data := _read_regular_file(os.path.join(folder, name))) is not None:
            yield name, parse.parse_state_file(data)


def _manager_uid(login_id: str) -> str | None:
    """Return the uid in "user@UID.service"; None for another id."""
    uid = login_id.removeprefix("user@").removesuffix(".service")
    return uid if uid.isdecimal() and login_id == f"user@{uid}.service" else None


def _read_regular_file(path: str) -> bytes | None:
    """Return the content of a small regular file; None where there is no such file or it cannot be read."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb", buffering=0) as file:
            return file.read(MAX_RECORD_BYTES)
    except OSError:
        return None


def _parse_number(value: str | None) -> int | None:
    return int(value) if value and value.isdecimal() and value.isascii() else None


def _parse_text(value: str | None) -> str | None:
    return parse.unescape(value) if value and "\\" in value else value or None
