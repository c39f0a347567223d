"""Members of remembered logins: by the index and by /proc the same, and by /proc without reading all processes."""

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet

import pytest

from logonscope.facts import UNSET, Login
from logonscope.machine import Membership
from logonscope.sources.live.entries import ProcessReader, ReadFacts
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.members import IndexedMembers, ScannedMembers

SCOPE = "/user.slice/user-1000.slice/session-c4.scope"
BY_ID = Login("7", 1000, since=1, remembered=7, scope="session-7.scope")
BY_SCOPE = Login("c4", 1000, since=2, scope="session-c4.scope")
BY_ELOGIND = Login("c4", 1000, since=2, service_name="elogind")


class Machine(ProcessReader):
    """Processes, and how often all of them were read."""

    def __init__(self, facts: dict[int, ReadFacts]) -> None:
        self.facts, self.scans = facts, 0

    def memberships(self) -> Iterator[Membership]:
        """Read all processes."""
        self.scans += 1
        return iter([(pid, facts.ses, facts.cgroup) for pid, facts in self.facts.items()])

    def read(self, pid: int) -> ReadFacts | None:
        """Read one process."""
        return self.facts.get(pid)

    def read_thread(self, thread: int) -> None:
        """No thread writes here."""

    def existing(self, pids: Collection[int]) -> AbstractSet[int]:
        """Return those of the processes that there are."""
        return self.facts.keys() & pids

    def members(self, cgroup: str) -> list[int]:
        """Return the processes in a cgroup."""
        return [pid for pid, facts in self.facts.items() if facts.cgroup == cgroup]

    def pids(self) -> list[int]:
        """Return all processes."""
        return list(self.facts)


def process(ses: int, cgroup: str, start: int = 5) -> ReadFacts:
    return ReadFacts(start, 1, ses, 0, cgroup)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (process(7, "/system.slice/a.service"), (True, False)),
        (process(8, f"/user.slice/user-1000.slice/{BY_ID.scope}"), (False, False)),
        (process(UNSET, SCOPE), (False, True)),
        (process(UNSET, f"{SCOPE}/below"), (False, True)),
        (process(UNSET, f"{SCOPE}s"), (False, False)),
        (process(8, SCOPE), (False, False)),
    ],
)
def test_a_member_has_the_kernel_id_or_none_and_the_scope(facts: ReadFacts, expected: tuple[bool, bool]) -> None:
    machine = Machine({1: process(UNSET, "/init.scope", 1), 50: facts})
    index = LiveIndex(machine, lambda cgroup: cgroup.endswith(".scope"))
    index.rescan()
    for members in (IndexedMembers(index), ScannedMembers(machine.memberships, machine.read)):
        assert (members.has_members(BY_ID), members.has_members(BY_SCOPE)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (process(UNSET, "/c4"), True),
        (process(UNSET, "/c4/below"), True),
        (process(UNSET, "/c41"), False),
        (process(UNSET, SCOPE), False),
        (process(8, "/c4"), False),
    ],
)
def test_a_login_of_elogind_has_a_cgroup_of_its_own(facts: ReadFacts, expected: bool) -> None:
    machine = Machine({1: process(UNSET, "/init.scope", 1), 50: facts})
    index = LiveIndex(machine, lambda _: True)
    index.rescan()
    for members in (IndexedMembers(index), ScannedMembers(machine.memberships, machine.read)):
        assert members.has_members(BY_ELOGIND) == expected


def test_all_processes_are_read_only_if_the_known_members_have_ended() -> None:
    machine = Machine({50: process(7, "/a"), 51: process(7, "/a", 6), 60: process(UNSET, "/b")})
    members = ScannedMembers(machine.memberships, machine.read)
    for _ in range(3):
        members.begin()
        assert members.has_members(BY_ID)
    assert machine.scans == 1
    machine.facts[50] = process(7, "/a", 99)  # its pid has come back
    members.begin()
    assert members.has_members(BY_ID)
    assert machine.scans == 1
    del machine.facts[51]
    members.begin()
    assert members.has_members(BY_ID)
    assert machine.scans == 2
    del machine.facts[50]
    members.begin()
    assert not members.has_members(BY_ID)
    members.begin()
    assert not members.has_members(BY_ID)
    assert machine.scans == 4
