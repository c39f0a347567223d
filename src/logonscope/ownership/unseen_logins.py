"""Signs of logins that the kernel does not know, found in a process, its unit and its parents.

The kernel learns of a login only from PAM (pam_loginuid). dropbear, sshd with ``UsePAM no``, telnetd with a login
program without PAM, and the agents of clouds and fleets let users in without PAM, so that such a login gets no audit
session id. Below, the chain of a process is the process with its parents in the same logon session. These are the
signs:

- "daemon": a parent has the comm of a program that lets users in. The daemon that began the logon session itself
  does not count.
- "unit": the process is in the unit of such a daemon, but the daemon is none of its parents, for example because the
  daemon has ended. The unit is recognized by its name or by its command.
- "user change": a process of root started a process as a person, and is not su, sudo or a similar program. Changes to
  system accounts do not count: servers drop their privileges in this way. The first process of a container does not
  count, either: the engine starts it as the user that the container's configuration names.
- "orphan": a child of init runs as a person and is in no service: its earlier parents have ended.
- "outside": what started the first process of the chain cannot be seen. The first process has no parent in this pid
  namespace, as with `docker exec`, nsenter and WSL; or it runs as a person, and its parent is in another logon session
  or hidden from the caller.

A sign is no proof of a login: any user can choose the names of processes, but only of the user's own processes.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from logonscope.answers.session_process import SWITCHERS
from logonscope.answers.whose import UnseenLogin
from logonscope.facts import Machine, Process
from logonscope.ownership.foreign import container
from logonscope.ownership.join import SYSTEM_LOGON_ID

_COMM_BYTES = 15

LOGIN_DAEMONS = frozenset(
    name[:_COMM_BYTES]
    for name in (
        # ssh and its predecessors
        "sshd", "sshd-session", "sshd-auth", "dropbear", "dropbearmulti", "tinysshd", "lshd", "telnetd", "in.telnetd",
        "utelnetd", "inetutils-telnetd", "rlogind", "in.rlogind", "rshd", "in.rshd", "rexecd", "in.rexecd",
        # super-servers that start such daemons
        "inetd", "inetutils-inetd", "xinetd", "tcpserver",
        # agents of clouds, fleets and virtual machines
        "amazon-ssm-agent", "ssm-agent-worker", "ssm-session-worker", "ssm-document-worker", "teleport", "tailscaled",
        "qemu-ga", "vmtoolsd", "lxd-agent", "incus-agent", "meshagent",
        # terminals in a web browser
        "ttyd", "gotty", "shellinaboxd", "miniserv.pl", "code-server", "code-tunnel", "openvscode-server", "rserver",
        "jupyter-lab", "jupyter-notebook", "jupyterhub", "jupyterhub-singleuser",
        # programs that connect a port with a command
        "socat", "nc", "ncat", "netcat", "nc.openbsd", "nc.traditional",
    )
)  # fmt: skip
"""Kernel names (at most 15 bytes) of programs that can let users in without the kernel's knowledge."""

LOGIN_UNITS = frozenset({"dropbear", "ssh", "sshd", "telnet", "telnetd", "amazon-ssm-agent", "teleport", "tailscaled"})
"""Units that run a login daemon: their names without "snap.SNAP.", without the instance and without ".service"."""

_UNIT = r"/(?:[^/]+\.slice/)*(?:snap\.[^/.]+\.)?([^/@]+?)(?:@[^/]*)?\.service(?:/|$)"
_RESERVED_UIDS = frozenset({65534, 65535})
"""Uids of no person: 65534 is "nobody", for servers without rights; 65535 is "no uid" in 16 bits."""

INIT, KERNEL_THREADS = 1, 2
"""The pids of init and of the parent of all kernel threads."""


def find_unseen_logins(
    chain: Sequence[Process],
    logon_id: str | None,
    login_uid: int | None,
    machine: Machine,
    *,
    leader: int | None = None,
    read_service_command: Callable[[], str | None] | None = None,
) -> tuple[UnseenLogin, ...]:
    """Return the signs that a user logged in without the kernel's knowledge, the sign nearest to the login first.

    Args:
        chain: the process, preceded by its parents in the same logon session; masked facts are None.
        logon_id: the logon session of the chain.
        login_uid: the uid that logged in to this logon session; None: not known, or the System session.
        machine: the host, for its range of uids.
        leader: the pid of the leader in the login record; None: not known.
        read_service_command: returns the command line of the service that the process is in. It is called only if the
            command line decides.
    """
    if logon_id == SYSTEM_LOGON_ID:
        signs = [
            *_find_unknown_beginning(chain, machine, read_service_command),
            *_find_changes(chain, None, 0, machine),
        ]
        user_index = 0
    else:
        user_index = _first_of_user(chain, login_uid)
        signs = [*_find_changes(chain, login_uid, user_index, machine)]
    # the nearest daemon counts: a daemon further up may have started it like any other program
    daemon = next((link for link in reversed(chain[user_index:-1]) if link.comm in LOGIN_DAEMONS), None)
    # If the leader is not in the chain, a daemon of root in the chain is a sign, too: the user may have logged in once
    # more, through a daemon that this logon session started. pam_loginuid and logind then keep the logon session.
    if daemon is None and leader is not None and all(link.pid != leader for link in chain):
        daemons = (link for link in reversed(chain[:-1]) if link.comm in LOGIN_DAEMONS and _uid(link) == 0)
        daemon = next(daemons, None)
    if daemon is not None:
        signs.insert(0, _sign("daemon", daemon))
    return tuple(signs)


def _first_of_user(chain: Sequence[Process], login_uid: int | None) -> int:
    """Return the index of the first process that runs as the user and is no login daemon.

    If there is no such process, return the length of the chain.
    """
    indexes = range(len(chain))
    return next((i for i in indexes if _uid(chain[i]) == login_uid and chain[i].comm not in LOGIN_DAEMONS), len(chain))


def _find_changes(
    chain: Sequence[Process], login_uid: int | None, user_index: int, machine: Machine
) -> Iterator[UnseenLogin]:
    """Yield the signs "user change"; leave out the change that the login itself made."""
    for index in range(1, len(chain)):
        parent, process = chain[index - 1], chain[index]
        is_change = _uid(parent) == 0 and is_person(_uid(process), machine) and parent.comm not in SWITCHERS
        is_login = index <= user_index and _uid(process) == login_uid
        # init starts processes for others: see _find_unknown_beginning
        if is_change and not is_login and parent.pid != INIT and not _enters_container(parent, process, machine):
            yield _sign("user change", process)


def _enters_container(parent: Process, process: Process, machine: Machine) -> bool:
    """Return whether a process is in a container that its parent is not in."""
    return container(process, machine) not in {None, container(parent, machine)}


def _find_unknown_beginning(
    chain: Sequence[Process], machine: Machine, read_service_command: Callable[[], str | None] | None
) -> Iterator[UnseenLogin]:
    """Yield the signs that something other than the service manager may have started a chain of the System session."""
    first_process, process = chain[0], chain[-1]
    # the chain does not begin with init: what started its first process is outside the pid namespace, in another logon
    # session, or hidden
    if first_process.pid != INIT:
        runs_as_person = is_person(_uid(first_process), machine)
        if first_process.pid != KERNEL_THREADS and (
            first_process.ppid == 0 or (first_process.ppid != KERNEL_THREADS and runs_as_person)
        ):
            yield _sign("outside", first_process)
        return
    if is_person(_uid(first_process), machine):
        yield _sign("outside", first_process)
    if len(chain) == 1:
        return
    # the cgroup of the process itself, which it inherited: the cgroups of its parents may be hidden from the caller
    unit = re.search(_UNIT, process.cgroup or "")
    if unit is not None:
        # the daemon itself is in its unit, too; for its children, the sign is "daemon"
        if any(link.comm in LOGIN_DAEMONS for link in chain):
            return
        is_login_unit = unit[1] in LOGIN_UNITS
        # Reading the command of a service is slow. It is read only if the process that init started runs as a person:
        # most daemons run as root or as a system account.
        if not is_login_unit and is_person(_uid(chain[1]), machine) and read_service_command is not None:
            is_login_unit = _is_login_daemon(read_service_command() or "")
        if is_login_unit:
            yield _sign("unit", process, unit[1])
    elif process.cgroup is not None and _uid(first_process) == 0 and is_person(_uid(chain[1]), machine):
        yield _sign("orphan", chain[1])


def _is_login_daemon(command: str) -> bool:
    program = command.partition(" ")[0].rpartition("/")[2]
    return program[:_COMM_BYTES] in LOGIN_DAEMONS


def is_person(uid: int | None, machine: Machine) -> bool:
    """Return whether a uid is in the range of persons, not of system accounts."""
    return uid is not None and uid >= machine.uid_min and uid not in _RESERVED_UIDS


def _uid(process: Process) -> int | None:
    return process.uids[1] if process.uids else None


def _sign(kind: str, process: Process, unit: str | None = None) -> UnseenLogin:
    return UnseenLogin(kind, process.pid, process.comm if unit is None else unit)
