"""Access: what a caller may see and do. The only place that decides.

An administrator (elevated, as the documented remark on Win32_SessionProcess has it) sees everything. Anyone else sees
the logon sessions whose login uid is its own, their processes, and every process that runs as its uid; the details
of a process only where its real, effective and saved uid are all its own. In Win32_Process, as on Windows, everybody
has a row of every process that says which one it is, and no more. Accounts and groups are for everybody who is
somebody, as passwd(5) is.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from logonscope.errors import AccessDeniedError
from logonscope.facts import Login, Process
from logonscope.machine import Facts, Owner, Ownership

CAP_SYS_PTRACE = 19
"""capabilities(7): who may look into any process."""

HIDDEN = Owner(None, "hidden")
"""Placeholder owner of a process whose logon session is hidden from the caller."""

DETAILS = (
    "rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cmdline", "exe", "fds", "sockets",
)  # fmt: skip
"""The facts that are masked: what the kernel itself keeps from other users, and the command line."""

IDENTITY = ("pid", "comm", "ppid", "start", "name")
"""What tells everybody which process it is: its name is the kernel's, not the one in its arguments."""

OPEN = frozenset({"comm", "ppid", "start"})
"""The facts that everybody who sees which process it is sees as they are."""

NOT_YOURS = "not one of your logon sessions"
MASKED = "not one of your processes"


class Caller(NamedTuple):
    """Who asks. ``uid`` None is nobody, unless it is an administrator."""

    name: str
    uid: int | None
    administrator: bool
    remote: bool = False


class Visibility:
    """What one caller sees on a host with these rules of ownership."""

    def __init__(self, caller: Caller, ownership: Ownership) -> None:
        """Take the caller.

        Raises:
            AccessDeniedError: it is not authenticated.
        """
        admit(caller)
        self.everything = caller.administrator
        self.uid = caller.uid
        self._ownership = ownership

    def __repr__(self) -> str:
        return f"<Visibility of {'everything' if self.everything else f'uid {self.uid}'}>"

    def deciding(self, facts: Facts) -> Facts:
        """Return facts together with those by which it is decided what the caller may see of them."""
        if self.everything:
            return facts
        return facts | self._ownership.deciding_access | ({"comm"} if "name" in facts else set())

    def login_uids(self, uids: frozenset[int] | None) -> frozenset[int] | None:
        """Return which of these uids may have logged in to a logon session that the caller sees; None: any."""
        own = None if self.everything or self.uid is None else frozenset({self.uid})
        return own if uids is None else uids if own is None else own & uids

    def is_open(self, facts: Facts, *, foreign: bool) -> bool:
        """Return whether the caller sees these facts of any process as they are, whoever owns it."""
        return self.everything or (foreign and facts <= OPEN)

    def sees_session(self, process: Process, owner: Owner) -> bool:
        """Return whether the caller sees the logon session that owns this process."""
        return self.everything or (self.uid is not None and self._ownership.login_uid(owner, (process,)) == self.uid)

    def sees_login(self, login: Login) -> bool:
        """Return whether the caller sees a login record."""
        return self.everything or (self.uid is not None and login.uid == self.uid)

    def view(
        self, process: Process, owner: Owner, facts: Facts, *, foreign: bool = False
    ) -> tuple[Process, Owner] | None:
        """Return a process and its owner as the caller sees them; None where it does not, or ``foreign`` its identity.

        Args:
            process: with the facts of ``deciding``.
            owner: its owner.
            facts: those that were asked for; the others need not be masked.
            foreign: a process that the caller may not see is shown with what identifies it alone.
        """
        if self.everything:
            return process, owner
        if self.sees_session(process, owner):
            return self.masked(process, facts, owner), owner
        if self._ownership.runs_as(process, self.uid, wholly=False):
            return self._without_place(process, facts), HIDDEN
        return (self.identity(process, facts), HIDDEN) if foreign else None

    def masked(self, process: Process, facts: Facts, owner: Owner = HIDDEN) -> Process:
        """Return the process as the caller sees it: without its details where they are not the caller's."""
        if self.everything:
            return process
        if self._ownership.names_other(process, owner, self.uid):
            place = self._ownership.place
            no_place: dict[str, Any] = {place: None, "unread": _reasons(process, [place], NOT_YOURS)}
            process = process._replace(**no_place)
        if self._ownership.runs_as(process, self.uid, wholly=True):
            return process
        hidden = [fact for fact in DETAILS if fact in facts]
        unread = _reasons(process, hidden, MASKED)
        changes: dict[str, Any] = dict.fromkeys(hidden)
        if process.name is not None:
            changes["name"] = process.comm  # a longer one came from the arguments
        return process._replace(unread=unread or None, **changes)

    def _without_place(self, process: Process, facts: Facts) -> Process:
        """Return a process of the caller's in another's logon session: without what would say in which."""
        masked = self.masked(process, facts)
        placing = self._ownership.placing
        unread = _reasons(masked, placing, NOT_YOURS)
        changes: dict[str, Any] = dict.fromkeys(placing)
        return masked._replace(unread=unread, **changes)

    def identity(self, process: Process, facts: Facts) -> Process:
        """Return what a caller who may not see a process is shown of it in Win32_Process: which one it is."""
        hidden = dict.fromkeys(self.deciding(facts).difference(IDENTITY), MASKED)
        name = None if process.name is None else process.comm
        return Process(
            process.pid, comm=process.comm, ppid=process.ppid, start=process.start, name=name, unread=hidden or None
        )


def _reasons(process: Process, hidden: Iterable[str], reason: str) -> dict[str, str]:
    """Return why facts are None, the hidden ones last: their place must not say whether they could be read."""
    reasons = dict.fromkeys(hidden, reason)
    return {fact: why for fact, why in (process.unread or {}).items() if fact not in reasons} | reasons


def local_caller(name: str, uid: int, capabilities: int) -> Caller:
    """Return the caller that this very process is: root, or CAP_SYS_PTRACE in effect, is elevation."""
    return Caller(name, uid, administrator=uid == 0 or bool(capabilities >> CAP_SYS_PTRACE & 1))


def admit(caller: Caller) -> None:
    """Let a caller in.

    Raises:
        AccessDeniedError: it is not authenticated: it sees nothing, not even which classes there are.
    """
    if not caller.administrator and caller.uid is None:
        raise AccessDeniedError("nobody sees nothing", "authenticate first")


def acting_uid(caller: Caller) -> int | None:
    """Return the uid to act as on the caller's behalf, so that the kernel decides; None: with this process's rights.

    Raises:
        AccessDeniedError: the caller is not authenticated.
    """
    admit(caller)
    return None if caller.administrator else caller.uid
