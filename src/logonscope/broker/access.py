"""Access rules: what a caller may see and do. Every decision about rows and values is made here.

These decide who is an administrator: ``local_caller`` below for users of this machine; app.py for recordings and the
visibility "kernel"; server/auth on the server; view_as.py for ``--as``.

Which uids a process runs as, and whether they belong to this host, depends on the operating system: the methods
``runs_as`` and ``is_foreign_uid`` of Ownership determine it.

An administrator sees everything; Microsoft's remark on Win32_SessionProcess calls such a caller elevated. Any other
user sees the logon sessions whose login uid is its own, their processes, and every process that runs as its uid; it
sees the details of a process only if the real, effective and saved uid are all its own. The uids of containers, and of
logon sessions that began in another pid namespace below another root directory (decision 41), do not belong to this
host: they never match the caller's. In Win32_Process, as on Windows, every user gets a row of every process; the row of
another user's process has only the identifying columns.
Accounts and groups are visible to every authenticated user, as with passwd(5); the state of their passwords is not. How
a login authenticated, its key included, is visible with the logon session; nothing of it is masked. The services of the
system are visible to every authenticated user, too, but their command lines only to administrators. A service of a user
manager is visible to callers who may see one of its processes. Past logins of an account are like its present logon
sessions: visible to itself and to administrators.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from logonscope.answers.logon_session import LogonSession
from logonscope.errors import AccessDeniedError
from logonscope.facts import ALL_FACTS, Account, Login, Machine, Process, Service
from logonscope.machine import Facts, Owner, Ownership

if TYPE_CHECKING:
    from logonscope.machine.events import Event, ProcessChanged

CAP_SYS_PTRACE = 19
"""Bit number of the capability to inspect any process (capabilities(7))."""

HIDDEN = Owner(None, "hidden")
"""Placeholder owner of a process whose logon session is hidden from the caller."""

NOT_REQUESTED = Owner(None, "not requested")
"""Placeholder owner of a process whose owner was not requested, and so not determined."""

DETAIL_FACTS = (
    "rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cmdline", "exe", "fds", "sockets",
    "thread_sockets", "net_namespace", "mapped_files",
)  # fmt: skip
"""Details, masked in other users' processes: facts that the kernel hides from other users, and the command line."""

IDENTITY_FACTS = ("pid", "comm", "ppid", "start", "name")
"""Facts that identify a process to any user. The name is the kernel's, not the one in the arguments."""

UNMASKED_FACTS = frozenset({"comm", "ppid", "start"})
"""Identity facts that every user gets as they were read. (Not "name", which can come from the masked arguments.)"""

PASSWORD_FACTS = ("password", "password_min_days", "password_max_days", "expired")
"""Facts of an account that shadow(5) has, which only root can read."""

NOT_YOUR_SESSION = "not one of your logon sessions"
"""The reason for facts that would reveal a logon session that the caller may not see."""

NOT_YOUR_PROCESS = "not one of your processes"
"""The reason for details of a process that does not run wholly as the caller."""


class Caller(NamedTuple):
    """The user on whose behalf a request is made. ``uid`` None: not authenticated, unless ``administrator`` is set.

    ``read_only``: the request may not change anything on the host, whatever the rights of the user are.
    ``limited_by_kernel``: the caller counts as an administrator, but this process can read only what the kernel lets an
    ordinary user read (the visibility "kernel").
    """

    name: str
    uid: int | None
    administrator: bool
    read_only: bool = False
    limited_by_kernel: bool = False


class ForeignLookup(Protocol):
    """Lookup of uids and logon sessions that are foreign: of a container or another root directory."""

    def is_foreign_session(self, process: Process, owner: Owner) -> bool:
        """Return whether the logon session of a process is foreign."""
        ...

    def is_foreign_uid(self, process: Process, owner: Owner, uid: int | None) -> bool:
        """Return whether a uid of a process does not belong to this host."""
        ...


class ForeignByProcess:
    """Decides what is foreign by the facts of one process alone; what may be foreign counts as foreign."""

    def __init__(self, ownership: Ownership) -> None:
        self._ownership, self._machine = ownership, Machine("")

    def is_foreign_session(self, process: Process, owner: Owner) -> bool:
        """Return whether the logon session of a process may be foreign."""
        return self._ownership.may_be_foreign(process, owner, self._machine)

    def is_foreign_uid(self, process: Process, owner: Owner, uid: int | None) -> bool:
        """Return whether a uid of a process does not belong to this host, or may not."""
        return self._ownership.is_foreign_uid(process, uid, self._machine) or self.is_foreign_session(process, owner)


class Visibility:
    """The logon sessions, processes and facts that one caller may see, under one set of ownership rules."""

    def __init__(self, caller: Caller, ownership: Ownership, foreign: ForeignLookup | None = None) -> None:
        """Create the visibility of a caller.

        Args:
            caller: the caller.
            ownership: the ownership rules of the host.
            foreign: the lookup; None: decide from the facts of one process alone.

        Raises:
            AccessDeniedError: the caller is not authenticated.
        """
        admit(caller)
        self.may_see_everything = caller.administrator
        self.uid = caller.uid
        self._ownership = ownership
        self._foreign = foreign or ForeignByProcess(ownership)

    def __repr__(self) -> str:
        return f"<Visibility of {'everything' if self.may_see_everything else f'uid {self.uid}'}>"

    def with_access_facts(self, facts: Facts) -> Facts:
        """Return the facts plus those that decide how much of them the caller may see."""
        if self.may_see_everything:
            return facts
        return facts | self._ownership.access_facts | ({"comm"} if "name" in facts else set())

    def login_uids(self, uids: frozenset[int] | None) -> frozenset[int] | None:
        """Reduce login uids to those whose logon sessions the caller may see; None: any uid."""
        if self.may_see_everything or self.uid is None:
            return uids
        callers_uid = frozenset({self.uid})
        return callers_uid if uids is None else callers_uid & uids

    def shows_all(self, facts: Facts, *, include_hidden: bool) -> bool:
        """Return whether the caller sees these facts of every process unmasked, whatever its owner is."""
        return self.may_see_everything or (include_hidden and facts <= UNMASKED_FACTS)

    def sees_session(self, process: Process, owner: Owner) -> bool:
        """Return whether the caller may see the logon session that owns this process."""
        if self.may_see_everything:
            return True
        if self.uid is None or self._ownership.login_uid(owner, (process,)) != self.uid:
            return False
        return not self._foreign.is_foreign_session(process, owner)

    def owns_in_system_session(self, process: Process, owner: Owner) -> bool:
        """Return whether a process is wholly the caller's and belongs to the System session, which has no user."""
        is_system = owner.logon_id == self._ownership.system_owner.logon_id
        return is_system and self.uid is not None and self.runs_as_caller(process, owner, wholly=True)

    def sees_login(self, login: Login) -> bool:
        """Return whether the caller may see a login record."""
        return self.may_see_everything or (self.uid is not None and login.uid_here == self.uid)

    def account(self, account: Account) -> Account:
        """Return an account as the caller may see it: the state of its password is for administrators."""
        hidden: dict[str, Any] = dict.fromkeys(PASSWORD_FACTS)
        return account if self.may_see_everything else account._replace(**hidden)

    def masked_machine(self, machine: Machine) -> Machine:
        """Return the machine as the caller may see it: as in sysfs, only an administrator sees its serial number."""
        if self.may_see_everything or machine.hardware is None:
            return machine
        return machine._replace(hardware=machine.hardware._replace(serial=None))

    def masked_service(self, service: Service) -> Service:
        """Return a service of the system as the caller may see it: only an administrator sees its command line."""
        return service if self.may_see_everything else service._replace(command=None)

    def sees_logon(self, session: LogonSession) -> bool:
        """Return whether the caller may see the logon session of this row."""
        return self.may_see_everything or (self.uid is not None and session.uid == self.uid and not session.is_foreign)

    def view_event(self, event: "Event", *, include_hidden: bool = False, of_instances: bool = False) -> "Event | None":
        """Return an event as the caller may see it; None if the caller may not know that it happened.

        The decision depends on the owner and the uids that the process had at the event. The number of lost events is
        removed, because it counts events of all users. Failed logons are for administrators: the name that was tried
        can be a password.

        Args:
            event: the event.
            include_hidden: return events of processes that the caller may not see, with their identity facts only. A
                change of user in a hidden logon session is not returned.
            of_instances: the event is for a query about instances of a class. In place of a change that makes the
                process visible to the caller, return its start; in place of a change that hides it, return its end.
        """
        if self.may_see_everything:
            return event
        from logonscope.machine import events  # noqa: PLC0415 -- most requests have no events

        if isinstance(event, events.LogonStarted | events.LoggedOut | events.LogonEnded):
            return event if self.sees_logon(event.session) else None
        if isinstance(event, events.EventsLost):
            return event._replace(missed_events=None)
        if isinstance(event, events.LogonFailed):
            # Only administrators may see failed logons (sees_failed_logons). For them, the first lines have returned.
            return None
        if isinstance(event, events.ProcessChanged):
            before = self.view(*event.before, ALL_FACTS, include_hidden=include_hidden)
            after = self.view(*event.after, ALL_FACTS, include_hidden=include_hidden)
            if of_instances and (before is None or after is None):
                return self._as_start_or_end(event, before, after)
            # If only the state after the change is visible, the event has it as the state before, too. In a hidden
            # logon session, there is no event if only facts changed that the caller may not see.
            if after is None or (before == after and after[1] == HIDDEN):
                return None
            return event._replace(before=before or after, after=after)
        # the event is a start, an end, or a change of user
        pair = self.view(event.process, event.owner, ALL_FACTS, include_hidden=include_hidden)
        if pair is None:
            return None
        process, owner = pair
        if isinstance(event, events.UserChanged):
            # There is no event for a hidden logon session: the uid before the change can be that of its login. The
            # command is removed from every event, because it is the command line of another user's process.
            changed = event.change._replace(command=None)
            return None if owner == HIDDEN else event._replace(process=process, owner=owner, change=changed)
        if isinstance(event, events.ProcessEnded) and self._is_identity(process):
            return event._replace(process=process, owner=owner, status=None)
        return event._replace(process=process, owner=owner)

    @staticmethod
    def _as_start_or_end(
        event: "ProcessChanged", before: tuple[Process, Owner] | None, after: tuple[Process, Owner] | None
    ) -> "Event | None":
        from logonscope.machine import events  # noqa: PLC0415 -- most requests have no events

        if after is not None:
            return events.ProcessStarted(event.head, *after, None)
        return None if before is None else events.ProcessEnded(event.head, *before, None)

    @staticmethod
    def _is_identity(process: Process) -> bool:
        """Return whether only the identity facts of a process are shown."""
        return (process.unread or {}).get("uids") == NOT_YOUR_PROCESS

    def sees_account_history(self, uid: int) -> bool:
        """Return whether the caller may see past logins of an account: like present ones, only its own."""
        return self.may_see_everything or uid == self.uid

    def view(
        self, process: Process, owner: Owner, facts: Facts, *, include_hidden: bool = False
    ) -> tuple[Process, Owner] | None:
        """Return a process and its owner, masked for the caller; None where the caller may not see the process.

        Args:
            process: with the facts of ``with_access_facts``.
            owner: the owner of the process.
            facts: the facts that the answer can contain; only these are masked.
            include_hidden: return a process that the caller may not see with its identity facts only.
        """
        if self.may_see_everything:
            return process, owner
        if self.sees_session(process, owner):
            return self.masked(process, facts, owner), owner
        # The process runs as the caller, but its logon session is not the caller's: the process is visible, its logon
        # session is not. Examples, if alice is the caller: bob runs `sudo -u alice`; a service runs as alice.
        if self.runs_as_caller(process, owner, wholly=False):
            return self._without_session_facts(process, facts, owner), HIDDEN
        return (self.identity(process, facts), HIDDEN) if include_hidden else None

    def masked(self, process: Process, facts: Facts, owner: Owner = NOT_REQUESTED) -> Process:
        """Return the process as the caller may see it.

        Its details are removed unless its real, effective and saved uid are the caller's. Its location is removed if it
        names a login that is neither the owner of the process nor the caller's own user manager. For an administrator
        nothing is removed.

        Args:
            process: with the facts of ``with_access_facts``.
            facts: the facts that the answer can contain; only these are masked.
            owner: the owner of the process, if it was determined.
        """
        if self.may_see_everything:
            return process
        # decided before the location is removed, because the location can show that the uids are those of a container
        is_callers = self.runs_as_caller(process, owner, wholly=True)
        if self._ownership.names_other_login(process, owner, self.uid):
            process = self._without_location(process, owner)
            process = process._replace(unread=_reasons(process, [self._ownership.location_fact], NOT_YOUR_SESSION))
        if is_callers:
            return process
        hidden = [fact for fact in DETAIL_FACTS if fact in facts]
        unread = _reasons(process, hidden, NOT_YOUR_PROCESS)
        changes: dict[str, Any] = dict.fromkeys(hidden)
        if process.name is not None:
            # a name longer than comm was completed from the arguments, which are masked
            changes["name"] = process.comm
        return process._replace(unread=unread or None, **changes)

    def runs_as_caller(self, process: Process, owner: Owner, *, wholly: bool) -> bool:
        """Return whether a process runs as the caller. A foreign uid (of a container, say) is never the caller's."""
        if not self._ownership.runs_as(process, self.uid, wholly=wholly):
            return False
        return not self._foreign.is_foreign_uid(process, owner, self.uid)

    def _without_session_facts(self, process: Process, facts: Facts, owner: Owner) -> Process:
        """Mask a process that runs as the caller in another logon session: remove what identifies that session."""
        # Both calls need the location, although the result lacks it: the location shows whether the process is in a
        # container of the caller's own, in which the caller's uid is one of this host.
        masked, uids = self.masked(process, facts, owner), self._without_location(process, owner).uids
        session_facts = self._ownership.session_facts
        unread = _reasons(masked, session_facts, NOT_YOUR_SESSION)
        changes: dict[str, Any] = dict.fromkeys(session_facts)
        return masked._replace(unread=unread, uids=uids, **changes)

    def _without_location(self, process: Process, owner: Owner) -> Process:
        """Remove the location of a process, and its foreign uids.

        Without the location, the foreign uids would look like uids of this host.
        """
        foreign = self._foreign
        uids = process.uids and tuple(
            None if foreign.is_foreign_uid(process, owner, uid) else uid for uid in process.uids
        )
        changes: dict[str, Any] = {self._ownership.location_fact: None, "uids": uids}
        return process._replace(**changes)

    def identity(self, process: Process, facts: Facts) -> Process:
        """Return a process with its identity facts only, as Win32_Process shows a hidden process."""
        hidden = dict.fromkeys(self.with_access_facts(facts).difference(IDENTITY_FACTS), NOT_YOUR_PROCESS)
        name = None if process.name is None else process.comm
        return Process(
            process.pid, comm=process.comm, ppid=process.ppid, start=process.start, name=name, unread=hidden or None
        )


def _reasons(process: Process, hidden: Iterable[str], reason: str) -> dict[str, str]:
    """Return the reasons why facts are None, hidden facts last: their order must not reveal whether they were read."""
    reasons = dict.fromkeys(hidden, reason)
    return {fact: why for fact, why in (process.unread or {}).items() if fact not in reasons} | reasons


def local_caller(name: str, uid: int, capabilities: int) -> Caller:
    """Return a uid of this machine as a caller: an administrator if root, or with CAP_SYS_PTRACE in effect."""
    return Caller(name, uid, administrator=uid == 0 or bool(capabilities >> CAP_SYS_PTRACE & 1))


UNUSED_UID = -1
"""A uid that no process and no login has."""


def past_caller(caller: Caller, name_now: str | None, name_then: str | None) -> Caller:
    """Return a caller for a past moment: unless its uid had the same account name then as now, it owns nothing.

    An administrator is returned unchanged.

    Args:
        caller: the caller.
        name_now: the account name of its uid now.
        name_then: the account name of its uid at that moment.
    """
    if caller.administrator or (name_now is not None and name_now == name_then):
        return caller
    return caller._replace(uid=UNUSED_UID)


def is_same_account(caller: Caller, name_before: str | None, name_now: str | None) -> bool:
    """Return whether the uid of a caller still belongs to the account that it belonged to when a watch began.

    True for an administrator, who sees everything whatever the uid is.
    """
    return caller.administrator or name_now == name_before


def sees_failed_logons(caller: Caller) -> bool:
    """Return whether a caller may see failed logons: the name that was tried can be a password."""
    return caller.administrator


def owns_past_logon(caller: Caller, name_now: str | None, login_uid: int | None, user: str | None) -> bool:
    """Return whether a caller may see a past logon session: the session has the caller's uid and account name."""
    if caller.administrator:
        return True
    return caller.uid is not None and login_uid == caller.uid and name_now is not None and user == name_now


def admit(caller: Caller) -> None:
    """Reject a caller that is not authenticated. It may see nothing, not even which classes exist.

    Raises:
        AccessDeniedError: the caller is not authenticated.
    """
    if not caller.administrator and caller.uid is None:
        raise AccessDeniedError("authentication required", "no anonymous access")


def check_may_act(caller: Caller) -> None:
    """Reject a caller that may only read.

    Raises:
        AccessDeniedError: the caller may only read.
    """
    if caller.read_only:
        raise AccessDeniedError("this request may only read", "leave out --as; a token needs --scope act")


def check_may_push(caller: Caller) -> None:
    """Reject a caller that may not request that events are sent to an address: all but administrators.

    Raises:
        AccessDeniedError: the caller is no administrator, or may only read.
    """
    check_may_act(caller)
    if not caller.administrator:
        raise AccessDeniedError("only administrators may have events sent to an address", "pull them")


def acting_uid(caller: Caller) -> int | None:
    """Return the uid to act as on the caller's behalf, so that the kernel decides; None: with this process's rights.

    Raises:
        AccessDeniedError: the caller is not authenticated.
    """
    admit(caller)
    return None if caller.administrator else caller.uid
