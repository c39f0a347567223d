"""Inheritance of kernel ids: whether the kernel id of a login is its own, or its leader inherited it.

An sshd that a logged-in user restarted has that user's kernel id and passes it on to all later logins through it.

Each of these facts proves that an id was inherited (docs/decisions/0002-inherited-kernel-ids.md):

- the login uid beside the id is not the uid of the login: the kernel sets id and login uid together (checked in
  logins.py);
- the leader's parent carries the id;
- another process carries it and started before the leader, or more than MAX_PAM_SECONDS before the record;
- the leader has ended, and an ssh daemon that runs as root carries the id and started before the record;
- a login that is older by more than MAX_PAM_SECONDS has a greater id: the kernel numbers ids upwards;
- outside containers, logind calls the login cN: it has this name because the id was in use (checked in
  ownership/join.py).

A parent without the id disproves inheritance, unless an init may have adopted the leader. A helper of the login's own
PAM stack also carries the id before the login has a record; it started after the leader, so it proves nothing. Where
the leader is gone this cannot be checked: then every process that is older than the record by at most MAX_PAM_SECONDS
is regarded as such a helper, except an ssh daemon that runs as root.
"""

from collections.abc import Callable, Iterable

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Look, ProcessQuery
from logonscope.sources.linux.processes import Reader, list_pids, pids_with_kernel_ids

MAX_PAM_SECONDS = 120
"""Maximum seconds from the moment when a login gets its kernel id until it has a record: the default of
sshd's LoginGraceTime."""

STARTED_BY_INIT = frozenset({"login", "systemd", "(sd-pam)", "agetty"})
"""Kernel names of leaders that an init starts itself. Other leaders below an init may have lost their real parent."""

SSH_DAEMONS = frozenset({"sshd", "dropbear"})
"""Kernel names of the daemons that accept ssh logins: where they run as root, no PAM stack of a login started them."""

_CARRIER = ProcessQuery(frozenset({"ses", "start", "comm", "uids"}))


class Inheritance:
    """Decides inheritance for the logins of one reading of a host."""

    def __init__(self, proc: str, machine: Machine, look: Look, read: Callable[[int], Process | None]) -> None:
        """Prepare the decisions; ``read`` reads the facts ``ses`` and ``comm`` of one process."""
        self._proc, self._machine, self._look, self._read = proc, machine, look, read
        self._parents: dict[int, Process | None] = {}  # one sshd is the parent of many leaders

    def keep_parent(self, parent: Process) -> None:
        """Keep the parent of a leader; ``with_parent_proof`` does not read this parent again."""
        self._parents.setdefault(parent.pid, parent)

    def with_parent_proof(self, login: Login) -> Login:
        """Return the login; ``inherited`` is set if the leader's parent proves or disproves inheritance."""
        leader, kernel_id = login.process, carried_kernel_id(login)
        if login.inherited is not None or leader is None or kernel_id is None or not leader.ppid:
            return login
        if leader.ppid not in self._parents:
            self._parents[leader.ppid] = self._read(leader.ppid)
        parent = self._parents[leader.ppid]
        if parent is None or parent.ses is None:
            return login
        if parent.ses == kernel_id:
            return login._replace(inherited=True)
        # A process whose parent has ended is adopted by an init, and may have inherited the id from its real parent. So
        # an init without the id disproves nothing.
        is_adopted = (parent.pid == 1 or parent.comm == "systemd") and leader.comm not in STARTED_BY_INIT
        return login if is_adopted else login._replace(inherited=False)

    def is_undecided(self, login: Login) -> bool:
        """Return whether a login could own its kernel id, and it is not decided yet whether the id was inherited."""
        if login.inherited is not None or carried_kernel_id(login) is None:
            return False
        # outside containers a login named cN never owns a kernel id: logind chose that name because the id was taken
        return self._machine.container is not False or not login.id.startswith("c")

    def with_host_proofs(self, logins: Iterable[Login], every_login: Iterable[Login]) -> list[Login]:
        """Return the logins; ``inherited`` is set for undecided ones if a login or process proves inheritance."""
        logins = list(logins)
        undecided_ids = {carried_kernel_id(login) for login in logins if self.is_undecided(login)}
        if not undecided_ids:
            return logins
        creations = [
            (login.created, carried_kernel_id(login) or 0) for login in every_login if login.created is not None
        ]
        carriers = self._carriers_of(frozenset(filter(None, undecided_ids)))
        return [
            login._replace(inherited=self._is_inherited(login, creations, carriers) or None)
            if self.is_undecided(login)
            else login
            for login in logins
        ]

    def _is_inherited(self, login: Login, creations: Iterable[tuple[int, int]], carriers: Iterable[Process]) -> bool:
        """Return whether an older login with a greater id, or an older process with the same id, proves inheritance.

        Args:
            login: an undecided login.
            creations: the creation in clock ticks, and the kernel id, of every login.
            carriers: the processes of the host that carry the id of any undecided login.
        """
        if login.created is None:
            return False
        # A login gets its kernel id before its record: processes of its own PAM stack carry the id and can be older
        # than the record, but by no more than MAX_PAM_SECONDS seconds.
        kernel_id, bound = carried_kernel_id(login) or 0, login.created - MAX_PAM_SECONDS * self._machine.ticks
        if any(created < bound and created_id > kernel_id for created, created_id in creations):
            return True
        # Processes of the PAM stack are also younger than the leader, so the leader's start is a second bound, and the
        # later bound counts. An ssh daemon of root is never part of a PAM stack: if the leader is gone, the bound
        # of such a daemon is the time of the record.
        start = login.process.start if login.process else None
        bound = bound if start is None else max(start, bound)
        daemon_bound = login.created if start is None else bound
        return any(
            carrier.ses == kernel_id
            and carrier.pid != login.leader
            and (carrier.start or daemon_bound) < (daemon_bound if _is_ssh_daemon(carrier) else bound)
            for carrier in carriers
        )

    def _carriers_of(self, kernel_ids: frozenset[int]) -> list[Process]:
        """Return the processes of the host that carry these kernel ids; each id is searched for once in a request.

        Processes that get an id after the search are not in its result. They prove nothing, because they are too young.
        """
        carriers: dict[int, list[Process]] = self._look.read_once((Inheritance, self._proc), dict)
        if new_ids := kernel_ids.difference(carriers):
            new_carriers: dict[int, list[Process]] = {kernel_id: [] for kernel_id in new_ids}
            pids = pids_with_kernel_ids(self._proc, self._look.checked(list_pids(self._proc)), new_ids)
            for carrier in filter(None, map(Reader(self._proc, _CARRIER).read, pids)):
                if carrier.ses in new_carriers:
                    new_carriers[carrier.ses].append(carrier)
            carriers |= new_carriers
        return [carrier for kernel_id in sorted(kernel_ids) for carrier in carriers[kernel_id]]


def _is_ssh_daemon(process: Process) -> bool:
    return process.comm in SSH_DAEMONS and process.uids is not None and process.uids[0] == 0


def carried_kernel_id(login: Login) -> int | None:
    """Return the kernel id that the processes of a login carry, by the strongest evidence; None without any."""
    # logind names a login after its kernel id, unless another login already has that name
    id_in_name = int(login.id) if login.id.isdecimal() and login.id.isascii() else None
    scope_id = login.scope_ids[0] if login.scope_ids and len(login.scope_ids) == 1 else None
    leader_id = login.process.ses if login.process else None
    kernel_ids = (leader_id, login.audit, id_in_name, scope_id, login.remembered)
    return next((kernel_id for kernel_id in kernel_ids if kernel_id is not None and kernel_id not in {0, UNSET}), None)
