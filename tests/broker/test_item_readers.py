"""Tests of broker/item_readers.py: each subject is read as little as needed, and completely for the caller."""

from typing import Any, get_args

import pytest

from logonscope.broker.item_query import ItemQuery
from logonscope.broker.item_readers import read_items
from logonscope.broker.request import ProcessOwnerFilter
from logonscope.errors import AccessDeniedError
from logonscope.facts import Account, Group
from logonscope.machine import EVERYTHING, OWNER_FACT, Selection
from logonscope.providers.helpers.host import LOGINS, PLATFORM, PROCESSES, SESSIONS, VITALS
from logonscope.providers.helpers.provider import Subject
from tests import example
from tests.broker.memory import Memory, Noted
from tests.hosts import ROOT, user


def items(memory: Memory, subject: Subject, query: ItemQuery, caller: Any = ROOT) -> list[tuple[Any, ...]]:
    return list(read_items(memory.request(caller), subject, query))


def asking(*facts: str, selection: Selection = EVERYTHING, **more: Any) -> ItemQuery:
    return ItemQuery(frozenset(facts), selection, **more)


@pytest.fixture
def memory() -> Memory:
    return Memory(example.snapshot())


@pytest.mark.parametrize("subject", get_args(Subject))
def test_nothing_is_read_for_an_unauthenticated_caller(memory: Memory, subject: Subject) -> None:
    with pytest.raises(AccessDeniedError):
        items(memory, subject, asking(namespace="root"), user(None))


def test_owners_are_not_determined_unless_requested(memory: Memory) -> None:
    assert {owner.evidence for _, owner in items(memory, "process", asking("comm"))} == {"not requested"}
    assert memory.asked.logins == []
    assert {owner.evidence for _, owner in items(memory, "process", asking(OWNER_FACT))} == {"audit", "scope", "none"}


def test_for_a_user_the_owner_decides_whether_a_process_is_visible(memory: Memory) -> None:
    seen = items(memory, "process", asking("comm"), user(1001))
    assert [process.pid for process, _ in seen] == [3990, 3991]
    everybody = items(memory, "process", asking("comm", "cmdline", include_hidden=True), user(1001))
    assert len(everybody) == len(example.PROCESSES)
    stranger = next(process for process, _ in everybody if process.pid == 4312)
    assert (stranger.comm, stranger.cmdline, stranger.uids, stranger.ses) == ("python3", None, None, None)


def test_pids_are_read_by_key(memory: Memory) -> None:
    found = items(memory, "process", asking(OWNER_FACT, selection=Selection(pids=frozenset({4312, 99}))))
    assert [(process.pid, owner.logon_id) for process, owner in found] == [(4312, "41")]
    assert set(memory.asked.pids) == {4312, 99}


def test_a_logon_session_is_described_from_one_process_where_that_is_all_that_is_asked(memory: Memory) -> None:
    ((session, members),) = items(memory, "logon session", asking(selection=Selection(pids=frozenset({4312}))))
    assert (session.logon_id, session.logon_type, session.processes) == ("41", 10, None)
    assert [process.pid for process, _ in members] == [4312]
    assert set(memory.asked.pids) <= {4312, 4300, 4151, 4150, 4100, 700}


def test_an_account_of_several_groups_is_paired_with_each_once() -> None:
    users = (Account("alice", 1000, 1000, "", "", ""), Account("bob", 1001, 100, "", "", ""))
    groups = (Group("alice", 1000, ("alice",)), Group("users", 100, ("alice", "nobody-here")), Group("empty", 7))
    memory = Memory(example.snapshot()._replace(users=users, groups=groups))
    pairs = [(group.name, account.name) for group, account in items(memory, "membership", asking())]
    assert pairs == [("alice", "alice"), ("users", "alice"), ("users", "bob")]


def test_the_groups_of_one_account_are_looked_up_by_its_name(memory: Memory) -> None:
    found = items(memory, "membership", asking(selection=Selection(users=frozenset({"alice"}))))
    assert sorted((group.name, account.name) for group, account in found) == [("alice", "alice"), ("sudo", "alice")]
    assert not any("ALL" in (query.users, query.groups) for query in memory.asked.accounts)


def test_the_members_of_one_group_take_every_account_for_some_have_it_as_their_own(memory: Memory) -> None:
    found = items(memory, "membership", asking(selection=Selection(groups=frozenset({"alice", "sudo"}))))
    assert sorted((group.name, account.name) for group, account in found) == [("alice", "alice"), ("sudo", "alice")]
    assert [(query.users, query.groups) for query in memory.asked.accounts] == [("ALL", frozenset({"alice", "sudo"}))]


def test_sockets_come_with_the_processes_that_hold_them(memory: Memory) -> None:
    found = items(memory, "socket", asking(OWNER_FACT, selection=Selection(ports=frozenset({8080}))))
    assert [(socket.port, process.pid, owner.logon_id) for socket, process, owner in found] == [(8080, 4312, "41")]


def test_where_no_socket_has_the_port_no_process_is_read(memory: Memory) -> None:
    assert items(memory, "socket", asking(OWNER_FACT, selection=Selection(ports=frozenset({22})))) == []
    assert memory.asked.processes == []


def test_sockets_of_a_process_with_other_uids_are_hidden(memory: Memory) -> None:
    assert items(memory, "socket", asking(), user(1000)) == []
    mine = example.BY_PID[4312]._replace(uids=(1000,) * 4)
    own = Memory(example.snapshot()._replace(processes=(mine,)))
    assert [process.pid for _, process, _ in items(own, "socket", asking(), user(1000))] == [4312]
    assert items(own, "socket", asking(), user(1001)) == []


def test_of_the_machine_only_what_is_requested_is_read(memory: Memory) -> None:
    ((bare,),) = items(memory, "machine", asking())
    assert (bare.machine.vitals, bare.machine.platform, bare.processes, bare.sessions, bare.logins) == (
        None, None, None, (), (),
    )  # fmt: skip
    assert memory.asked == Noted.nothing()._replace(parts=[frozenset()])
    ((full,),) = items(memory, "machine", asking(VITALS, PLATFORM, PROCESSES, SESSIONS))
    assert (full.machine.vitals, full.machine.platform) == (example.VITALS, example.PLATFORM)
    assert (full.processes, len(full.sessions)) == (16, 6)


def test_the_sessions_of_the_machine_are_those_that_the_caller_sees(memory: Memory) -> None:
    ((summary,),) = items(memory, "machine", asking(PROCESSES, SESSIONS), user(1001))
    assert (summary.processes, [session.logon_id for session in summary.sessions]) == (16, ["37"])


def test_the_login_records_of_the_machine_take_no_process_and_stand_by_start(memory: Memory) -> None:
    ((summary,),) = items(memory, "machine", asking(LOGINS))
    assert [login.id for login in summary.logins] == ["c1", "37", "41", "user@1000.service"]
    assert memory.asked.processes == []
    ((summary,),) = items(memory, "machine", asking(LOGINS), user(1000))
    assert [login.id for login in summary.logins] == ["41", "user@1000.service"]


@pytest.mark.parametrize(
    ("namespace", "names"), [("root", ["cimv2", "logonscope"]), ("root\\cimv2", []), ("root\\logonscope", [])]
)
def test_namespaces_are_those_right_below(memory: Memory, namespace: str, names: list[str]) -> None:
    assert [name for (name,) in items(memory, "namespace", asking(namespace=namespace))] == names


def test_a_selection_that_means_nothing_reads_nothing(memory: Memory) -> None:
    for subject in get_args(Subject):
        assert items(memory, subject, asking(selection=Selection(pids=frozenset()))) == []
    assert not any(memory.asked)


def test_what_a_filter_rules_out_is_read_no_further(memory: Memory) -> None:
    early = ProcessOwnerFilter(frozenset({"ppid"}), lambda process, _: process.ppid == 4151)
    found = items(memory, "process", asking("cmdline", process_filter=early))
    assert [process.pid for process, _ in found] == [4300]
    (query,) = memory.asked.processes
    assert query.early_filter is not None
    assert (query.early_filter.facts, query.facts) == (frozenset({"ppid"}), frozenset({"cmdline"}))
