"""Tests of broker/filtered_logons.py: filters select the right logon sessions, and less is read for them."""

from datetime import UTC, datetime

import pytest

from logonscope.answers.logon_filter import LogonFilter
from logonscope.broker import filtered_logons, sessions
from logonscope.broker.request import Request
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from tests.broker.memory import Memory
from tests.example import ACCOUNTS, PROCESSES, snapshot
from tests.hosts import ROOT, HostFolder, session_scope, user

REMOTE = LogonFilter(types=frozenset({10}))


@pytest.fixture
def memory() -> Memory:
    return Memory(snapshot())


@pytest.fixture
def request_of_root(memory: Memory) -> Request:
    return memory.request(ROOT)


@pytest.mark.parametrize(
    ("where", "logon_ids"),
    [
        (LogonFilter(users=frozenset({"alice"})), ["41", "42"]),
        (LogonFilter(users=frozenset({"1001"})), ["37"]),
        (LogonFilter(users=frozenset({"1001", "postgres"})), ["4294967297", "37"]),
        (REMOTE, ["41"]),
        (LogonFilter(states=frozenset({"logged out"})), ["37"]),
        (LogonFilter(origins=frozenset({"203.0.113.0/24"})), ["41"]),
        (LogonFilter(since=datetime(2026, 1, 1, 10, 30, tzinfo=UTC)), ["63"]),
        (LogonFilter(until=datetime(2026, 1, 1, 8, 25, tzinfo=UTC), system=False), ["4294967297"]),
        (LogonFilter(system=False), ["4294967297", "37", "41", "42", "63"]),
    ],
)
def test_sessions_trees_and_processes_are_those_that_fit(
    where: LogonFilter, logon_ids: list[str], request_of_root: Request
) -> None:
    found = filtered_logons.sessions(request_of_root, None, where)
    assert [session.logon_id for session in found] == logon_ids
    assert found == [session for session in sessions.sessions(request_of_root) if where.fits(session)]
    trees = filtered_logons.tree(request_of_root, None, where)
    assert [tree.session for tree in trees] == found
    rows = list(filtered_logons.processes(request_of_root, None, where))
    assert {row.logon_id for row in rows} == set(logon_ids)
    assert {row.pid for row in rows} == {row.pid for tree in trees for row in tree.processes}


def test_a_word_and_a_filter_narrow_together(request_of_root: Request) -> None:
    assert [session.logon_id for session in filtered_logons.sessions(request_of_root, "alice", REMOTE)] == ["41"]
    assert filtered_logons.sessions(request_of_root, "bob", REMOTE) == []


def test_a_user_can_be_named_by_a_name_that_is_not_the_first_of_its_uid() -> None:
    users = (*ACCOUNTS.values(), ACCOUNTS[1000]._replace(name="alice2"))
    request, where = Memory(snapshot()._replace(users=users)).request(ROOT), LogonFilter(users=frozenset({"alice2"}))
    assert [session.logon_id for session in filtered_logons.sessions(request, None, where)] == ["41", "42"]
    assert [session.logon_id for session in filtered_logons.sessions(request, "41", where)] == ["41"]


def test_a_number_can_be_the_name_of_a_user_and_a_uid() -> None:
    users = (*ACCOUNTS.values(), ACCOUNTS[1000]._replace(name="1001"))
    request, where = Memory(snapshot()._replace(users=users)).request(ROOT), LogonFilter(users=frozenset({"1001"}))
    assert [session.logon_id for session in filtered_logons.sessions(request, None, where)] == ["37", "41", "42"]


def test_leftovers_are_those_of_the_sessions_that_fit(request_of_root: Request) -> None:
    bob = filtered_logons.leftovers(request_of_root, None, LogonFilter(users=frozenset({"bob"})))
    assert ([row.pid for row in bob.processes], bob.known, bob.unknown) == ([3990, 3991], 1, 0)
    assert filtered_logons.leftovers(request_of_root, None, REMOTE).processes == ()


def test_where_no_logon_session_fits_no_process_is_read_whole(memory: Memory) -> None:
    assert list(filtered_logons.processes(memory.request(ROOT), None, LogonFilter(users=frozenset({"mallory"})))) == []
    assert filtered_logons.tree(memory.request(ROOT), None, LogonFilter(types=frozenset({7}))) == []
    assert not any("cmdline" in query.facts for query in memory.asked.processes)


def test_processes_are_requested_by_the_kernel_ids_of_the_sessions_that_fit(memory: Memory) -> None:
    rows = list(filtered_logons.processes(memory.request(ROOT), None, REMOTE))
    assert [row.pid for row in rows] == [4100, 4150, 4151, 4300, 4312]
    whole = [query for query in memory.asked.processes if "cmdline" in query.facts]
    assert [query.logon_hint.may_match(41, 1000) for query in whole] == [True]
    assert not any(query.logon_hint.may_match(37, 1001) for query in whole)


def test_a_user_is_requested_by_the_login_uid(memory: Memory) -> None:
    filtered_logons.sessions(memory.request(ROOT), None, LogonFilter(users=frozenset({"alice"})))
    filtered_logons.sessions(memory.request(ROOT), None, LogonFilter(users=frozenset({"1000"})))
    assert all(query.logon_hint.may_match(41, 1000) for query in memory.asked.processes)
    assert not any(query.logon_hint.may_match(37, 1001) for query in memory.asked.processes)


def test_processes_of_the_system_session_and_of_other_hosts_are_ruled_out_early(memory: Memory) -> None:
    where = LogonFilter(origins=frozenset({"203.0.113.7"}), system=False)
    filtered_logons.sessions(memory.request(ROOT), None, where)
    (early,) = {query.early_filter for query in memory.asked.processes}
    assert early is not None
    kept = {process.pid for process in PROCESSES if early.keeps(process)}
    assert {4100, 4312} <= kept
    assert not kept & {1, 2, 650, 700}
    assert not kept & {3990, 3991}  # bob's login is recorded as from elsewhere


def test_a_filter_shows_no_caller_more(memory: Memory) -> None:
    bob = memory.request(user(1001))
    assert [session.logon_id for session in filtered_logons.sessions(bob, None, LogonFilter(system=False))] == ["37"]
    assert filtered_logons.sessions(bob, None, LogonFilter(users=frozenset({"alice"}))) == []
    assert {row.logon_id for row in filtered_logons.processes(bob, None, LogonFilter(system=False))} == {"37"}


@pytest.mark.parametrize("remote_host", ["client.example.org", "::ffff:203.0.113.7"])
@pytest.mark.parametrize("origin", ["203.0.113.7", "203.0.113.0/24"])
def test_a_login_fits_by_its_address_also_if_the_record_has_another_form_of_it(
    remote_host: str, origin: str, host: HostFolder
) -> None:
    host.process(300, "sshd", ses=41, loginuid=1000, cgroup=session_scope(1000, "41"), sockets=[7])
    host.login("41", uid=1000, leader=300, remote=1, remote_host=remote_host, user="alice")
    host.net_namespace(300, 4026532208)
    host.write("proc/300/net/tcp", "  sl\n 0: 0100007F:0016 077100CB:C822 01 0:0 0:0 0 0 0 7 1\n")
    request, where = Request(LinuxSource(str(host.root)), LINUX, ROOT), LogonFilter(origins=frozenset({origin}))
    assert [session.logon_id for session in filtered_logons.sessions(request, None, where)] == ["41"]
