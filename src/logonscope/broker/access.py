"""Who may see what? The only place that decides.

An administrator (elevated, as the documented remark on Win32_SessionProcess has it) sees everything. Anyone else sees
the logon sessions whose login uid is its own, their processes, and every process that runs as its uid; the details
of a process only where its real, effective and saved uid are all its own. In Win32_Process, as on Windows, everybody
has a row of every process that says which one it is, and no more. Accounts and groups are for everybody who is
somebody, as passwd(5) is.
"""

from typing import Any, NamedTuple

from logonscope.errors import AccessDeniedError
from logonscope.facts import Login, Process
from logonscope.machine import Needs, Owner
from logonscope.ownership import login_of_cgroup, login_of_elogind, login_uid

CAP_SYS_PTRACE = 19
"""capabilities(7): who may look into any process."""

HIDDEN = Owner(None, "hidden")
"""In place of an owner that the caller may not see, of a process that it may."""

DETAILS = (
    "rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cmdline", "exe", "fds", "sockets",
)  # fmt: skip
"""The facts that are masked: what the kernel itself keeps from other users, and the command line."""

IDENTITY = ("pid", "comm", "ppid", "start", "name")
"""What tells everybody which process it is: its name is the kernel's, not the one in its arguments."""

OPEN = frozenset({"comm", "ppid", "start"})
"""The facts that everybody who sees which process it is sees as they are."""

PLACE = ("ses", "loginuid", "cgroup")
"""The facts that say in which logon session a process runs."""

NOT_YOURS = "not one of your logon sessions"
MASKED = "not one of your processes; use sudo"


class Caller(NamedTuple):
    """Who asks. ``uid`` None is nobody, unless it is an administrator."""

    name: str
    uid: int | None
    administrator: bool
    remote: bool = False


class Sight(NamedTuple):
    """What one caller sees; the needs are widened by the facts that decide it."""

    needs: Needs
    everything: bool
    uid: int | None

    def logged_in(self, uids: frozenset[int] | None) -> frozenset[int] | None:
        """Return which of these may have logged in to a logon session that the caller sees; None: anybody."""
        own = None if self.everything or self.uid is None else frozenset({self.uid})
        return own if uids is None else uids if own is None else own & uids

    def is_told(self, facts: frozenset[str], *, others: bool) -> bool:
        """Tell whether the caller is told these facts of any process as they are, whoever owns it."""
        return self.everything or (others and facts <= OPEN)

    def session(self, process: Process, owner: Owner) -> bool:
        """Tell whether the caller sees the logon session that owns this process."""
        return self.everything or (self.uid is not None and login_uid(owner, (process,)) == self.uid)

    def process(self, process: Process, owner: Owner) -> bool:
        """Tell whether the caller sees this process."""
        return self.session(process, owner) or (process.uids is not None and self.uid in process.uids[:2])

    def shown(self, process: Process, owner: Owner = HIDDEN) -> Process:
        """Return the process as the caller sees it: without its details where they are not the caller's."""
        if self.everything:
            return process
        if process.cgroup is not None and self._names_another(process.cgroup, owner):
            unread = {**(process.unread or {}), "cgroup": NOT_YOURS}
            process = process._replace(cgroup=None, unread=unread)
        if process.uids is not None and set(process.uids[:3]) == {self.uid}:
            return process
        hidden = [fact for fact in DETAILS if fact in self.needs.process]
        unread = {**(process.unread or {}), **dict.fromkeys(hidden, MASKED)}
        masked: dict[str, Any] = dict.fromkeys(hidden)
        if process.name is not None:
            masked["name"] = process.comm  # a longer one came from the arguments
        return process._replace(unread=unread or None, **masked)

    def _names_another(self, cgroup: str, owner: Owner) -> bool:
        """Tell whether a cgroup is the place of a login that is neither the process's nor the caller's own manager."""
        named = login_of_cgroup(cgroup) or login_of_elogind(cgroup)
        if named is None:
            return False
        return named not in {owner.logon, owner.login and owner.login.id, f"user@{self.uid}.service"}

    def unplaced(self, process: Process) -> Process:
        """Return a process of the caller's in a logon session that is not: without what would say in which."""
        shown = self.shown(process)
        unread = {**(shown.unread or {}), **dict.fromkeys(PLACE, NOT_YOURS)}
        return shown._replace(ses=None, loginuid=None, cgroup=None, unread=unread)

    def identity(self, process: Process) -> Process:
        """Return what somebody who may not see a process is shown of it in Win32_Process: which one it is."""
        hidden = dict.fromkeys(self.needs.process.difference(IDENTITY), MASKED)
        name = None if process.name is None else process.comm
        return Process(
            process.pid, comm=process.comm, ppid=process.ppid, start=process.start, name=name, unread=hidden or None
        )

    def seen(self, process: Process, owner: Owner, *, others: bool = False) -> tuple[Process, Owner] | None:
        """Return a process and its owner as the caller sees both; None: not at all, or with ``others`` as anybody."""
        if self.everything:
            return process, owner
        if self.session(process, owner):
            return self.shown(process, owner), owner
        if self.process(process, owner):
            return self.unplaced(process), HIDDEN
        return (self.identity(process), HIDDEN) if others else None

    def login(self, login: Login) -> bool:
        """Tell whether the caller sees the record of a login service."""
        return self.everything or (self.uid is not None and login.uid == self.uid)


def local_caller(name: str, uid: int, capabilities: int) -> Caller:
    """Return the caller that this very process is: root, or CAP_SYS_PTRACE in effect, is elevation."""
    return Caller(name, uid, administrator=uid == 0 or bool(capabilities >> CAP_SYS_PTRACE & 1))


def admit(caller: Caller) -> None:
    """Let somebody in.

    Raises:
        AccessDeniedError: the caller is nobody, who is told nothing, not even which classes there are.
    """
    if not caller.administrator and caller.uid is None:
        raise AccessDeniedError("nobody sees nothing", "authenticate first")


def limit(caller: Caller, needs: Needs) -> Sight:
    """Return what the caller sees, and the needs widened by what that decision asks for.

    Raises:
        AccessDeniedError: the caller is nobody.
    """
    admit(caller)
    if caller.administrator:
        return Sight(needs, everything=True, uid=caller.uid)
    named = {"comm"} if "name" in needs.process else set()
    widened = needs._replace(process=needs.process | {"ses", "loginuid", "uids"} | named)
    return Sight(widened, everything=False, uid=caller.uid)


def acting_uid(caller: Caller) -> int | None:
    """Return as whom something is done for a caller, so that the kernel decides; None: with this process's rights.

    Raises:
        AccessDeniedError: the caller is nobody.
    """
    admit(caller)
    return None if caller.administrator else caller.uid
