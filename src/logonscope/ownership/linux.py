"""Linux's rules: which logon session owns a process. The first of four rules that matches, and which one it was.

1. scope: its cgroup is exactly the place of a login, and it has no kernel id, or the one that the login shares without
   owning it. Only root can make that directory, so no record is needed; a user can make directories named like scopes
   below its own delegated tree, and a container has scopes of its own: hence "exactly, from this host's cgroup root".
2. audit: its kernel audit session id is set. Given at login, inherited by every child, kept by su, sudo, setsid,
   tmux, user namespaces and logout.
3. manager: it has no kernel id and lies below user@UID.service.
4. none: the System session.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Facts, LogonHint, LogonIndex, Owner, Ownership, Selection
from logonscope.ownership import join, sessions

if TYPE_CHECKING:
    from logonscope.answers.check import Check

SYSTEM = Owner(join.SYSTEM_LOGON_ID, "none")
UNREAD = Owner(None, "unread")
"""Neither its kernel id nor its cgroup could be read (hidepid): unknown, which is not "no logon session"."""

SYSTEM_WORD = "system"
"""The word for the logon session of everything that no login started, as lists show it."""


class LinuxLogonIndex(LogonIndex):
    """The logins of one moment, joined with kernel audit session ids: see LogonIndex."""

    def __init__(self, logins: Iterable[Login], machine: Machine) -> None:
        self._joined = join.join(logins, machine)
        self._has_ids = machine.audit
        self._by_key: dict[int | None, Owner] = {}  # of kernel ids that decide alone
        self._by_place: dict[str, Owner] = {}  # of processes without a kernel id

    def __repr__(self) -> str:
        return f"<LinuxLogonIndex of {len(self.logins)} logins>"

    @property
    def logins(self) -> Mapping[str, Login]:
        return self._joined.by_logon

    @property
    def shared(self) -> Mapping[int, frozenset[str]]:
        return self._joined.shared

    @property
    def place_of(self) -> frozenset[int]:
        """Return the kernel ids whose processes need their cgroup read too."""
        return self._joined.cgroup_of

    def owner(self, process: Process) -> Owner:
        ses = process.ses
        known = self._by_key.get(ses)
        if known is not None:
            return known
        cgroup = process.cgroup
        if ses is None and self._has_ids:
            return UNREAD
        if ses is None or ses == UNSET:
            if cgroup is None:
                return UNREAD if ses is None or process.unread else SYSTEM
            placed = self._by_place.get(cgroup)
            if placed is None:
                placed = self._by_place[cgroup] = self._placed(cgroup)
            return placed
        logon = str(ses)
        # where each process has a kernel id of its own this runs for every one: Owner(...) would take twice as long
        audit = tuple.__new__(Owner, (logon, "audit", self._joined.by_logon.get(logon)))
        if ses in self._joined.shared:
            return self._sharer(ses, cgroup) or audit
        self._by_key[ses] = audit
        return audit

    def _placed(self, cgroup: str) -> Owner:
        """Decide by the cgroup alone: rules 1, 3 and 4 for a process without a kernel id."""
        logon, login = self._joined.by_place.get(join.place_of_cgroup(cgroup), (None, None))
        if logon is not None and login is not None:
            return Owner(logon, "manager" if join.is_manager(login) else "scope", login)
        decided = join.logon_of_cgroup(cgroup)
        return SYSTEM if decided is None else Owner(*decided)

    def _sharer(self, ses: int, cgroup: str | None) -> Owner | None:
        """Decide between the logins that share one kernel id: rule 1 for those that do not own it."""
        if cgroup is None:
            return None
        logon, login = self._joined.by_place.get(join.place_of_cgroup(cgroup), (None, None))
        if login and logon in self._joined.shared[ses]:
            return Owner(logon, "manager" if join.is_manager(login) else "scope", login)
        return None

    def unknown_login(self, process: Process, owner: Owner) -> str | None:
        if owner.login is not None or owner.evidence not in {"scope", "manager"}:
            return None
        return join.login_of_cgroup(process.cgroup or "")

    def hint(self, facts: Facts, selection: Selection, login_uids: frozenset[int] | None) -> LogonHint:
        place_of = None if "cgroup" in facts else self.place_of
        unsaid = frozenset[int]() if login_uids is None else self.place_of
        return LogonHint(self._keys(selection), place_of, login_uids, unsaid)

    def _keys(self, selection: Selection) -> frozenset[int] | None:
        """Return the kernel ids that a process of the selection can have; None: any."""
        if selection.logon_ids is None:
            return None
        ids: set[int] = set()
        for logon_id in selection.logon_ids:
            login = self.logins.get(logon_id)
            ids.add(min(int(logon_id), UNSET))
            if login:
                ids |= {UNSET, join.kernel_id(login) or UNSET}
        return frozenset(ids)

    def needs_more_than(self, hint: LogonHint) -> bool:
        if hint.login_uids is not None and not self.place_of <= hint.unsaid:
            return True
        return hint.place_of is not None and not self.place_of <= hint.place_of


class LinuxOwnership(Ownership):
    """The rules of Linux: see Ownership."""

    facts: Facts = frozenset({"ses", "cgroup"})
    describing: Facts = frozenset({"ses", "loginuid", "cgroup", "comm", "ppid", "tty_nr", "start", "uids"})
    deciding_access: Facts = frozenset({"ses", "loginuid", "uids"})
    place = "cgroup"
    placing = ("ses", "loginuid", "cgroup")
    key_noun = "kernel id"
    system = SYSTEM

    def __repr__(self) -> str:
        return "<LinuxOwnership>"

    def index(self, logins: Iterable[Login], machine: Machine) -> LinuxLogonIndex:
        return LinuxLogonIndex(logins, machine)

    def speakers(self, processes: Iterable[Process]) -> frozenset[str] | None:
        ids: set[str] = set()
        for process in processes:
            placed, key = _named_logins(process)
            ids.update(str(word) for word in (placed, key) if word)
            if not (placed or key) and join.login_of_elogind(process.cgroup or ""):
                return None
        return frozenset(ids)

    def is_decided(self, processes: Iterable[Process], logins: Iterable[Login]) -> bool:
        logins = list(logins)
        if any(map(join.is_manager, logins)):  # a manager may have a session's record besides
            return False
        keyed = [(login, join.kernel_id(login)) for login in logins]
        owners = {key for login, key in keyed if login.id == str(key) and not login.inherited}
        # one that neither owns its kernel id for sure nor inherited it for sure has a LogonId that depends on others
        places = {join.place(login) for login, key in keyed if key is None or key in owners or login.inherited}
        named = ((process, *_named_logins(process)) for process in processes)
        return all(
            key in owners if key else not placed or join.place_of_cgroup(process.cgroup or "") in places
            for process, placed, key in named
        )

    def is_recorded(self, owner: Owner) -> bool:
        return owner == SYSTEM or sessions.recorded_login(owner) is not None

    def says_login_uid(self, process: Process, owner: Owner) -> bool:
        return owner.login is not None or owner.evidence != "audit" or process.loginuid not in {None, UNSET}

    login_uid = staticmethod(sessions.login_uid)
    is_logged_out = staticmethod(sessions.is_logged_out)
    join_evidence = staticmethod(sessions.join_evidence)
    generation = staticmethod(sessions.generation)
    describe = staticmethod(sessions.logon_session)
    is_login_program = staticmethod(sessions.is_login_program)

    def strongest(self, owners: Iterable[Owner]) -> Owner:
        return min(owners, key=lambda owner: owner.evidence != "audit")

    def logon_id(self, word: str) -> str | None:
        return SYSTEM.logon if word.lower() == SYSTEM_WORD else join.logon_id_of(word)

    def runs_as(self, process: Process, uid: int | None, *, wholly: bool) -> bool:
        if process.uids is None:
            return False
        return set(process.uids[:3]) == {uid} if wholly else uid in process.uids[:2]

    def names_other(self, process: Process, owner: Owner, uid: int | None) -> bool:
        cgroup = process.cgroup or ""
        named = join.login_of_cgroup(cgroup) or join.login_of_elogind(cgroup)
        if named is None:
            return False
        own = {owner.login and owner.login.id, f"user@{uid}.service"}
        return named not in own and owner.logon not in {named, join.logon_id_of(named) or named}

    def checks(self, machine: Machine) -> Iterator["Check"]:
        from logonscope.answers.check import Check  # noqa: PLC0415 -- doctor alone asks

        if machine.audit:
            yield Check("kernel ids", True, "the kernel keeps an audit session id for every process", "")
        else:
            yield Check(
                "kernel ids", False, "this kernel keeps no audit session ids: logins are told apart by cgroup alone",
                "use a kernel built with CONFIG_AUDIT",
            )  # fmt: skip

    def session_number(self, process: Process, owner: Owner) -> int | None:
        if owner.logon == SYSTEM.logon:
            return 0
        if owner.logon is None or process.ses is None or process.ses == UNSET:
            return None
        return process.ses


def _named_logins(process: Process) -> tuple[str | None, int | None]:
    """Return the login that a process's place names, and its kernel id."""
    cgroup, key = process.cgroup or "", None if process.ses == UNSET else process.ses
    return join.login_of_cgroup(cgroup), key


LINUX = LinuxOwnership()
