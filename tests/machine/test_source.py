"""Tests of machine/source.py: a source with only ``read_`` methods answers every query, and refuses the rest."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope.broker.explain import ReadingRecorder
from logonscope.errors import NotSupportedError, TimedOutError
from logonscope.facts import UNSET, Account, Group, Login, Machine, Platform, Process, Socket, Vitals
from logonscope.machine import (
    AccountQuery,
    BaseSource,
    Deadline,
    LogonHint,
    Look,
    Part,
    ProcessQuery,
    SocketQuery,
    Source,
)
from logonscope.machine.action import Action
from logonscope.machine.source import (
    MAX_CHAIN_LENGTH,
    matching_groups,
    matching_processes,
    matching_sockets,
    matching_users,
)
from logonscope.sources.live.source import LiveSource
from tests import example

TWINS = (Account("alice", 1000, 1000, "", "/", "/bin/sh"), Account("al", 1000, 1000, "", "/", "/bin/sh"))


class Bare(BaseSource):
    """A source of a machine alone."""

    label = "bare"

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del look, parts
        return example.MACHINE._replace(platform=Platform(), vitals=Vitals(time=0))


class Full(Bare):
    """A source that gives whatever there is, whatever it is asked for; notes the facts."""

    label = "full"

    def __init__(self, *processes: Process) -> None:
        self.asked: list[ProcessQuery] = []
        self._processes = processes or example.PROCESSES

    def read_processes(self, look: Look, query: ProcessQuery) -> Iterable[Process]:
        del look
        self.asked.append(query)
        return self._processes

    def read_logins(self, look: Look) -> Iterable[Login]:
        del look
        return example.LOGINS

    def read_users(self, look: Look) -> Iterable[Account]:
        del look
        return (*TWINS, example.ACCOUNTS[0])

    def read_groups(self, look: Look) -> Iterable[Group]:
        del look
        return example.GROUPS

    def read_sockets(self, look: Look) -> Iterable[Socket]:
        del look
        return example.SOCKETS


def test_what_a_source_does_not_read_is_not_there() -> None:
    source, look = Bare(), Look()
    assert source.machine(look) == example.MACHINE
    assert list(source.processes(look, ProcessQuery())) == []
    assert list(source.logins(look)) == []
    assert source.account(look, 0) is None
    users, groups = source.accounts(look, AccountQuery("ALL", "ALL"))
    assert [*users, *groups, *source.sockets(look, SocketQuery())] == []


def test_parts_of_the_machine_come_where_they_are_requested() -> None:
    machine = Full().machine(Look(), frozenset({"vitals"}))
    assert (machine.platform, machine.vitals) == (None, Vitals(time=0))
    machine = Full().machine(Look(), frozenset({"platform", "vitals"}))
    assert (machine.platform, machine.vitals) == (Platform(), Vitals(time=0))


def test_logins_are_those_with_the_ids() -> None:
    assert tuple(Full().logins(Look())) == example.LOGINS
    assert [login.id for login in Full().logins(Look(), frozenset({"41", "c1", "none"}))] == ["41", "c1"]
    assert list(Full().logins(Look(), frozenset())) == []


def test_of_several_accounts_with_one_uid_the_first_counts() -> None:
    assert Full().account(Look(), 1000) == TWINS[0]
    assert Full().account(Look(), 5) is None


def test_accounts_and_groups_are_those_that_the_query_names() -> None:
    users, groups = Full().accounts(Look(), AccountQuery(users=frozenset({"AL"}), groups_of=frozenset({"alice"})))
    assert list(users) == [TWINS[1]]
    assert [group.name for group in groups] == ["sudo", "alice"]
    users, groups = Full().accounts(Look(), AccountQuery(groups=frozenset({"bob"})))
    assert (list(users), [group.name for group in groups]) == ([], ["bob"])


def test_processes_and_sockets_are_those_that_the_query_names() -> None:
    named = ProcessQuery(names=frozenset({"SSHD"}))
    assert [process.pid for process in Full().processes(Look(), named)] == [700, 4100, 4150]
    assert tuple(Full().sockets(Look(), SocketQuery(ports=frozenset({8080})))) == example.SOCKETS
    assert list(Full().sockets(Look(), SocketQuery(ports=frozenset({22})))) == []


def lineage(source: Source, pid: int, *facts: str) -> list[int]:
    """Return the pids of a process and its parents, nearest first."""
    query = ProcessQuery(frozenset(facts), pids=frozenset({pid}), with_ancestors=True)
    return [process.pid for process in source.processes(Look(), query)]


def test_the_parents_of_a_process_come_nearest_first_and_are_read_one_by_one() -> None:
    source = Full()
    assert lineage(source, 4312, "comm") == [4312, 4300, 4151, 4150, 4100, 700, 1]
    assert [query.pids for query in source.asked] == [
        frozenset({pid}) for pid in (4312, 4300, 4151, 4150, 4100, 700, 1)
    ]  # fmt: skip
    assert {(query.facts, query.with_ancestors) for query in source.asked} == {(frozenset({"comm", "ppid"}), False)}
    assert lineage(source, 99) == []


def test_parents_are_found_where_the_query_returns_every_process() -> None:
    class Generous(Full):
        def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
            if query.with_ancestors:
                return super().processes(look, query)
            return iter(example.PROCESSES)

    query = ProcessQuery(pids=frozenset({4312}), with_ancestors=True)
    generous, full = (list(source.processes(Look(), query)) for source in (Generous(), Full()))
    assert [process.pid for process in generous] == [process.pid for process in full]


def test_parents_are_read_while_they_are_iterated() -> None:
    source = Full()
    found = source.processes(Look(), ProcessQuery(pids=frozenset({4312}), with_ancestors=True))
    assert source.asked == []
    next(found)
    assert len(source.asked) == 1


def test_parents_that_go_round_in_a_circle_or_without_end_are_cut() -> None:
    assert lineage(Full(Process(2, ppid=3), Process(3, ppid=2)), 2) == [2, 3]
    assert lineage(Full(Process(2, ppid=2)), 2) == [2]
    endless = [Process(pid, ppid=pid + 1) for pid in range(1, 2 * MAX_CHAIN_LENGTH)]
    assert lineage(Full(*endless), 1) == list(range(1, MAX_CHAIN_LENGTH + 1))


def test_where_the_arguments_of_one_hang_those_of_its_parents_are_not_tried() -> None:
    source = Full(Process(3, ppid=2, unread={"cmdline": "no answer"}), Process(2, ppid=1), Process(1, ppid=0))
    assert lineage(source, 3, "name", "cmdline", "exe") == [3, 2, 1]
    assert [query.facts - {"ppid"} for query in source.asked] == [
        frozenset({"name", "cmdline", "exe"}), frozenset({"exe"}), frozenset({"exe"}),
    ]  # fmt: skip


def test_every_query_is_refused_once_the_time_is_over() -> None:
    deadline = Deadline(60)
    deadline.cancel()
    source, look = Full(), Look(deadline)
    for ask in (
        lambda: source.machine(look),
        lambda: source.processes(look, ProcessQuery()),
        lambda: source.processes(look, ProcessQuery(pids=frozenset({1}), with_ancestors=True)),
        lambda: source.logins(look),
        lambda: source.account(look, 0),
        lambda: source.accounts(look, AccountQuery()),
        lambda: source.sockets(look, SocketQuery()),
    ):
        with pytest.raises(TimedOutError):
            ask()
    assert source.asked == []


def test_what_it_cannot_do_it_refuses_by_its_name() -> None:
    source = Full()
    assert (source.abilities, source.partial, repr(source)) == (frozenset(), None, "<Full full>")
    with pytest.raises(NotSupportedError, match="actions are not supported on this host: it is read-only; connect"):
        source.act(Action(1, 1))
    with pytest.raises(NotSupportedError, match="events are not supported by full"):
        source.events()
    with pytest.raises(NotSupportedError, match="no history found"):
        source.at(datetime.now(UTC))
    source.close()


QUERIES = [
    name
    for name, method in vars(Source).items()
    if "look" in getattr(method, "__annotations__", ()) and name != "checks"
]
MADE_OF_PROCESSES = {"memberships", "membership_groups"}


@pytest.mark.parametrize("wrapper", [LiveSource, ReadingRecorder])
def test_a_source_that_wraps_another_passes_each_query_on(wrapper: type[BaseSource]) -> None:
    assert len(QUERIES) > 10
    inherited = {
        name
        for name in QUERIES
        if getattr(wrapper, name) is getattr(BaseSource, name)
        and getattr(wrapper, f"read_{name}", None) is getattr(BaseSource, f"read_{name}", None)
    }
    assert inherited <= MADE_OF_PROCESSES, f"{wrapper.__name__} does not pass these on: an inherited one has no rows"


# What a query names

ALICE = Account("alice", 1000, 100, "", "/", "/bin/sh")
BOB = Account("Bob", 1001, 1001, "", "/", "/bin/sh")
USERS, SUDO = Group("users", 100), Group("sudo", 27, ("alice", "bob"))
GROUPS = (USERS, SUDO)


def users(**query: Any) -> list[Account]:
    return list(matching_users((ALICE, BOB), AccountQuery(**query)))


def groups(**query: Any) -> list[Group]:
    return list(matching_groups(GROUPS, (ALICE, BOB), AccountQuery(**query)))


def test_names_count_in_whatever_case() -> None:
    assert users(users=frozenset({"BOB", "carol"})) == [BOB]
    assert groups(groups=frozenset({"Users"})) == [USERS]


def test_the_groups_of_an_account_are_its_own_and_those_that_list_its_very_name() -> None:
    assert groups(groups_of=frozenset({"ALICE"})) == [USERS, SUDO]
    assert groups(groups_of=frozenset({"bob"})) == []


def test_all_are_all_and_none_are_none() -> None:
    assert users(users="ALL") == [ALICE, BOB]
    assert list(matching_groups(GROUPS, (), AccountQuery(groups="ALL"))) == [USERS, SUDO]
    assert users() == []
    assert groups() == []


INIT = Process(1, ses=UNSET, loginuid=UNSET, comm="systemd", name="systemd")
SHELL = Process(10, ses=41, loginuid=1000, comm="bash", name="bash")
LONG = Process(11, ses=41, loginuid=1000, comm="a-long-name-of-", name="a-long-name-of-it")
OTHERS = Process(20, ses=37, loginuid=1001, comm="bash", name="bash")
UNREAD = Process(30)


@pytest.mark.parametrize(
    ("query", "pids"),
    [
        (ProcessQuery(), [1, 10, 11, 20, 30]),
        (ProcessQuery(pids=frozenset({10, 30, 99})), [10, 30]),
        (ProcessQuery(pids=frozenset()), []),
        (ProcessQuery(names=frozenset({"BASH"})), [10, 20]),
        (ProcessQuery(names=frozenset({"A-long-name-of-"})), [11]),
        (ProcessQuery(names=frozenset({"a-long-name-of-it", "systemd"})), [1, 11]),
        (ProcessQuery(logon_hint=LogonHint(kernel_ids=frozenset({41}))), [10, 11, 30]),
        (ProcessQuery(logon_hint=LogonHint(login_uids=frozenset({1001}))), [1, 20, 30]),
        (
            ProcessQuery(logon_hint=LogonHint(login_uids=frozenset({1001}), kernel_ids_of_any_uid=frozenset({41}))),
            [1, 10, 11, 20, 30],
        ),
        (ProcessQuery(logon_hint=LogonHint(kernel_ids_needing_cgroup=frozenset())), [1, 10, 11, 20, 30]),
        (
            ProcessQuery(pids=frozenset({10, 20}), names=frozenset({"bash"}), logon_hint=LogonHint(frozenset({37}))),
            [20],
        ),
    ],
)
def test_processes_are_narrowed_by_pid_by_name_and_by_hint(query: ProcessQuery, pids: list[int]) -> None:
    found = matching_processes((INIT, SHELL, LONG, OTHERS, UNREAD), Look(), query)
    assert [process.pid for process in found] == pids


@pytest.mark.parametrize(
    ("query", "inodes"),
    [
        (SocketQuery(), [5, 6, 7]),
        (SocketQuery(ports=frozenset({22})), [5, 6]),
        (SocketQuery(inodes=frozenset({6, 7})), [6, 7]),
        (SocketQuery(frozenset({22}), frozenset({7})), []),
        (SocketQuery(frozenset()), []),
    ],
)
def test_sockets_are_narrowed_by_port_and_by_inode(query: SocketQuery, inodes: list[int]) -> None:
    sockets = [Socket("tcp", "::", port, "::", 0, "LISTEN", inode) for port, inode in ((22, 5), (22, 6), (80, 7))]
    assert [socket.inode for socket in matching_sockets(sockets, query)] == inodes


def test_unix_sockets_and_those_of_other_network_namespaces_are_only_given_when_requested() -> None:
    network = Socket("tcp", "::", 22, "::", 0, "LISTEN", 5)
    elsewhere = network._replace(inode=6, namespace=9, namespace_pid=7)
    unix = Socket("unix", "", 0, "", 0, "LISTEN", 7, "/run/a")
    queries = {
        SocketQuery(): [5],
        SocketQuery(all_namespaces=True): [5, 6],
        SocketQuery(family="unix"): [7],
        SocketQuery(family="unix", paths=frozenset({"/run/a"})): [7],
        SocketQuery(family="unix", paths=frozenset({"/run/b"})): [],
    }
    for query, inodes in queries.items():
        assert [socket.inode for socket in matching_sockets([network, elsewhere, unix], query)] == inodes
