"""Inheritance of kernel ids: is a login's audit session id its own, or did its leader get it from its parent?

An sshd that a logged-in user restarted passes its own id on to all later logins of that user. Three things prove that
an id was inherited: a login uid beside it that is not the login's (the kernel sets both at once), a process that
carries it and is the leader's ancestor or started before the login, and, ids being a counter, an older login with a
greater id. A parent that does not carry the id disproves it. A leader that is gone proves nothing, and neither does a
helper of the login's own PAM stack: it is younger than the leader. Where the leader is gone an older process can be
such a helper, unless it is an ssh daemon of root's.
"""

from collections.abc import Callable, Iterable, Iterator

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Look, ProcessQuery
from logonscope.sources.linux.processes import Reader, pids, with_keys

PAM_STACK = 120
"""Seconds that may pass between a login's kernel id and its record: sshd's LoginGraceTime."""

STARTED_BY_INIT = frozenset({"login", "systemd", "(sd-pam)", "agetty"})
"""Kernel names of leaders that an init forks itself; another leader below one may have lost its parent."""

SSH_DAEMONS = frozenset({"sshd", "dropbear"})
"""Kernel names of the daemons that ssh logins come through: run by root, no login's PAM stack starts them."""

_CARRIER = ProcessQuery(frozenset({"ses", "start", "comm", "uids"}))


class Inheritance:
    """The proofs for the logins of one reading of a host."""

    def __init__(self, proc: str, machine: Machine, look: Look, read: Callable[[int], Process | None]) -> None:
        """Take the host, and a reader of the facts ``ses``, ``comm``, ``ppid`` and ``start`` of one process."""
        self._proc, self._machine, self._look, self._read = proc, machine, look, read
        self._parents: dict[int, Process | None] = {}  # one sshd is the parent of many leaders

    def by_parent(self, login: Login) -> Login:
        """Return the login with what its leader's parent proves or disproves."""
        leader, key = login.process, carried_id(login)
        if login.inherited is not None or leader is None or key is None or not leader.ppid:
            return login
        if leader.ppid not in self._parents:
            self._parents[leader.ppid] = self._read(leader.ppid)
        parent = self._parents[leader.ppid]
        if parent is None or parent.ses is None:
            return login
        if parent.ses == key:
            return login._replace(inherited=True)
        adopted = (parent.pid == 1 or parent.comm == "systemd") and leader.comm not in STARTED_BY_INIT
        return login if adopted else login._replace(inherited=False)

    def is_open(self, login: Login) -> bool:
        """Return whether nothing is proved yet of a login whose id could be its own."""
        if login.inherited is not None or carried_id(login) is None:
            return False
        return self._machine.container is not False or not login.id.startswith("c")

    def settled(self, logins: Iterable[Login], every_login: Iterable[Login]) -> list[Login]:
        """Return the logins with what all processes and all logins of the host prove of those that are open."""
        logins = list(logins)
        open_ids = {carried_id(login) for login in logins if self.is_open(login)}
        if not open_ids:
            return logins
        older = [(login.created, carried_id(login) or 0) for login in every_login if login.created is not None]
        carriers = list(self._carriers(open_ids))
        return [
            login._replace(inherited=self._is_proved(login, older, carriers) or None) if self.is_open(login) else login
            for login in logins
        ]

    def _is_proved(self, login: Login, older: Iterable[tuple[int, int]], carriers: Iterable[Process]) -> bool:
        """Return whether an older login with a greater id, or an older process with the same id, proves inheritance."""
        if login.created is None:
            return False
        key, before = carried_id(login) or 0, login.created - PAM_STACK * self._machine.ticks
        if any(created < before and other > key for created, other in older):
            return True
        start = login.process.start if login.process else None
        before = before if start is None else max(start, before)
        created = login.created if start is None else before
        return any(
            carrier.ses == key
            and carrier.pid != login.leader
            and (carrier.start or created) < (created if _is_ssh_daemon(carrier) else before)
            for carrier in carriers
        )

    def _carriers(self, ids: Iterable[int | None]) -> Iterator[Process]:
        """Read every process of the host that carries one of these kernel ids, and few others."""
        keys = frozenset(key for key in ids if key is not None)
        wanted = with_keys(self._proc, self._look.timed(pids(self._proc)), keys)
        return filter(None, map(Reader(self._proc, _CARRIER).read, wanted))


def _is_ssh_daemon(process: Process) -> bool:
    return process.comm in SSH_DAEMONS and process.uids is not None and process.uids[0] == 0


def carried_id(login: Login) -> int | None:
    """Return the kernel id that the processes of a login carry, by the best evidence at hand; None without one."""
    numbered = int(login.id) if login.id.isdecimal() and login.id.isascii() else None
    of_scope = login.scope_ids[0] if login.scope_ids and len(login.scope_ids) == 1 else None
    of_leader = login.process.ses if login.process else None
    candidates = (of_leader, login.audit, numbered, of_scope, login.remembered)
    return next((key for key in candidates if key is not None and key not in {0, UNSET}), None)
