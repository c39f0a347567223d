"""Tests of broker/learning_index.py: pairs without a Process each agree with owners, also while logins appear."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.broker import Request
from logonscope.broker.learning_index import MAX_DECIDED
from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Look, MembershipGroup, ProcessQuery
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.linux.source import LinuxSource
from tests import example
from tests.broker.crowds import ALICE, Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, session_scope, user

SCOPE = "/user.slice/user-1000.slice/session-c7.scope"
LOGIN = Login("c7", 1000, leader=70, user="alice", scope="session-c7.scope", scope_inode=7, gone=False)


def owned_pairs(request: Request) -> list[tuple[int, str]]:
    """Return pid and LogonId of each process by the reading that makes a Process of each."""
    owned = request.read(ProcessQuery()).pairs
    return [(process.pid, owner.logon_id) for process, owner in owned if owner.logon_id is not None]


@given(crowds())
@settings(max_examples=100)
def test_pairs_are_those_of_the_owners(crowd: Crowd) -> None:
    for caller in (ROOT, user(1000), user(1001)):
        request = Memory(crowd.snapshot).request(caller)
        assert list(request.pid_pairs()) == owned_pairs(request)


@given(crowds(), st.data())
@settings(max_examples=100)
def test_groups_of_some_logon_sessions_are_their_pairs(crowd: Crowd, data: st.DataObject) -> None:
    known = sorted({owner.logon_id for owner in crowd.owner.values() if owner.logon_id is not None})
    logon_ids = frozenset(data.draw(st.sets(st.sampled_from([*known, "7"]))))
    for caller in (ROOT, user(1000), user(ALICE)):
        request = Memory(crowd.snapshot).request(caller)
        groups = request.logon_groups(logon_ids)
        expected = {(pid, logon_id) for pid, logon_id in owned_pairs(request) if logon_id in logon_ids}
        assert {(pid, logon_id) for logon_id, pids in groups for pid in pids} == expected


def test_pairs_of_the_example_are_those_of_the_owners() -> None:
    request = Memory(example.snapshot()).request(ROOT)
    assert list(request.pid_pairs()) == owned_pairs(request)


class Growing(Memory):
    """A host on which a login gets its record after the first reading of the records."""

    def __init__(self, *processes: Process) -> None:
        super().__init__(Snapshot(Machine("web1", None, 1_700_000_000, audit=True), processes, (), (), (), (), []))
        self.requested_ids: list[frozenset[str] | None] = []

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        del look
        self.requested_ids.append(ids)
        return (LOGIN,) if ids else ()


def test_the_record_of_a_login_that_appears_is_read_once() -> None:
    processes = [Process(pid, ses=UNSET, cgroup=SCOPE) for pid in (70, 71, 72)]
    host = Growing(Process(1, ses=UNSET, cgroup="/init.scope"), *processes, Process(9, ses=5, cgroup="/"))
    request = host.request(ROOT)
    scope_id = str((1 << 32) + 7)
    assert list(request.pid_pairs()) == [(1, str(UNSET)), (70, scope_id), (71, scope_id), (72, scope_id), (9, "5")]
    assert host.requested_ids == [None, frozenset({"c7"})]


class Numerous(Memory):
    """A host with more cgroups than a reading keeps."""

    def membership_groups(self, look: Look, query: ProcessQuery) -> Iterator[MembershipGroup]:
        del look, query
        return ((UNSET, f"/system.slice/{pid}.service", (pid,)) for pid in range(1, 3 * MAX_DECIDED))


def test_what_is_kept_is_bounded_and_changes_nothing() -> None:
    pairs = list(Numerous(example.snapshot()).request(ROOT).pid_pairs())
    assert pairs == [(pid, str(UNSET)) for pid in range(1, 3 * MAX_DECIDED)]


@pytest.mark.parametrize("audit", [True, False])
def test_pairs_of_a_folder_are_those_of_the_owners(host: HostFolder, audit: bool) -> None:
    host.process(10, "sh", ses=41, loginuid=1000, cgroup=session_scope(1000, "41"))
    host.process(11, "sh", cgroup=session_scope(1000, "c3"))
    host.process(12, "sh", cgroup="/user.slice/user-1000.slice/user@1000.service/app.slice")
    for pid in (10, 11, 12, 1):
        if not audit:
            (host.root / f"proc/{pid}/sessionid").unlink()
    host.spoil(12, "cgroup")
    request = Request(LinuxSource(str(host.root)), LINUX, ROOT)
    assert sorted(request.pid_pairs()) == sorted(owned_pairs(request))
