"""A second Ownership, modelled on Windows: every process has a token, which names its logon session by LUID.

Of a Process, ``ses`` is the LUID of its token (AuthenticationId) and ``uids`` the token's user, as a number. Of a
Login, ``id`` is the LUID, ``uid`` the user, ``cls`` the LogonType in words, ``service`` the authentication package and
``vt`` the number of the session. There is no cgroup, no login uid of a process and no parent's terminal: what is above
machine.Ownership must not miss them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from logonscope.answers.check import Check
from logonscope.answers.logon_session import LOGON_TYPES, LogonSession
from logonscope.answers.whose import UnseenLogin
from logonscope.facts import Account, Authentication, HeldSockets, Login, Machine, Process
from logonscope.machine import (
    NO_FACTS,
    Facts,
    Leader,
    LogonContainer,
    LogonHint,
    LogonIndex,
    Owner,
    Ownership,
    Selection,
    boot_time,
    local_datetime,
)
from logonscope.machine.snapshot import Snapshot

SYSTEM_LUID = 0x3E7
"""The LUID of LocalSystem (SYSTEM_LUID of ntifs.h)."""

SYSTEM = Owner(str(SYSTEM_LUID), "token")
UNREAD = Owner(None, "unread")

_TYPES = {name: number for number, name in LOGON_TYPES.items()}


class WindowsLogonIndex(LogonIndex):
    """Logins by their LUIDs: no LUID is ever shared."""

    def __init__(self, logins: Iterable[Login]) -> None:
        self._logins = {login.id: login for login in logins if login.id != SYSTEM.logon_id}

    @property
    def logins(self) -> Mapping[str, Login]:
        return self._logins

    @property
    def shared_kernel_ids(self) -> Mapping[int, frozenset[str]]:
        return {}

    @property
    def _luids(self) -> frozenset[int]:
        return frozenset({SYSTEM_LUID, *map(int, self._logins)})

    def owner(self, process: Process) -> Owner:
        if process.ses is None:
            return UNREAD
        if process.ses == SYSTEM_LUID:
            return SYSTEM
        return Owner(str(process.ses), "token", self._logins.get(str(process.ses)))

    def logon_id_of_kernel_id(self, kernel_id: int | None) -> str | None:
        return None if kernel_id not in self._luids else str(kernel_id)

    def missing_login_id(self, process: Process, owner: Owner) -> str | None:
        del process
        return None if owner.login or owner.logon_id is None or owner is SYSTEM else owner.logon_id

    def hint(self, facts: Facts, selection: Selection, login_uids: frozenset[int] | None) -> LogonHint:
        """Return the LUIDs of the logins that are wanted; those that are known stand in ``unsaid``."""
        del facts
        keys = None if selection.logon_ids is None else frozenset(map(int, selection.logon_ids))
        if login_uids is None:
            return LogonHint(keys)
        own = frozenset(int(login.id) for login in self._logins.values() if login.uid in login_uids)
        return LogonHint(own if keys is None else own & keys, kernel_ids_of_any_uid=self._luids)

    def is_insufficient_hint(self, hint: LogonHint) -> bool:
        return bool(hint.kernel_ids_of_any_uid) and not self._luids <= hint.kernel_ids_of_any_uid


class WindowsOwnership(Ownership):
    """The rules of Windows: the token decides, and the record of its logon session says the rest."""

    owner_facts: Facts = frozenset({"ses"})
    description_facts: Facts = NO_FACTS
    access_facts: Facts = frozenset({"ses", "uids"})
    location_fact = "ses"
    root_fact = "ses"
    session_facts = ("ses",)
    kernel_id_noun = "LUID"
    system_owner = SYSTEM

    def index(self, logins: Iterable[Login], machine: Machine) -> WindowsLogonIndex:
        del machine
        return WindowsLogonIndex(logins)

    def possible_login_ids(self, processes: Iterable[Process]) -> frozenset[str] | None:
        return frozenset(str(process.ses) for process in processes if process.ses not in {None, SYSTEM_LUID})

    def records_decide_owners(self, processes: Iterable[Process], logins: Iterable[Login]) -> bool:
        del processes, logins
        return True

    def has_login_uid(self, process: Process, owner: Owner) -> bool:
        del process, owner
        return True

    def login_uid(self, owner: Owner, members: Iterable[Process]) -> int | None:
        del members
        return owner.login and owner.login.uid

    def has_record(self, owner: Owner) -> bool:
        return owner == SYSTEM or owner.login is not None

    def is_logged_out(self, owner: Owner, members: Iterable[Process]) -> bool | None:
        del members
        return owner.login and owner.login.gone

    def join_evidence(self, owner: Owner) -> str | None:
        del owner
        return None

    def logon_id_generation(self, owner: Owner) -> int | None:
        del owner
        return None

    def strongest_owner(self, owners: Iterable[Owner]) -> Owner:
        return next(iter(owners))

    def describe(
        self,
        owner: Owner,
        members: Sequence[Process],
        machine: Machine,
        user: str | None,
        *,
        members_are_complete: bool = True,
        terminal_read: bool = True,
    ) -> LogonSession:
        del terminal_read
        login = owner.login
        count = len(members) if members_are_complete else None
        if login is None:
            kind = 0 if owner is SYSTEM else None
            name, start = (LOGON_TYPES[0], boot_time(machine)) if owner is SYSTEM else (None, None)
            return LogonSession(
                owner.logon_id or "", logon_type=kind, logon_type_name=name, start=start, processes=count
            )
        return LogonSession(
            login.id, user=user or login.user, uid=login.uid, logon_type=_TYPES.get(login.cls or ""),
            logon_type_name=login.cls, authentication_package=login.service,
            start=local_datetime(login.since / 1e6) if login.since else None,
            login=login.id, recorded_by=login.service_name,
            processes=count, sources={"logon_type": login.source},
        )  # fmt: skip

    def network_leader(self, owner: Owner, members: Sequence[Process]) -> Leader | None:
        """Return none: the records of Windows have the address already."""
        del owner, members
        return None

    def with_origin(self, session: LogonSession, leader: Leader, held_sockets: HeldSockets | None) -> LogonSession:
        del leader, held_sockets
        return session

    def with_authentication(
        self, session: LogonSession, leader: Leader, lines: Iterable[Authentication]
    ) -> LogonSession:
        del leader, lines
        return session

    def parse_logon_id(self, word: str) -> str | None:
        if word.lower() == "system":
            return SYSTEM.logon_id
        return str(int(word)) if word.isascii() and word.isdecimal() else None

    def runs_as(self, process: Process, uid: int | None, *, wholly: bool) -> bool:
        del wholly  # a token has one user
        return process.uids is not None and process.uids[0] == uid

    def container(self, process: Process, machine: Machine) -> None:
        del process, machine

    def is_foreign_uid(self, process: Process, uid: int | None, machine: Machine) -> bool:
        del process, uid, machine
        return False

    def may_be_foreign(self, process: Process, owner: Owner, machine: Machine) -> bool:
        del process, owner, machine
        return False

    def first_process(self, members: Iterable[Process]) -> Process | None:
        return next(iter(members), None)

    def needs_root_directory(self, process: Process, machine: Machine) -> bool:
        del process, machine
        return False

    def logon_container(self, owner: Owner, first: Process, machine: Machine) -> LogonContainer:
        del owner, first, machine
        return LogonContainer()

    def names_other_login(self, process: Process, owner: Owner, uid: int | None) -> bool:
        del process, owner, uid
        return False

    def is_login_program(self, process: Process) -> bool:
        return process.comm == "winlogon.exe"

    def unseen_logins(
        self,
        owner: Owner,
        chain: Sequence[Process],
        machine: Machine,
        read_service_command: Callable[[], str | None] | None = None,
    ) -> tuple[UnseenLogin, ...]:
        del owner, chain, machine, read_service_command
        return ()

    def checks(self, machine: Machine) -> Iterator[Check]:
        del machine
        return iter(())

    def session_number(self, process: Process, owner: Owner) -> int | None:
        del process
        return 0 if owner is SYSTEM else owner.login and owner.login.vt


WINDOWS = WindowsOwnership()

ALICE, BOB, LOCAL_SERVICE = 1105, 1106, 19
"""Users, by the last part of their SIDs."""

BOOT = 1_767_225_600  # 2026-01-01 00:00:00 UTC
MACHINE = Machine("DC1", None, BOOT, 100, 4096, "10.0.20348", "Windows Server 2022", audit=False, uid_min=1000)


def token(  # noqa: PLR0917 -- a table of processes reads best as columns
    pid: int, ppid: int, name: str, luid: int | None, user: int, arguments: str = ""
) -> Process:
    """Make a process with a token of a logon session and of a user."""
    return Process(
        pid, ses=luid, comm=name, name=name, ppid=ppid, start=pid, state="S", uids=(user,) * 4, gids=(user,) * 4,
        threads=1, cmdline=f"{arguments or name}\0".encode(), exe=f"C:\\Windows\\{name}", fds=1,
        unread={"ses": "Access is denied"} if luid is None else None,
    )  # fmt: skip


def login(  # noqa: PLR0917 -- the same
    luid: int, user: int, name: str, kind: str, number: int | None, package: str = "Kerberos"
) -> Login:
    """Make the record that the LSA keeps of a logon session."""
    return Login(
        str(luid), user, since=(BOOT + 60) * 1_000_000, user=name, cls=kind, service=package, vt=number, state="active",
        source="LsaGetLogonSessionData", service_name="LSA", gone=False,
    )  # fmt: skip


DESKTOP, NETWORK, SERVICE, BOBS = 0x2F1A3, 0x30B77, 0x3E5, 0x41C05

LOGINS = (
    login(SERVICE, LOCAL_SERVICE, "LOCAL SERVICE", "Service", 0, "Negotiate"),
    login(DESKTOP, ALICE, "alice", "RemoteInteractive", 2),
    login(NETWORK, ALICE, "alice", "Network", 0, "NTLM"),
    login(BOBS, BOB, "bob", "Interactive", 1),
)
PROCESSES = (
    token(4, 0, "System", SYSTEM_LUID, 18),
    token(600, 4, "winlogon.exe", SYSTEM_LUID, 18),
    token(700, 600, "svchost.exe", SERVICE, LOCAL_SERVICE),
    token(1000, 600, "explorer.exe", DESKTOP, ALICE),
    token(1010, 1000, "powershell.exe", DESKTOP, ALICE, "powershell.exe -NoProfile"),
    token(1020, 1010, "runas.exe", BOBS, ALICE),  # alice's program in bob's logon session: runas /netonly
    token(1100, 700, "wsmprovhost.exe", NETWORK, ALICE),
    token(2000, 600, "explorer.exe", BOBS, BOB),
    token(3000, 4, "csrss.exe", None, 18),
)
ACCOUNTS = tuple(
    Account(name, uid, uid, "", "C:\\", "") for name, uid in (
        ("SYSTEM", 18), ("LOCAL SERVICE", LOCAL_SERVICE), ("alice", ALICE), ("bob", BOB),
    )
)  # fmt: skip


def snapshot() -> Snapshot:
    """Return one reading of a small domain controller."""
    return Snapshot(MACHINE, PROCESSES, LOGINS, (), ACCOUNTS, (), ())
