"""Ownership rules of Linux. The first of four rules that matches decides, and its name is the evidence.

1. scope: the cgroup of the process is the cgroup of a login, or below it, and the process has no kernel id, or a kernel
   id that the login itself inherited from an earlier login. The whole path from this host's cgroup root is compared.
   Only root can make the directory that systemd makes for a login, so the path of this directory proves the login
   without a record. A path of elogind ("/41") counts only with a record. A user can make directories named like scopes
   below the user's own delegated tree, and a container has scopes of its own, but these have longer paths.
2. manager: as rule 1, with the cgroup of a user manager, user@UID.service.
3. audit: the kernel audit session id ("kernel id") of the process is set. The kernel sets this id at login, and every
   child inherits it. su, sudo, setsid, tmux, user namespaces and a logout do not change it.
4. none: the System session.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from logonscope.facts import UNSET, HeldSockets, Login, Machine, Process, ServiceName
from logonscope.machine import Facts, Leader, LogonHint, LogonIndex, Owner, Ownership, Selection
from logonscope.ownership import foreign, join, sessions
from logonscope.ownership.services import service_of_cgroup

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.answers.logon_session import LogonSession
    from logonscope.answers.whose import UnseenLogin
    from logonscope.facts import Authentication

SYSTEM = Owner(join.SYSTEM_LOGON_ID, "none")
UNREAD = Owner(None, "unread")
"""Owner of a process whose kernel id and cgroup could not be read (hidepid): unknown, not "no logon session"."""

MAX_KEPT = 1024
"""Maximum number of owners in each cache of an index, by kernel id and by cgroup. A full cache is emptied."""

SYSTEM_WORD = "system"
"""The user's word for the System session."""


class LinuxLogonIndex(LogonIndex):
    """Index of the logins of one moment by kernel ids and cgroups: see LogonIndex."""

    def __init__(self, logins: Iterable[Login], machine: Machine) -> None:
        self._joined = join.join_logins(logins, machine)
        self._kernel_has_ids = machine.audit
        self._ids_needing_cgroup = self._joined.kernel_ids_needing_cgroup
        self._owner_by_kernel_id: dict[int | None, Owner] = {}  # kernel ids that decide without the cgroup
        self._owner_by_cgroup: dict[str, Owner] = {}  # of processes without a kernel id

    def __repr__(self) -> str:
        return f"<LinuxLogonIndex of {len(self.logins)} logins>"

    @property
    def logins(self) -> Mapping[str, Login]:
        return self._joined.by_logon

    @property
    def shared_kernel_ids(self) -> Mapping[int, frozenset[str]]:
        return self._joined.shared

    @property
    def kernel_ids_needing_cgroup(self) -> frozenset[int]:
        """Return the kernel ids that do not decide the owner alone: the cgroup of the process must be read, too."""
        return self._ids_needing_cgroup

    def owner(self, process: Process) -> Owner:
        kernel_id = process.ses
        cached_owner = self._owner_by_kernel_id.get(kernel_id)
        if cached_owner is not None:
            return cached_owner
        cgroup = process.cgroup
        if kernel_id is None and self._kernel_has_ids:
            return UNREAD
        if kernel_id is None or kernel_id == UNSET:
            # cgroup None and nothing in `unread`: the source has no cgroups (an export of another tool)
            if cgroup is None:
                return UNREAD if kernel_id is None or process.unread else SYSTEM
            owner_by_cgroup = self._owner_by_cgroup.get(cgroup)
            if owner_by_cgroup is None:
                if len(self._owner_by_cgroup) >= MAX_KEPT:
                    self._owner_by_cgroup.clear()
                owner_by_cgroup = self._owner_by_cgroup[cgroup] = self._decide_by_cgroup(cgroup)
            return owner_by_cgroup
        logon_id = str(kernel_id)
        # if each process has a kernel id of its own, this runs for every process: Owner(...) would take twice as long
        owner_by_kernel_id = tuple.__new__(Owner, (logon_id, "audit", self._joined.by_logon.get(logon_id)))
        if kernel_id in self._joined.shared:
            return self._decide_shared_kernel_id(kernel_id, cgroup) or owner_by_kernel_id
        if len(self._owner_by_kernel_id) >= MAX_KEPT:
            self._owner_by_kernel_id.clear()
        self._owner_by_kernel_id[kernel_id] = owner_by_kernel_id
        return owner_by_kernel_id

    def logon_id_of_kernel_id(self, kernel_id: int | None) -> str | None:
        return None if kernel_id is None or kernel_id in self._ids_needing_cgroup else str(kernel_id)

    def _decide_by_cgroup(self, cgroup: str) -> Owner:
        """Return the owner of a process without a kernel id, by rules 1, 2 and 4."""
        logon_id, login = self._joined.by_cgroup.get(join.cut_to_login_cgroup(cgroup), (None, None))
        if logon_id is not None and login is not None:
            return Owner(logon_id, "manager" if join.is_manager(login) else "scope", login)
        # no record: the path itself may name a login
        logon_and_evidence = join.logon_without_record(cgroup)
        return SYSTEM if logon_and_evidence is None else Owner(*logon_and_evidence)

    def _decide_shared_kernel_id(self, kernel_id: int, cgroup: str | None) -> Owner | None:
        """Return the owner among the logins that inherited the kernel id (rules 1 and 2); None: rule 3 decides."""
        if cgroup is None:
            return None
        logon_id, login = self._joined.by_cgroup.get(join.cut_to_login_cgroup(cgroup), (None, None))
        if login and logon_id in self._joined.shared[kernel_id]:
            return Owner(logon_id, "manager" if join.is_manager(login) else "scope", login)
        return None

    def missing_login_id(self, process: Process, owner: Owner) -> str | None:
        if owner.login is not None or owner.evidence not in {"scope", "manager"}:
            return None
        return join.named_login_id(process.cgroup or "")

    def hint(self, facts: Facts, selection: Selection, login_uids: frozenset[int] | None) -> LogonHint:
        # a query with the fact cgroup reads it for every process (None), other queries only where it decides the owner
        ids_needing_cgroup = None if "cgroup" in facts else self.kernel_ids_needing_cgroup
        # processes with these kernel ids can have different login uids: a selection by login uid must not drop them
        ids_of_several_uids = frozenset[int]() if login_uids is None else self.kernel_ids_needing_cgroup
        kernel_ids = self._possible_kernel_ids(selection)
        return LogonHint(kernel_ids, ids_needing_cgroup, login_uids, ids_of_several_uids, selection.logon_ids)

    def _possible_kernel_ids(self, selection: Selection) -> frozenset[int] | None:
        """Return the kernel ids that a process of the selection can have; None: any."""
        if selection.logon_ids is None:
            return None
        ids: set[int] = set()
        for logon_id in selection.logon_ids:
            login = self.logins.get(logon_id)
            # a LogonId above all kernel ids is of a login that owns none: the kernel id of its processes can be UNSET
            ids.add(min(int(logon_id), UNSET))
            # the processes of a login carry the kernel id that it owns or inherited, or none
            if login:
                ids |= {UNSET, join.joined_kernel_id(login) or UNSET}
        return frozenset(ids)

    def is_insufficient_hint(self, hint: LogonHint) -> bool:
        if hint.login_uids is not None and not self.kernel_ids_needing_cgroup <= hint.kernel_ids_of_any_uid:
            return True
        return (
            hint.kernel_ids_needing_cgroup is not None
            and not self.kernel_ids_needing_cgroup <= hint.kernel_ids_needing_cgroup
        )


class LinuxOwnership(Ownership):
    """Ownership rules of Linux: see Ownership."""

    owner_facts: Facts = frozenset({"ses", "cgroup"})
    description_facts: Facts = frozenset({
        "ses", "loginuid", "cgroup", "comm", "ppid", "tty_nr", "start", "uids", "pid_namespaces",
    })  # fmt: skip
    access_facts: Facts = frozenset({"ses", "loginuid", "cgroup", "uids", "pid_namespaces"})
    root_fact = "host_root"
    location_fact = "cgroup"
    session_facts = ("ses", "loginuid", "cgroup")
    kernel_id_noun = "kernel id"
    system_owner = SYSTEM
    service_facts: Facts = frozenset({"cgroup"})

    def __init__(self) -> None:
        self._last_index: tuple[tuple[Login, ...], Machine, LinuxLogonIndex] | None = None

    def __repr__(self) -> str:
        return "<LinuxOwnership>"

    def index(self, logins: Iterable[Login], machine: Machine) -> LinuxLogonIndex:
        # a live source returns the same tuple until a login changes: the last index is kept, because joins are slow
        if self._last_index is not None:
            last_logins, last_machine, last_index = self._last_index
            if last_logins is logins and last_machine == machine:
                return last_index
        index = LinuxLogonIndex(logins, machine)
        if isinstance(logins, tuple):
            self._last_index = logins, machine, index
        return index

    def possible_login_ids(self, processes: Iterable[Process]) -> frozenset[str] | None:
        ids: set[str] = set()
        for process in processes:
            login_id, kernel_id = _named_logins(process)
            # logind uses the kernel id of a login as its login id
            ids.update(str(possible_id) for possible_id in (login_id, kernel_id) if possible_id)
            # a path of elogind counts only with a record (rule 1), so any record may be needed
            if not (login_id or kernel_id) and join.named_elogind_login_id(process.cgroup or ""):
                return None
        return frozenset(ids)

    def records_decide_owners(self, processes: Iterable[Process], logins: Iterable[Login]) -> bool:
        logins = list(logins)
        # a manager may have a session record that was not read and decides its LogonId
        if any(map(join.is_manager, logins)):
            return False
        logins_with_ids = [(login, join.joined_kernel_id(login)) for login in logins]
        held_ids = {
            kernel_id for login, kernel_id in logins_with_ids if login.id == str(kernel_id) and not login.inherited
        }
        # A kernel id outside of held_ids may be owned by a login whose record was not read. The cgroup of a login
        # decides without such records in three cases: the login has no kernel id; its kernel id is in held_ids; or it
        # inherited its kernel id, so that it does not own it.
        certain_cgroups = {
            join.login_cgroup(login)
            for login, kernel_id in logins_with_ids
            if kernel_id is None or kernel_id in held_ids or login.inherited
        }
        named_logins = ((process, *_named_logins(process)) for process in processes)
        return all(
            kernel_id in held_ids
            if kernel_id
            else not login_id or join.cut_to_login_cgroup(process.cgroup or "") in certain_cgroups
            for process, login_id, kernel_id in named_logins
        )

    def has_record(self, owner: Owner) -> bool:
        return owner == SYSTEM or sessions.recorded_login(owner) is not None

    def has_login_uid(self, process: Process, owner: Owner) -> bool:
        return owner.login is not None or owner.evidence != "audit" or process.loginuid not in {None, UNSET}

    login_uid = staticmethod(sessions.login_uid)
    is_logged_out = staticmethod(sessions.is_logged_out)
    join_evidence = staticmethod(sessions.join_evidence)
    logon_id_generation = staticmethod(sessions.logon_id_generation)
    describe = staticmethod(sessions.logon_session)
    network_leader = staticmethod(sessions.network_leader)
    is_login_program = staticmethod(sessions.is_login_program)
    first_process = staticmethod(sessions.earliest_process)
    container = staticmethod(foreign.container)
    is_foreign_uid = staticmethod(foreign.is_uid_of_container)
    may_be_foreign = staticmethod(foreign.may_be_foreign)
    needs_root_directory = staticmethod(foreign.needs_root_directory)
    logon_container = staticmethod(foreign.logon_container)

    def with_origin(self, session: "LogonSession", leader: Leader, held_sockets: HeldSockets | None) -> "LogonSession":
        from logonscope.ownership.origin import with_origin  # noqa: PLC0415 -- seldom needed

        return with_origin(session, leader, held_sockets)

    def with_authentication(
        self, session: "LogonSession", leader: Leader, lines: "Iterable[Authentication]"
    ) -> "LogonSession":
        from logonscope.ownership.authentication import with_authentication  # noqa: PLC0415 -- seldom needed

        return with_authentication(session, leader, lines)

    def strongest_owner(self, owners: Iterable[Owner]) -> Owner:
        # Among owners that name the same logon session, only one with the evidence "audit" has the login uid that the
        # kernel keeps (see sessions.login_uid). This owner is preferred, although rule 1 comes before rule 3.
        return max(owners, key=_has_kernel_login_uid)

    def parse_logon_id(self, word: str) -> str | None:
        return SYSTEM.logon_id if word.lower() == SYSTEM_WORD else join.parse_logon_id(word)

    def runs_as(self, process: Process, uid: int | None, *, wholly: bool) -> bool:
        if process.uids is None:
            return False
        return set(process.uids[:3]) == {uid} if wholly else uid in process.uids[:2]

    def names_other_login(self, process: Process, owner: Owner, uid: int | None) -> bool:
        cgroup = process.cgroup or ""
        login_id = join.named_login_id(cgroup) or join.named_elogind_login_id(cgroup)
        if login_id is None:
            return False
        harmless_ids = {owner.login and owner.login.id, f"user@{uid}.service"}
        return login_id not in harmless_ids and owner.logon_id not in {
            login_id,
            join.parse_logon_id(login_id) or login_id,
        }

    def service_of(self, process: Process) -> ServiceName | None:
        return None if process.cgroup is None else service_of_cgroup(process.cgroup)

    def unseen_logins(
        self,
        owner: Owner,
        chain: Sequence[Process],
        machine: Machine,
        read_service_command: Callable[[], str | None] | None = None,
    ) -> "tuple[UnseenLogin, ...]":
        from logonscope.ownership.unseen_logins import find_unseen_logins  # noqa: PLC0415 -- only whose needs it

        leader = None if owner.login is None else owner.login.leader
        login_uid = self.login_uid(owner, chain)
        return find_unseen_logins(
            chain, owner.logon_id, login_uid, machine, leader=leader, read_service_command=read_service_command
        )

    def checks(self, machine: Machine) -> Iterator["Check"]:
        from logonscope.answers.check import Check  # noqa: PLC0415 -- only doctor needs it

        if machine.audit:
            yield Check("kernel ids", True, "the kernel keeps an audit session id for every process", "")
        else:
            yield Check(
                "kernel ids", False, "this kernel has no audit session ids: logins are distinguished by cgroup only",
                "use a kernel built with CONFIG_AUDIT",
            )  # fmt: skip

    def session_number(self, process: Process, owner: Owner) -> int | None:
        if owner.logon_id == SYSTEM.logon_id:
            return 0
        if owner.logon_id is None or process.ses is None or process.ses == UNSET:
            return None
        return process.ses


def _has_kernel_login_uid(owner: Owner) -> bool:
    return owner.evidence == "audit"


def _named_logins(process: Process) -> tuple[str | None, int | None]:
    """Return the login id that the cgroup of a process names, and the kernel id of the process."""
    cgroup, kernel_id = process.cgroup or "", None if process.ses == UNSET else process.ses
    return join.named_login_id(cgroup), kernel_id


LINUX = LinuxOwnership()
