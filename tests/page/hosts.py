"""Hosts for the tests of the page: one with every kind of login and with hostile texts, a quiet one, and a crowd."""

from collections.abc import Sequence
from typing import Any

from logonscope.facts import Account, Authentication, Login, Process, Socket
from logonscope.machine.snapshot import Snapshot
from tests import example
from tests.broker.memory import Memory
from tests.example import PTS0, process, since

HOSTILE = (
    "<img src=x onerror=window.hacked=1>",
    "<script>window.hacked=1</script>",
    "'\"><svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "{{constructor.constructor('window.hacked=1')()}}",
    "\u202egpj.exe\u2066 \x1b[31mred\x07 </style><style>*{display:none}",
    "</script><script>window.hacked=1</script>",
)
"""Texts that processes may have as names and arguments, and that must be shown as texts."""

FIRST_HOSTILE = 7000
CONTAINER = "8f2a6d10c94e" + "0" * 52
_CAROL: dict[str, Any] = {"ses": 52, "loginuid": 1002, "cgroup": "/user.slice/user-1002.slice/session-52.scope"}
_GONE: dict[str, Any] = {"ses": 70, "loginuid": 1003, "cgroup": "/system.slice/ssh.service"}
_POD = f"/machine.slice/libpod-{CONTAINER}.scope"
_LOGIN_TICKS = 602 * 60 * example.TICKS

_MORE = (
    process(5100, 1, 400, "login", "login -- carol", **_CAROL),
    process(5101, 5100, 400, "zsh", "-zsh", 1002, tty_nr=4 << 8 | 1, **_CAROL),
    process(5110, 5101, 410, "sudo", "sudo -u postgres psql", tty_nr=4 << 8 | 1, **_CAROL),
    process(5111, 5110, 410, "psql", "psql shop", 110, tty_nr=4 << 8 | 1, **_CAROL),
    process(5200, 700, 450, "sshd", "sshd: dave [priv]", **_GONE),
    process(5201, 5200, 450, "sshd", "sshd: dave@notty", 1003, **_GONE),
    process(5202, 5201, 450, "rsync", "rsync --server . /srv", 1003, **_GONE),
    process(880, 1, 0.2, "dropbear", "/usr/sbin/dropbear -F -p 2222", cgroup="/system.slice/dropbear.service"),
    process(5711, 880, 600, "dropbear", "/usr/sbin/dropbear -F -p 2222", cgroup="/system.slice/dropbear.service"),
    process(5712, 5711, 600, "sh", "-sh", 1003, tty_nr=PTS0 + 7, cgroup="/system.slice/dropbear.service"),
    process(6140, 4151, 620, "node", "node /app/api.js", 100_032, ses=41, loginuid=1000, cgroup=_POD),
)
_PHRASES = tuple(
    process(FIRST_HOSTILE + number, 4151, 650 + number, text[:15], "", 1000, **example._ALICE)._replace(  # noqa: SLF001 -- the example's own login
        cmdline=text.encode() + b"\0" + text.encode() + b"\0"
    )
    for number, text in enumerate(HOSTILE)
)
_LOGINS = (
    Login(
        id="52", uid=1002, leader=5100, audit=52, since=since(400), user="carol", cls="user", type="tty",
        service="login", remote=False, scope="session-52.scope", state="online", seat="seat0",
        source="/run/systemd/sessions/52", process=_MORE[0], gone=False,
    ),
)  # fmt: skip
_KEY = Authentication(
    pid=4100, earliest=_LOGIN_TICKS, latest=_LOGIN_TICKS, method="publickey", user="alice", address="203.0.113.7",
    port=51422, key_type="ED25519", fingerprint="SHA256:q1WbX7c0VnYtK3m9dRk2aGfLQz8sHe4uPj6wTiBo5xE", source="journal",
    is_trusted=True,
)  # fmt: skip
_ACCOUNTS = tuple(
    Account(name, uid, uid, "", f"/home/{name}", "/bin/bash", local=True)
    for uid, name in ((1002, "carol"), (1003, "dave"))
)


def with_children(processes: Sequence[Process]) -> tuple[Process, ...]:
    """Return processes that know their children."""
    children: dict[int, list[int]] = {}
    for one in processes:
        children.setdefault(one.ppid or 0, []).append(one.pid)
    return tuple(one._replace(children=tuple(children.get(one.pid, ()))) for one in processes)


def busy() -> Snapshot:
    """Return a host with every kind of login, and with processes whose texts are hostile."""
    host = example.snapshot()
    return host._replace(
        processes=with_children((*host.processes, *_MORE, *_PHRASES)),
        logins=(*host.logins, *_LOGINS),
        users=(*host.users, *_ACCOUNTS),
        authentications=(_KEY,),
    )


def usual() -> Snapshot:
    """Return the busy host without the processes whose texts are hostile."""
    host = busy()
    last = FIRST_HOSTILE + len(HOSTILE)
    processes = [one for one in host.processes if not FIRST_HOSTILE <= one.pid < last]
    return host._replace(processes=with_children(processes))


def quiet() -> Snapshot:
    """Return a host on which only services run."""
    host = example.snapshot()
    services = [one for one in host.processes if one.pid in {1, 2, 650, 700}]
    return host._replace(processes=with_children(services), logins=(), sockets=())


LOGONS, IN_A_LOGON = 200, 100
FIRST_PID = 10_000


def crowd() -> Snapshot:
    """Return a host with 20,000 processes in 200 logins."""
    host = example.snapshot()
    services = [one for one in host.processes if one.pid in {1, 2, 650, 700}]
    processes, logins, accounts, sockets = list(services), list[Login](), list[Account](), list[Socket]()
    for number in range(LOGONS):
        uid, audit, first = 2000 + number % 60, 1000 + number, FIRST_PID + number * IN_A_LOGON
        name, minute = f"user{uid - 2000:02}", 100 + number
        place: dict[str, Any] = {
            "ses": audit, "loginuid": uid, "cgroup": f"/user.slice/user-{uid}.slice/session-{audit}.scope",
        }  # fmt: skip
        leader = process(first, 700, minute, "sshd", f"sshd: {name} [priv]", **place)
        rows = [leader, process(first + 1, first, minute, "bash", "-bash", uid, tty_nr=PTS0 + number, **place)]
        for child in range(2, IN_A_LOGON):
            parent = first + 1 if child % 7 else first + child - 1
            rows.append(process(
                first + child, parent, minute + child, "worker", f"worker --number {child} --of {name}", uid, **place
            ))  # fmt: skip
        processes += rows
        logins.append(Login(
            id=str(audit), uid=uid, leader=first, audit=audit, since=since(minute), user=name, cls="user", type="tty",
            service="sshd", remote=True, remote_host=f"192.0.2.{number % 250}", scope=f"session-{audit}.scope",
            state="active", source=f"/run/systemd/sessions/{audit}", process=leader, gone=False,
        ))  # fmt: skip
        if number < 60:
            accounts.append(Account(name, uid, uid, "", f"/home/{name}", "/bin/bash", local=True))
    return host._replace(
        processes=with_children(processes), logins=tuple(logins), users=(*host.users, *accounts),
        sockets=tuple(sockets),
    )  # fmt: skip


class Churning(Memory):
    """A host of which each look finds other processes: so many have ended, and as many have started."""

    def __init__(self, snapshot: Snapshot, changes: int) -> None:
        super().__init__(snapshot)
        self._snapshot, self._changes, self._turn = snapshot, changes, 0
        parents = {one.ppid for one in snapshot.processes}
        self._leaves = [one.pid for one in snapshot.processes if one.pid not in parents and (one.ppid or 0) > 2]

    def turn(self) -> None:
        """End processes, and start others in their place."""
        self._turn += 1
        count = len(self._leaves)
        chosen = {self._leaves[(self._turn * self._changes + i) % count] for i in range(min(self._changes, count))}
        later = self._turn * 10_000_000
        self._snapshot = self._snapshot._replace(
            processes=tuple(
                one._replace(start=(one.start or 0) + later) if one.pid in chosen else one
                for one in self._snapshot.processes
            )
        )
        self._snapshots = (self._snapshot,)
