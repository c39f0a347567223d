"""The example host of the README: facts of a small server with every kind of login."""

from pathlib import Path
from typing import Any

from logonscope.facts import UNSET, Account, Group, Login, Machine, Platform, Process, Socket, Vitals
from logonscope.machine.snapshot import Snapshot
from logonscope.sources.recording import save_recording

BTIME = 1_767_225_600  # 2026-01-01 00:00:00 UTC
TICKS = 100

MACHINE = Machine(
    hostname="web1",
    boot_id="0c8f1a4e-6d0e-4d1b-9f0a-2f6d3a1b7c55",
    btime=BTIME,
    ticks=TICKS,
    page_size=4096,
    kernel="6.1.0-32-amd64",
    system="Debian GNU/Linux 12 (bookworm)",
    audit=True,
    uid_min=1000,
    machine_id="4c1f7d2b9e0a4b6f8d3c5a7e9b1d2f40",
    container=False,
)


def process(  # noqa: PLR0917 -- a table of processes reads best as columns
    pid: int, ppid: int, minute: float, comm: str, arguments: str = "", uid: int = 0, ses: int = UNSET,
    loginuid: int = UNSET, cgroup: str = "/", tty_nr: int = 0, sockets: tuple[int, ...] = (),
) -> Process:  # fmt: skip
    """Make a process that started so many minutes after the boot."""
    return Process(
        pid=pid, ses=ses, loginuid=loginuid, cgroup=cgroup, comm=comm, state="S", ppid=ppid, pgrp=pid, sid=pid,
        tty_nr=tty_nr, flags=0, minflt=0, majflt=0, utime=0, stime=0, priority=20, nice=0, threads=1,
        start=int(minute * 60 * TICKS), vsize=0, uids=(uid,) * 4, gids=(uid,) * 4, resident=1,
        cmdline=b"".join(word.encode() + b"\0" for word in arguments.split()), fds=3, sockets=sockets, name=comm,
    )  # fmt: skip


PTS0 = 136 << 8
_SSH = "/user.slice/user-1000.slice/session-41.scope"
_OLD = "/user.slice/user-1001.slice/session-37.scope"
_MANAGER = "/user.slice/user-1000.slice/user@1000.service/init.scope"
_SU = "/user.slice/user-110.slice/session-c1.scope"
_ALICE: dict[str, Any] = {"ses": 41, "loginuid": 1000, "cgroup": _SSH}
_BOB: dict[str, Any] = {"ses": 37, "loginuid": 1001, "cgroup": _OLD}
_CRON: dict[str, Any] = {"ses": 63, "loginuid": 0, "cgroup": "/system.slice/cron.service"}

_PROCESSES = (
    process(1, 0, 0.01, "systemd", "/sbin/init", cgroup="/init.scope"),
    process(2, 0, 0.01, "kthreadd"),
    process(650, 1, 0.1, "cron", "/usr/sbin/cron -f", cgroup="/system.slice/cron.service"),
    process(700, 1, 0.1, "sshd", "/usr/sbin/sshd -D", cgroup="/system.slice/ssh.service"),
    process(3900, 700, 500, "su", "su - postgres", cgroup=_SU),
    process(3901, 3900, 500, "bash", "-bash", 110, cgroup=_SU),
    process(3990, 1, 520, "tmux: server", "tmux new -d", 1001, **_BOB),
    process(3991, 3990, 520, "python3", "python3 train.py", 1001, tty_nr=PTS0 + 3, **_BOB),
    process(4100, 700, 602, "sshd", "sshd: alice [priv]", **_ALICE),
    process(4120, 1, 602.01, "systemd", "/lib/systemd/systemd --user", 1000, 42, 1000, _MANAGER),
    process(4150, 4100, 602.02, "sshd", "sshd: alice@pts/0", 1000, **_ALICE),
    process(4151, 4150, 602.02, "bash", "-bash", 1000, tty_nr=PTS0, **_ALICE),
    process(4300, 4151, 640, "sudo", "sudo python3 -m http.server 8080", 0, tty_nr=PTS0, **_ALICE),
    process(4312, 4300, 640, "python3", "python3 -m http.server 8080", 0, tty_nr=PTS0, sockets=(9001,), **_ALICE),
    process(6000, 650, 660, "cron", "/usr/sbin/CRON -f", **_CRON),
    process(6001, 6000, 660, "backup", "/usr/local/bin/backup --all", **_CRON),
)
PROCESSES = tuple(
    parent._replace(children=tuple(child.pid for child in _PROCESSES if child.ppid == parent.pid))
    for parent in _PROCESSES
)
BY_PID = {found.pid: found for found in PROCESSES}


def since(minute: float) -> int:
    """Return a login's time, in microseconds since the epoch."""
    return int((BTIME + minute * 60) * 1_000_000)


LOGINS = (
    Login(
        id="37", uid=1001, leader=3970, audit=37, since=since(510), user="bob", cls="user", type="tty", service="sshd",
        remote=True, remote_host="198.51.100.9", scope="session-37.scope", state="closing",
        source="/run/systemd/sessions/37", gone=True,
    ),
    Login(
        id="41", uid=1000, leader=4100, audit=41, since=since(602), user="alice", cls="user", type="tty",
        service="sshd", remote=True, remote_host="203.0.113.7", scope="session-41.scope", state="active",
        source="/run/systemd/sessions/41", process=BY_PID[4100], gone=False,
    ),
    Login(
        id="c1", uid=110, leader=3900, since=since(500), user="postgres", cls="background", type="unspecified",
        service="su-l", remote=False, scope="session-c1.scope", state="online", source="/run/systemd/sessions/c1",
        process=BY_PID[3900], gone=False,
    ),
    Login(
        id="user@1000.service", uid=1000, leader=4120, since=since(602), user="alice", cls="manager",
        type="unspecified", service="systemd-user", scope="user@1000.service", state="active",
        source="/run/systemd/users/1000", process=BY_PID[4120], gone=False,
    ),
)  # fmt: skip

ACCOUNTS = {
    uid: Account(name, uid, uid, "", f"/home/{name}", "/bin/bash", local=True)
    for uid, name in ((0, "root"), (110, "postgres"), (1000, "alice"), (1001, "bob"))
}

GROUPS = (
    Group("root", 0, local=True),
    Group("sudo", 27, ("alice",), local=True),
    Group("postgres", 110, local=True),
    Group("alice", 1000, local=True),
    Group("bob", 1001, local=True),
)

PLATFORM = Platform(
    build="#1 SMP PREEMPT_DYNAMIC Debian 6.1.129-1 (2025-03-06)", architecture="x86_64", processors=4, packages=1,
    hypervisor=True, vendor="QEMU", product="Standard PC (Q35 + ICH9, 2009)", pid_max=4_194_304,
)  # fmt: skip

SOCKETS = (Socket("tcp", "0.0.0.0", 8080, "0.0.0.0", 0, "LISTEN", 9001),)  # noqa: S104 -- an address that was read


VITALS = Vitals(
    time=since(700), utc_offset=0, daylight=False, memory=8 << 30, memory_available=6 << 30, swap=1 << 30,
    swap_free=1 << 30,
)  # fmt: skip


def snapshot() -> Snapshot:
    """Return one reading of the example host."""
    machine = MACHINE._replace(platform=PLATFORM, vitals=VITALS)
    return Snapshot(machine, PROCESSES, LOGINS, SOCKETS, tuple(ACCOUNTS.values()), GROUPS, [])


def recording(folder: Path) -> str:
    """Write the example host as a recording and return the file's name."""
    path = folder / "web1.lsr"
    save_recording(snapshot(), str(path), replace=True)
    return str(path)
