"""Hypothesis strategies for hosts with many users, and what each user may see of the others.

Every value that betrays a user is a mark that occurs nowhere else, so that a test finds it wherever it leaks to.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from logonscope.facts import UNSET, Account, Group, Login, Machine, Platform, Process, Socket, Vitals
from logonscope.machine import Owner
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX

ALICE, BOB, CAROL = 880_001, 880_002, 880_003
PEOPLE = (0, ALICE, BOB, CAROL)
NAMES = {0: "root", ALICE: "alice", BOB: "bob", CAROL: "carol"}
KERNEL_IDS = (77_000_001, 77_000_002, 77_000_003)
PORT = 8080
MACHINE = Machine("crowded", None, 1_700_000_000, 100, 4096, "6.1", None, audit=True, uid_min=1000)
ACCOUNTS = {uid: Account(name, uid, uid, "", "/", "/bin/sh") for uid, name in NAMES.items()}
GROUPS = (Group("root", 0), Group("sudo", 27, ("alice", "carol")), Group("bob", BOB))
LONG = "a-long-name-of-"
_OTHER_PLACES = ("/", "/system.slice/cron.service", "/payload/user.slice/user-880001.slice/session-c5000001.scope")
_CONTAINERS = (
    f"/docker/{'5e' * 32}", f"/system.slice/docker-{'6d' * 32}.scope/init.scope", "/lxc.payload.web/init.scope",
    f"/kubepods/pod5a7cd1f2-9d1f-4f3e-8a35-0c9be41b2e61/{'7c' * 32}",
)  # fmt: skip
"""Places of containers that root runs: whatever uid is in them does not belong to this host."""


class Crowd(NamedTuple):
    """A host, and who owns each of its processes."""

    snapshot: Snapshot
    owner: dict[int, Owner]
    process: dict[int, Process]

    def login_uid(self, pid: int) -> int | None:
        """Return who logged in to the logon session of a process, as the design's table has it."""
        owner, process = self.owner[pid], self.process[pid]
        if owner.logon_id in {None, str(UNSET)}:
            return None
        if owner.evidence == "audit" and process.loginuid is not None:
            return process.loginuid
        if owner.login:
            return owner.login.uid
        if owner.evidence == "scope":  # of no login on record: root alone makes directories in the slice of a user
            return int((process.cgroup or "").split("/")[2].removeprefix("user-").removesuffix(".slice"))
        return int(owner.logon_id or 0) - (1 << 33)

    def is_in_foreign_place(self, pid: int, uid: int | None) -> bool:
        """Return whether a process is in a container in which this uid is not of this host.

        In a user's own container the user's uid is the user's.
        """
        cgroup = self.process[pid].cgroup or ""
        if cgroup.startswith(_CONTAINERS):
            return True
        return "/libpod-" in cgroup and uid not in {0, int(cgroup.split("/")[2].removeprefix("user-")[:-6])}

    def is_foreign_session(self, pid: int) -> bool:
        """Return whether the logon session of a process began in a container, or in another root and pid namespace."""
        owner = self.owner[pid]
        if owner.evidence != "audit" or (owner.login and owner.login.recorded):
            return False  # this host has a record of it, or made its place
        members = [other for other in self.process.values() if self.owner[other.pid].logon_id == owner.logon_id]
        if any(member.pid_namespaces == 1 and not self.is_in_foreign_place(member.pid, None) for member in members):
            return False  # nothing comes out of another pid namespace
        pids = {member.pid for member in members}
        roots = [member for member in members if member.ppid not in pids]
        first = min(roots or members, key=lambda member: (member.start or 0, member.pid))
        if "/libpod-" in (first.cgroup or "") or (first.cgroup or "").startswith(_CONTAINERS):
            return self.is_in_foreign_place(first.pid, self.login_uid(first.pid))
        return (first.pid_namespaces or 1) > 1 and first.host_root is not True

    def is_foreign(self, pid: int, uid: int) -> bool:
        """Return whether a uid of a process is not of this host."""
        if self.is_in_foreign_place(pid, uid):
            return True
        # the uids of a logon session that began elsewhere are foreign, save in its user's own containers
        return "/libpod-" not in (self.process[pid].cgroup or "") and self._may_be_foreign(pid)

    def _own_uids(self, process: Process) -> tuple[int | None, ...] | None:
        """Return the uids of a process, None those that are not of this host."""
        if process.uids is None:
            return None
        return tuple(None if uid is None or self.is_foreign(process.pid, uid) else uid for uid in process.uids)

    def _may_be_foreign(self, pid: int) -> bool:
        """Return whether a process is of a foreign logon session; one in the host's pid namespace is not."""
        process = self.process[pid]
        is_elsewhere = process.pid_namespaces != 1 or "/libpod-" in (process.cgroup or "")
        return (is_elsewhere or (process.cgroup or "").startswith(_CONTAINERS)) and self.is_foreign_session(pid)

    def sees_session(self, uid: int, pid: int) -> bool:
        """Return whether a user may see the logon session of a process."""
        return self.login_uid(pid) == uid and not self._may_be_foreign(pid)

    def sees_process(self, uid: int, pid: int) -> bool:
        """Return whether a user may see a process."""
        return self.sees_session(uid, pid) or self._runs_as(uid, pid)

    def _runs_as(self, uid: int, pid: int) -> bool:
        uids = self.process[pid].uids
        return uids is not None and uid in uids[:2] and not self.is_foreign(pid, uid)

    def owns_in_system_session(self, uid: int, pid: int) -> bool:
        """Return whether a process is wholly a user's, and of no logon session of any user."""
        uids = self.process[pid].uids
        is_wholly = uids is not None and set(uids[:3]) == {uid}
        return self.owner[pid].logon_id == str(UNSET) and is_wholly and not self.is_foreign(pid, uid)

    def sees_details(self, uid: int, pid: int) -> bool:
        """Return whether a user may see the details of a process."""
        uids = self.process[pid].uids
        return self.sees_process(uid, pid) and self._runs_as(uid, pid) and set((uids or ())[:3]) == {uid}

    def secrets(self, uid: int) -> set[str]:
        """Return every mark that may occur in no answer to a user."""
        shown = {self.owner[pid].logon_id for pid in self.process if self.sees_session(uid, pid)}
        found = {owner.logon_id for owner in self.owner.values() if owner.logon_id} - shown - {str(UNSET)}
        # the leaders of a user's own logins carry a kernel id, which another logon session may have, too
        carried = {str(login.process.ses) for login in self.snapshot.logins if login.uid == uid and login.process}
        marks = {logon for logon in found - carried if logon is not None}
        for pid in self.process:
            if not self.sees_details(uid, pid):
                marks |= {f"secret-{pid}-", str(660_000_000 + pid), str(990_000_000 + pid)}
            if not self.sees_process(uid, pid):
                marks |= {str(550_000_000 + pid)}
        for login in self.snapshot.logins:
            if login.uid != uid:
                marks |= {f"from-{login.id}"}
        return marks

    def with_others_changed(self, uid: int) -> "Crowd":
        """Return a host on which all is as it was that a user may know, and nothing else is."""
        processes = [self._seen(uid, process) for process in self.snapshot.processes]
        logins = tuple(login for login in self.snapshot.logins if login.uid == uid)
        kept = {inode for process in processes for inode in process.sockets or ()}
        sockets = tuple(socket for socket in self.snapshot.sockets if socket.inode in kept)
        changed = self.snapshot._replace(processes=processes, logins=logins, sockets=sockets)
        owner = LINUX.index(logins, self.snapshot.machine).owner
        return Crowd(changed, {p.pid: owner(p) for p in processes}, {p.pid: p for p in processes})

    def _seen(self, uid: int, process: Process) -> Process:
        changed = process
        if not self.sees_details(uid, process.pid):
            others: dict[str, Any] = dict.fromkeys(secret_details(process.pid), None)
            others |= {"cmdline": b"x\0", "exe": "/x", "sockets": (), "thread_sockets": ()}
            changed = changed._replace(name=process.comm, **others)
        if not self.sees_session(uid, process.pid):
            # which uids of one's own process are not of this host is one's own to know; which container is not
            changes: dict[str, Any] = {"uids": self._own_uids(process)}
            changed = changed._replace(ses=UNSET, loginuid=UNSET, cgroup="/", unread=None, **changes)
        if not self.sees_process(uid, process.pid):
            changed = changed._replace(uids=(0,) * 4, gids=(0,) * 4, state="R", children=(), vsize=1)
        return changed


def scope(login_id: str, uid: int) -> str:
    """Return the cgroup of a login."""
    return f"/user.slice/user-{uid}.slice/session-{login_id}.scope"


def manager(uid: int) -> str:
    """Return the cgroup of a user manager."""
    return f"/user.slice/user-{uid}.slice/user@{uid}.service"


@st.composite
def _logins(draw: st.DrawFn, login_uids: dict[int, int]) -> tuple[Login, ...]:
    found = []
    for kernel, uid in login_uids.items():
        if draw(st.booleans()):
            found.append(_login(str(kernel), uid, audit=kernel))
    for number in draw(st.sets(st.integers(5_000_001, 5_000_003))):
        carried = draw(st.none() | st.sampled_from(KERNEL_IDS))
        uid = login_uids[carried] if carried else draw(st.sampled_from(PEOPLE))
        leader = Process(900 + number % 10, ses=carried or UNSET, comm="su", ppid=1, tty_nr=0, start=1)
        inherited = draw(st.none() | st.booleans()) if carried else None
        found.append(_login(f"c{number}", uid, process=leader, leader=leader.pid, inherited=inherited))
    for uid in draw(st.sets(st.sampled_from(PEOPLE))):
        own = next((kernel for kernel in KERNEL_IDS if login_uids[kernel] == uid), None)
        carried = draw(st.sampled_from([None, own]))
        leader = Process(800 + uid % 10, ses=carried or UNSET, comm="systemd", ppid=1, tty_nr=0, start=1)
        unit = f"user@{uid}.service"
        found.append(_login(unit, uid, cls="manager", scope=unit, process=leader, leader=leader.pid))
        if draw(st.booleans()):  # systemd 256 and newer: the manager has a session beside its user's record
            session = f"c{5_000_010 + uid % 10}"
            found.append(_login(session, uid, cls="manager", scope=None, process=leader, leader=leader.pid))
    return tuple(found)


def _login(login_id: str, uid: int, **more: Any) -> Login:
    login = Login(
        login_id, uid, since=1_700_000_100_000_000, cls="user", service="sshd", scope=f"session-{login_id}.scope",
        state="active", remote_host=f"from-{login_id}", source=f"/run/systemd/sessions/{login_id}", gone=False,
    )  # fmt: skip
    return login._replace(**more)


def secret_details(pid: int) -> dict[str, Any]:
    """Return the details of a process, each with a mark that ``Crowd.secrets`` looks for."""
    numbers = dict.fromkeys(("rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes"), 660_000_000 + pid)
    return {
        **numbers, "cmdline": f"/bin/secret-{pid}-\0".encode(), "exe": f"/bin/secret-{pid}-", "fds": 660_000_000 + pid,
        "sockets": (990_000_000 + pid,), "thread_sockets": (990_000_000 + pid,), "net_namespace": 990_000_000 + pid,
        "mapped_files": (f"5600 /bin/secret-{pid}-",),
    }  # fmt: skip


@st.composite
def _process(draw: st.DrawFn, pid: int, login_uids: dict[int, int], places: Sequence[str]) -> Process:
    ses = draw(st.sampled_from([*KERNEL_IDS, UNSET]) | st.none())
    uid = draw(st.sampled_from(PEOPLE))
    uids = draw(st.sampled_from([(uid,) * 4, (uid, 0, 0, 0), (ALICE, BOB, uid, uid)]) | st.none())
    long = draw(st.booleans())
    return Process(
        pid, ses=ses, loginuid=None if ses is None else login_uids.get(ses, UNSET),
        cgroup=draw(st.sampled_from(places) | st.none()) if ses is None else draw(st.sampled_from(places)),
        comm=LONG if long else f"p{pid}", state="S", ppid=draw(st.integers(0, pid - 1)), tty_nr=0, start=100 + pid,
        tgid=pid, uids=uids, gids=uids, vsize=550_000_000 + pid,
        children=(), name=f"{LONG}secret-{pid}-" if long else f"p{pid}", **secret_details(pid),
        unread={"ses": "Operation not permitted"} if ses is None else None,
        pid_namespaces=draw(st.sampled_from([None, 1, 1, 2, 3])), host_root=draw(st.sampled_from([None, True, False])),
    )  # fmt: skip


@st.composite
def crowds(draw: st.DrawFn) -> Crowd:
    """Return a host with logins and processes of several people, on top of each other in every way."""
    login_uids = {kernel: draw(st.sampled_from(PEOPLE)) for kernel in KERNEL_IDS}
    logins = draw(_logins(login_uids))
    places = [
        *_OTHER_PLACES,
        *_CONTAINERS,
        *(f"{manager(uid)}/user.slice/libpod-{'8b' * 32}.scope" for uid in PEOPLE),
        *(scope(login.id, login.uid) for login in logins),
        *(manager(uid) for uid in PEOPLE),
    ]
    count = draw(st.integers(1, 10))
    processes = [draw(_process(pid, login_uids, places)) for pid in range(1, count + 1)]
    sockets = tuple(
        Socket("tcp", "127.0.0.1", PORT, "0.0.0.0", 0, "LISTEN", process.sockets[0])  # noqa: S104 -- as it is read
        for process in processes
        if process.sockets and process.pid % 2
    )
    container = draw(st.sampled_from([None, False, True]))
    machine = MACHINE._replace(platform=Platform(), vitals=Vitals(time=0), container=container)
    owner = LINUX.index(logins, machine).owner
    return Crowd(
        Snapshot(machine, processes, logins, sockets, tuple(ACCOUNTS.values()), GROUPS, []),
        {process.pid: owner(process) for process in processes},
        {process.pid: process for process in processes},
    )
