"""Members of remembered logins: whether a login without a record has processes, by the index or by /proc."""

from collections.abc import Callable, Iterable

from logonscope.facts import UNSET, Login
from logonscope.machine import Membership
from logonscope.sources.live.entries import ReadFacts, Reading
from logonscope.sources.live.index import LiveIndex

MAX_WITNESSES = 16
"""Maximum number of witnesses of a login: while a witness is a member, no other process is read."""

_Witness = tuple[int, int]
"""Pid and start of a process that was a member of a login."""


class LoginMembers:
    """The processes of a login: those with its kernel id; and those in its cgroup, if they have no kernel id."""

    def __init__(self, login: Login) -> None:
        # ``remembered`` is the kernel id that an earlier reading found for the login
        self.kernel_id = login.remembered if login.remembered != UNSET else None
        self._login_cgroup: str | None = None  # with a slash at its end; None: the login has no cgroup of its own
        if login.scope:
            self._login_cgroup = f"/user.slice/user-{login.uid}.slice/{login.scope}/"
        elif login.service_name == "elogind":
            self._login_cgroup = f"/{login.id}/"

    def __repr__(self) -> str:
        return f"<LoginMembers {self.kernel_id} {self._login_cgroup}>"

    def contains(self, kernel_id: int | None, cgroup: str | None) -> bool:
        """Return whether a process with this kernel id and cgroup belongs to the login."""
        if kernel_id != UNSET:
            return kernel_id is not None and kernel_id == self.kernel_id
        return self.has_cgroup(cgroup)

    def has_cgroup(self, cgroup: str | None) -> bool:
        """Return whether a cgroup is that of the login, or below it."""
        return self._login_cgroup is not None and f"{cgroup}/".startswith(self._login_cgroup)


class IndexedMembers:
    """Members of logins, as the index shows them at one moment."""

    def __init__(self, index: LiveIndex) -> None:
        self._index = index
        self._cgroups: frozenset[str | None] | None = None  # of the processes without a kernel id; None: not listed yet

    def __repr__(self) -> str:
        return f"<IndexedMembers of {self._index!r}>"

    def has_members(self, login: Login) -> bool:
        """Return whether the login has a process."""
        members, index = LoginMembers(login), self._index
        if members.kernel_id is not None and index.places.of_kernel_id(members.kernel_id):
            return True
        if self._cgroups is None:
            self._cgroups = frozenset(place.cgroup for place in index.places.of_kernel_id(UNSET))
        return any(map(members.has_cgroup, self._cgroups))


class ScannedMembers:
    """Members of logins, as /proc shows them.

    All processes are read only if none of the processes remembered as witnesses is a member any more.
    """

    def __init__(
        self, read_memberships: Callable[[], Iterable[Membership]], read_facts: Callable[[int], Reading]
    ) -> None:
        """Prepare the reading.

        Args:
            read_memberships: reads all processes.
            read_facts: reads one process.
        """
        self._read_memberships, self._read_facts = read_memberships, read_facts
        self._witnesses: dict[tuple[str, int, int | None], list[_Witness]] = {}
        self._scanned_memberships: list[Membership] | None = None

    def __repr__(self) -> str:
        return f"<ScannedMembers of {len(self._witnesses)} logins>"

    def begin(self) -> None:
        """Begin a new reading of the logins: forget the processes that were read, because some may have ended since."""
        self._scanned_memberships = None

    def has_members(self, login: Login) -> bool:
        """Return whether the login has a process."""
        key, members = (login.id, login.uid, login.since), LoginMembers(login)
        for pid, start in self._witnesses.get(key, ()):
            facts = self._read_facts(pid)
            if isinstance(facts, ReadFacts) and facts.start == start and members.contains(facts.ses, facts.cgroup):
                return True
        if self._scanned_memberships is None:
            self._scanned_memberships = list(self._read_memberships())
        pids = [pid for pid, kernel_id, cgroup in self._scanned_memberships if members.contains(kernel_id, cgroup)]
        readings = ((pid, self._read_facts(pid)) for pid in pids[:MAX_WITNESSES])
        witnesses = [(pid, facts.start) for pid, facts in readings if isinstance(facts, ReadFacts)]
        if witnesses:
            self._witnesses[key] = witnesses
        else:
            self._witnesses.pop(key, None)
        return bool(pids)
