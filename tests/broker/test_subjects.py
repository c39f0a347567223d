"""broker/subjects.py: is each subject read as little as its question asks, and all of what the caller may see?"""

from typing import Any

import pytest

from logonscope.broker.subjects import Ask, read
from logonscope.errors import AccessDeniedError
from logonscope.facts import Account, Group
from logonscope.machine import EVERYTHING, NO_PROCESSES, Selection
from logonscope.providers.helpers.provider import OWNER, Provider, Subject
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

SUBJECTS: tuple[Subject, ...] = (
    "process", "logon session", "desktop", "user", "group", "membership", "socket", "machine", "namespace",
)  # fmt: skip


def items(memory: Memory, subject: Subject, ask: Ask, caller: Any = ROOT) -> list[tuple[Any, ...]]:
    found, _ = read(memory.broker(caller), Provider(subject, {}), ask)
    return list(found)


def asking(facts: set[str] = frozenset(), selection: Selection = EVERYTHING, **more: Any) -> Ask:  # type: ignore[assignment]  # an empty set is one
    return Ask(frozenset(facts), selection, **more)


@pytest.fixture
def memory() -> Memory:
    return Memory(example.snapshot())


@pytest.mark.parametrize("subject", SUBJECTS)
def test_nobody_is_read_nothing(memory: Memory, subject: Subject) -> None:
    with pytest.raises(AccessDeniedError):
        items(memory, subject, asking(namespace="root"), user(None))


def test_owners_that_nobody_asks_for_are_not_decided(memory: Memory) -> None:
    assert {owner.evidence for _, owner in items(memory, "process", asking({"comm"}))} == {"unasked"}
    assert not any(needs.logins for needs in memory.asked)
    assert {owner.evidence for _, owner in items(memory, "process", asking({OWNER}))} == {"audit", "scope", "none"}


def test_for_somebody_owners_decide_who_sees_a_process(memory: Memory) -> None:
    seen = items(memory, "process", asking({"comm"}), user(1001))
    assert [process.pid for process, _ in seen] == [3990, 3991]
    everybody = items(memory, "process", asking({"comm", "cmdline"}, others=True), user(1001))
    assert len(everybody) == len(example.PROCESSES)
    stranger = next(process for process, _ in everybody if process.pid == 4312)
    assert (stranger.comm, stranger.cmdline, stranger.uids, stranger.ses) == ("python3", None, None, None)


def test_pids_are_read_by_key(memory: Memory) -> None:
    found = items(memory, "process", asking({OWNER}, Selection(pids=frozenset({4312, 99}))))
    assert [(process.pid, owner.logon) for process, owner in found] == [(4312, "41")]
    assert set(memory.pids_asked) == {4312, 99}


def test_a_logon_session_is_described_from_one_process_where_that_is_all_that_is_asked(memory: Memory) -> None:
    ((session, members),) = items(memory, "logon session", asking(selection=Selection(pids=frozenset({4312}))))
    assert (session.logon_id, session.logon_type, session.processes) == ("41", 10, None)
    assert [process.pid for process, _ in members] == [4312]
    assert set(memory.pids_asked) <= {4312, 4300, 4151, 4150, 4100, 700}


def test_an_account_of_several_groups_is_paired_with_each_once() -> None:
    users = (Account("alice", 1000, 1000, "", "", ""), Account("bob", 1001, 100, "", "", ""))
    groups = (Group("alice", 1000, ("alice",)), Group("users", 100, ("alice", "nobody-here")), Group("empty", 7))
    memory = Memory(example.snapshot()._replace(users=users, groups=groups))
    pairs = [(group.name, account.name) for group, account in items(memory, "membership", asking())]
    assert pairs == [("alice", "alice"), ("users", "alice"), ("users", "bob")]


def test_the_groups_of_one_account_are_looked_up_by_its_name(memory: Memory) -> None:
    found = items(memory, "membership", asking(selection=Selection(users=frozenset({"alice"}))))
    assert sorted((group.name, account.name) for group, account in found) == [("alice", "alice"), ("sudo", "alice")]
    assert not any(needs.all_users or needs.all_groups for needs in memory.asked)


def test_the_members_of_one_group_take_every_account_for_some_have_it_as_their_own(memory: Memory) -> None:
    found = items(memory, "membership", asking(selection=Selection(groups=frozenset({"alice", "sudo"}))))
    assert sorted((group.name, account.name) for group, account in found) == [("alice", "alice"), ("sudo", "alice")]
    assert [(needs.all_users, needs.all_groups) for needs in memory.asked] == [(True, False)]


def test_sockets_come_with_the_processes_that_hold_them(memory: Memory) -> None:
    found = items(memory, "socket", asking({OWNER}, Selection(ports=frozenset({8080}))))
    assert [(socket.port, process.pid, owner.logon) for socket, process, owner in found] == [(8080, 4312, "41")]


def test_where_no_socket_has_the_port_no_process_is_read(memory: Memory) -> None:
    assert items(memory, "socket", asking({OWNER}, Selection(ports=frozenset({22})))) == []
    assert all(needs.pids == NO_PROCESSES for needs in memory.asked)


def test_sockets_of_what_is_not_wholly_ones_own_are_nobody_elses_business(memory: Memory) -> None:
    assert items(memory, "socket", asking(), user(1000)) == []
    mine = example.BY_PID[4312]._replace(uids=(1000,) * 4)
    own = Memory(example.snapshot()._replace(processes=(mine,)))
    assert [process.pid for _, process, _ in items(own, "socket", asking(), user(1000))] == [4312]
    assert items(own, "socket", asking(), user(1001)) == []


def test_of_the_machine_only_what_is_asked_for_is_read(memory: Memory) -> None:
    ((bare,),) = items(memory, "machine", asking())
    assert (bare.vitals, bare.platform.vendor, bare.processes, bare.sessions) == (None, None, None, ())
    assert [(needs.vitals, needs.platform, needs.pids) for needs in memory.asked] == [(False, False, NO_PROCESSES)]
    ((full,),) = items(memory, "machine", asking({"vitals", "platform", "processes", "sessions"}))
    assert (full.vitals, full.platform) == (example.VITALS, example.PLATFORM)
    assert (full.processes, len(full.sessions)) == (16, 6)


def test_the_sessions_of_the_machine_are_those_that_the_caller_sees(memory: Memory) -> None:
    ((census,),) = items(memory, "machine", asking({"processes", "sessions"}), user(1001))
    assert (census.processes, [session.logon_id for session in census.sessions]) == (16, ["37"])


@pytest.mark.parametrize(
    ("namespace", "names"), [("root", ["cimv2", "logonscope"]), ("root\\cimv2", []), ("root\\logonscope", [])]
)
def test_namespaces_are_those_right_below(memory: Memory, namespace: str, names: list[str]) -> None:
    assert [name for (name,) in items(memory, "namespace", asking(namespace=namespace))] == names
