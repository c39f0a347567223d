"""Hosts for tests as folders: the files of a machine in /proc, /run, /sys and /etc.

The folder has the files that the kernel and the login service would write, also rare and malformed ones. The product
reads it as it reads the real root directory.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from logonscope import Host
from logonscope.broker import Caller, Request
from logonscope.client import LocalHost
from logonscope.facts import UNSET, Process
from logonscope.machine import Look, ProcessQuery, Source
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.recording import save_recording

BOOT = 1_700_000_000
"""When every test host booted, in seconds since the epoch."""

OWN_NETWORK = 4_026_531_840
"""The inode of the network namespace that a host's own processes are in."""

TICKS = os.sysconf("SC_CLK_TCK")
CAPABILITIES = 1 << 12
"""The capabilities of every process of a folder: cap_net_admin."""

ROOT = Caller("root", 0, administrator=True)


def user(uid: int | None) -> Caller:
    """Return a user without elevation."""
    return Caller(f"uid {uid}", uid, administrator=False)


def session_scope(uid: int, login_id: str) -> str:
    """Return the cgroup that logind gives to a login."""
    return f"/user.slice/user-{uid}.slice/session-{login_id}.scope"


def manager_service(uid: int) -> str:
    """Return the cgroup that systemd gives to a user manager."""
    return f"/user.slice/user-{uid}.slice/user@{uid}.service"


LOGIN_START = 50 * TICKS
"""When a login's leader starts at the earliest: its record is ten seconds younger, its members have greater pids."""


class HostFolder:
    """A host as a folder, with the accounts root, alice (1000) and bob (1001), and process 1 alone."""

    def __init__(self, root: Path, *, audit: bool = True, systemd: bool = True) -> None:
        self.root = root
        self.audit = audit
        self._traps: list[Path] = []
        self.write("proc/stat", f"cpu  1 2 3 4\nintr 5\nctxt 6\nbtime {BOOT}\nprocesses 7\n")
        self.write("proc/sys/kernel/hostname", "testhost\n")
        self.write("proc/sys/kernel/osrelease", "6.1.0-test\n")
        self.write("proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n")
        self.write("etc/os-release", 'NAME="Test"\nPRETTY_NAME="Test Linux 1"\n')
        self.write("etc/passwd", "")
        if systemd:
            (root / "run/systemd/system").mkdir(parents=True)
        if audit:
            self.write("proc/self/sessionid", str(UNSET))
        for name, uid in (("root", 0), ("alice", 1000), ("bob", 1001)):
            self.account(name, uid)
        self.process(1, "systemd", cgroup="/init.scope", start=1)
        self.net_namespace("self")

    def write(self, path: str, content: str | bytes) -> Path:
        """Write any file of the host."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    def account(self, name: str, uid: int) -> None:
        """Add a line to passwd(5)."""
        with (self.root / "etc/passwd").open("a", encoding="utf-8") as file:
            file.write(f"{name}:x:{uid}:{uid}::/home/{name}:/bin/sh\n")

    def process(
        self,
        pid: int,
        comm: str | bytes = "sleep",
        *,
        ppid: int = 1,
        ses: int = UNSET,
        loginuid: int | None = None,
        cgroup: str | bytes = "/",
        uid: int | Sequence[int] = 0,
        cmdline: bytes | None = None,
        exe: str | None = None,
        start: int | None = None,
        tty_nr: int = 0,
        state: str = "S",
        sockets: Sequence[int] = (),
        tgid: int | None = None,
        children: Sequence[int] = (),
    ) -> None:
        """Add a process. ``ses``: its kernel id, as a process of a login has one; ``start``: ticks since the boot."""
        name = comm if isinstance(comm, bytes) else comm.encode()
        path = cgroup if isinstance(cgroup, bytes) else cgroup.encode()
        uids = (uid,) * 4 if isinstance(uid, int) else tuple(uid)
        if loginuid is None:
            loginuid = UNSET if ses == UNSET else uids[0]
        folder = f"proc/{pid}"
        if self.audit:
            self.write(f"{folder}/sessionid", str(ses))
            self.write(f"{folder}/loginuid", str(loginuid))
        self.write(f"{folder}/maps", "")
        self.write(f"{folder}/cgroup", b"0::" + path + b"\n")
        began = LOGIN_START + pid % 1000 if start is None else start
        self.write(f"{folder}/stat", stat_line(pid, name, ppid=ppid, tty_nr=tty_nr, state=state, start=began))
        self.write(f"{folder}/status", status_text(name, uids, tgid=pid if tgid is None else tgid))
        self.write(f"{folder}/task/{pid}/children", "".join(f"{child} " for child in children))
        self.write(f"{folder}/statm", "100 25 10 5 0 20 0\n")
        self.write(f"{folder}/io", io_text())
        self.write(f"{folder}/cmdline", name + b"\0" if cmdline is None else cmdline)
        if exe is not None:
            (self.root / folder / "exe").symlink_to(exe)
        (self.root / folder / "fd").mkdir()
        self.net_namespace(pid)
        for number, inode in enumerate(sockets):
            (self.root / folder / "fd" / str(number)).symlink_to(f"socket:[{inode}]")

    def net_namespace(self, pid: int | str, inode: int = OWN_NETWORK) -> None:
        """Put a process into a network namespace."""
        link = self.root / f"proc/{pid}/ns/net"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(f"net:[{inode}]")

    def group(self, cgroup: str, *pids: int) -> int:
        """Make a cgroup that holds these processes; return its inode."""
        procs = self.write(f"sys/fs/cgroup{cgroup}/cgroup.procs", "".join(f"{pid}\n" for pid in pids))
        return procs.parent.stat().st_ino

    def end(self, pid: int) -> None:
        """End a process."""
        shutil.rmtree(self.root / f"proc/{pid}")

    def trap(self, pid: int, *files: str) -> None:
        """Replace files of a process by FIFOs, so that reading them hangs."""
        for file in files:
            path = self._file(pid, file)
            path.unlink()
            os.mkfifo(path)
            self._traps.append(path)

    def free(self) -> None:
        """End the reads that hang in traps, with no data; until then they count as hung reads."""
        for path in self._traps:
            with suppress(OSError):  # nobody waits there, or it is gone
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))

    def spoil(self, pid: int, *files: str) -> None:
        """Make files of a process unreadable, also for root."""
        for file in files:
            path = self._file(pid, file)
            path.unlink()
            path.mkdir()

    def _file(self, pid: int, file: str) -> Path:
        return self.root / f"proc/{pid}" / file.replace("PID", str(pid))

    def login(self, login_id: str, *, uid: int, leader: int | None, **fields: object) -> None:
        """Write the state file of a login, as logind does; each field is a line of it, None: no such line."""
        lines: dict[str, object] = {
            "uid": uid, "state": "active", "remote": 0, "type": "tty", "class": "user", "service": "sshd",
            "scope": f"session-{login_id}.scope", "leader": leader, "realtime": (BOOT + 60) * 1_000_000,
        }  # fmt: skip
        text = "".join(
            f"{key.upper()}={value}\n" for key, value in (lines | fields).items() if value is not None
        )  # fmt: skip
        self.write(f"run/systemd/sessions/{login_id}", "# This is private data. Do not parse.\n" + text)
        reference = self.root / f"run/systemd/sessions/{login_id}.ref"
        if not reference.exists():
            os.mkfifo(reference)

    def forget(self, login_id: str) -> None:
        """Remove the state file of a login."""
        for name in (login_id, f"{login_id}.ref"):
            (self.root / "run/systemd/sessions" / name).unlink()

    def user_manager(self, uid: int, leader: int | None, *, state: str = "active", name: str = "alice") -> None:
        """Write logind's state file of a user whose manager is the process ``leader``."""
        self.write(f"run/systemd/users/{uid}", f"NAME={name}\nSTATE={state}\nREALTIME={(BOOT + 50) * 1_000_000}\n")
        procs = "" if leader is None else f"{leader}\n"
        self.write(f"sys/fs/cgroup{manager_service(uid)}/init.scope/cgroup.procs", procs)

    def listener(self, port: int, inode: int, *, file: str = "tcp", state: str = "0A", net: str = "net") -> None:
        """Open a socket on a port of 127.0.0.1; ``net`` is the folder below /proc of its network namespace."""
        path = self.root / f"proc/{net}/{file}"
        if not path.exists():
            self.write(f"proc/{net}/{file}", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n")
        line = f"   0: 0100007F:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1\n"
        with path.open("a", encoding="ascii") as table:
            table.write(line)

    @property
    def source(self) -> Source:
        """Return the source that reads the folder."""
        return LinuxSource(str(self.root))

    def connect(self, caller: Caller = ROOT) -> Host:
        """Return the host as a caller sees it."""
        return LocalHost(self.source, LINUX, caller, save_recording)

    def request(self, caller: Caller = ROOT) -> Request:
        """Return a request of a caller."""
        return Request(self.source, LINUX, caller)

    def read(self, *facts: str, **query: Any) -> dict[int, Process]:
        """Read facts of the processes, by pid; the other arguments narrow the query."""
        asked = ProcessQuery(frozenset(facts), **query)
        return {process.pid: process for process in self.source.processes(Look(), asked)}


def stat_line(pid: int, comm: bytes, *, ppid: int, tty_nr: int, state: str, start: int) -> bytes:
    """Return the content of stat (proc(5)): 52 fields; the process chooses the second one."""
    before = f"{state} {ppid} {pid} {pid} {tty_nr} -1 4194304 11 0 12 0 13 14 0 0 20 0 1 0 {start} 4096000 25"
    after = " ".join(["0"] * (52 - 2 - len(before.split())))
    return b"%d (%s) %s %s\n" % (pid, comm, before.encode(), after.encode())


def status_text(comm: bytes, uids: Sequence[int], *, tgid: int = 1) -> bytes:
    """Return the lines of status that are read; the kernel escapes what could break a line out of the name."""
    name = comm.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    ids = "\t".join(map(str, uids))
    memory = "VmPeak:\t    8000 kB\nVmHWM:\t    300 kB\nVmRSS:\t    200 kB\nRssAnon:\t   100 kB\nVmSwap:\t      0 kB\n"
    memory += "".join(f"Cap{name}:\t{CAPABILITIES:016x}\n" for name in ("Inh", "Prm", "Eff", "Bnd", "Amb"))
    return b"Name:\t%s\nTgid:\t%d\n" % (name, tgid) + f"Uid:\t{ids}\nGid:\t{ids}\nNSpid:\t{tgid}\n{memory}".encode()


def io_text() -> str:
    """Return what the kernel writes into io (proc(5))."""
    return "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 0\n"
