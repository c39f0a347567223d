"""Access rules: what a caller may see and do. No other module decides about access.

An administrator (elevated, as the documented remark on Win32_SessionProcess has it) sees everything. Any other user
sees the logon sessions whose login uid is its own, their processes, and every process that runs as its uid; it sees
the details of a process only where the real, effective and saved uid are all its own. In Win32_Process, as on Windows,
every user gets a row of every process, with identifying columns only where the process belongs to another user.
Accounts and groups are visible to every authenticated user, as with passwd(5).
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from logonscope.errors import AccessDeniedError
from logonscope.facts import Login, Process
from logonscope.machine import Facts, Owner, Ownership

CAP_SYS_PTRACE = 19
"""Bit number of the capability to inspect any process (capabilities(7))."""

HIDDEN = Owner(None, "hidden")
"""Placeholder owner of a process whose logon session is hidden from the caller."""

DETAIL_FACTS = (
    "rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cmdline", "exe", "fds", "sockets",
)  # fmt: skip
"""Facts that are masked: those that the kernel itself hides from other users, and the command line."""

IDENTITY_FACTS = ("pid", "comm", "ppid", "start", "name")
"""Facts that identify a process to any user. The name is the kernel's, not the one in the arguments."""

UNMASKED_FACTS = frozenset({"comm", "ppid", "start"})
"""Identity facts that need no masking."""

NOT_YOURS = "not one of your logon sessions"
MASKED = "not one of your processes"


class Caller(NamedTuple):
    """The user on whose behalf a request is made. ``uid`` None: not authenticated, unless ``administrator`` is set.

    ``read_only``: it may not change anything on the host, whatever its rights are.
    """

    name: str
    uid: int | None
    administrator: bool
    remote: bool = False
    read_only: bool = False


class Visibility:
    """The logon sessions, processes and facts that one caller may see, under one set of ownership rules."""

    def __init__(self, caller: Caller, ownership: Ownership) -> None:
        """Store the caller.

        Raises:
            AccessDeniedError: the caller is not authenticated.
        """
        admit(caller)
        self.everything = caller.administrator
        self.uid = caller.uid
        self._ownership = ownership

    def __repr__(self) -> str:
        return f"<Visibility of {'everything' if self.everything else f'uid {self.uid}'}>"

    def with_access_facts(self, facts: Facts) -> Facts:
        """Return the facts plus those that decide how much of them the caller may see."""
        if self.everything:
            return facts
        return facts | self._ownership.access_facts | ({"comm"} if "name" in facts else set())

    def login_uids(self, uids: frozenset[int] | None) -> frozenset[int] | None:
        """Reduce login uids to those whose logon sessions the caller may see; None: any uid."""
        callers_uid = None if self.everything or self.uid is None else frozenset({self.uid})
        return callers_uid if uids is None else uids if callers_uid is None else callers_uid & uids

    def is_open(self, facts: Facts, *, include_foreign: bool) -> bool:
        """Return whether the caller sees these facts of any process unmasked, regardless of its owner."""
        return self.everything or (include_foreign and facts <= UNMASKED_FACTS)

    def sees_session(self, process: Process, owner: Owner) -> bool:
        """Return whether the caller may see the logon session that owns this process."""
        return self.everything or (self.uid is not None and self._ownership.login_uid(owner, (process,)) == self.uid)

    def sees_login(self, login: Login) -> bool:
        """Return whether the caller may see a login record."""
        return self.everything or (self.uid is not None and login.uid == self.uid)

    def view(
        self, process: Process, owner: Owner, facts: Facts, *, include_foreign: bool = False
    ) -> tuple[Process, Owner] | None:
        """Return a process and its owner, masked for the caller; None where the caller may not see the process.

        Args:
            process: with the facts of ``with_access_facts``.
            owner: the owner of the process.
            facts: the requested facts; other facts need not be masked.
            include_foreign: return a process that the caller may not see with its identity facts only.
        """
        if self.everything:
            return process, owner
        if self.sees_session(process, owner):
            return self.masked(process, facts, owner), owner
        # the caller's process in a logon session of another user, as after sudo: visible, but not where it belongs
        if self._ownership.runs_as(process, self.uid, wholly=False):
            return self._without_place(process, facts), HIDDEN
        return (self.identity(process, facts), HIDDEN) if include_foreign else None

    def masked(self, process: Process, facts: Facts, owner: Owner = HIDDEN) -> Process:
        """Return the process as the caller may see it: without details unless all of its uids are the caller's."""
        if self.everything:
            return process
        if self._ownership.names_other_login(process, owner, self.uid):
            place = self._ownership.place_fact
            no_place: dict[str, Any] = {place: None, "unread": _reasons(process, [place], NOT_YOURS)}
            process = process._replace(**no_place)
        if self._ownership.runs_as(process, self.uid, wholly=True):
            return process
        hidden = [fact for fact in DETAIL_FACTS if fact in facts]
        unread = _reasons(process, hidden, MASKED)
        changes: dict[str, Any] = dict.fromkeys(hidden)
        if process.name is not None:
            # a name longer than comm was completed from the arguments, which are masked
            changes["name"] = process.comm
        return process._replace(unread=unread or None, **changes)

    def _without_place(self, process: Process, facts: Facts) -> Process:
        """Mask a process of the caller in a logon session of another user: remove what identifies that session."""
        masked = self.masked(process, facts)
        placing = self._ownership.session_facts
        unread = _reasons(masked, placing, NOT_YOURS)
        changes: dict[str, Any] = dict.fromkeys(placing)
        return masked._replace(unread=unread, **changes)

    def identity(self, process: Process, facts: Facts) -> Process:
        """Return only the identity facts of a process, as Win32_Process shows it to users who may not see it."""
        hidden = dict.fromkeys(self.with_access_facts(facts).difference(IDENTITY_FACTS), MASKED)
        name = None if process.name is None else process.comm
        return Process(
            process.pid, comm=process.comm, ppid=process.ppid, start=process.start, name=name, unread=hidden or None
        )


def _reasons(process: Process, hidden: Iterable[str], reason: str) -> dict[str, str]:
    """Return the reasons why facts are None, hidden facts last: their order must not reveal whether they were read."""
    reasons = dict.fromkeys(hidden, reason)
    return {fact: why for fact, why in (process.unread or {}).items() if fact not in reasons} | reasons


def local_caller(name: str, uid: int, capabilities: int) -> Caller:
    """Return the user of this very process as a caller: an administrator if root or with CAP_SYS_PTRACE in effect."""
    return Caller(name, uid, administrator=uid == 0 or bool(capabilities >> CAP_SYS_PTRACE & 1))


def admit(caller: Caller) -> None:
    """Reject a caller that is not authenticated. It may see nothing, not even which classes exist.

    Raises:
        AccessDeniedError: the caller is not authenticated.
    """
    if not caller.administrator and caller.uid is None:
        raise AccessDeniedError("authentication required", "no anonymous access")


def acting_uid(caller: Caller) -> int | None:
    """Return the uid to act as on the caller's behalf, so that the kernel decides; None: with this process's rights.

    Raises:
        AccessDeniedError: the caller is not authenticated.
    """
    admit(caller)
    return None if caller.administrator else caller.uid
