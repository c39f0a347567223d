"""Tests of broker/request.py: changes of the machine during the reading are handled."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.broker.access import NOT_REQUESTED, Caller
from logonscope.broker.associations import AssociationOptions, associators
from logonscope.broker.query import query
from logonscope.broker.request import MAX_ROUNDS, Accounts, ProcessOwnerFilter, ReadOrder, ReadResult, Request
from logonscope.errors import LogonscopeError
from logonscope.facts import UNSET, Account, Group, Login, Process, Socket
from logonscope.machine import OWNER_FACT, AccountQuery, Look, Owner, ProcessQuery, Selection, SocketQuery, Trouble
from logonscope.machine.snapshot import Snapshot
from tests import example
from tests.broker import operations as broker
from tests.broker.crowds import PEOPLE, Crowd, crowds
from tests.broker.memory import Memory, asking
from tests.hosts import ROOT, session_scope, user

ORDERS: tuple[ReadOrder, ...] = ("logins first", "processes first")
EVERY = ProcessQuery()
C1, C5 = str((1 << 32) + 1), str((1 << 32) + 5)
FIRST = Login("41", 1000, audit=41, scope="session-41.scope", state="active", gone=False)
HEIR = Login(
    "c5", 1000, scope="session-c5.scope", process=Process(50, ses=41, comm="sshd"), inherited=True, gone=False
)  # fmt: skip
SU = Login("c1", 1001, scope="session-c1.scope", state="active", gone=True)


def process(pid: int, ses: int, cgroup: str) -> Process:
    """Return a process."""
    return Process(
        pid, ses=ses, loginuid=UNSET if ses == UNSET else 1000, cgroup=cgroup, comm="sh", name="sh", ppid=1,
        state="S", tgid=pid, tty_nr=0, start=pid, uids=(1000,) * 4, cmdline=b"sh\0",
    )  # fmt: skip


IN_41 = process(10, 41, session_scope(1000, "41"))
IN_C1 = process(20, UNSET, session_scope(1001, "c1"))
IN_C5 = process(30, 41, session_scope(1000, "c5"))


def seen(logins: tuple[Login, ...], *processes: Process) -> Snapshot:
    """Return one look at a host."""
    return example.snapshot()._replace(logins=logins, processes=processes, sockets=())


def pids(owned: ReadResult) -> list[int]:
    """Return the pids of what was read."""
    return [process.pid for process, _ in owned.pairs]


def test_a_login_that_appears_while_processes_stream_is_learned() -> None:
    processes = (IN_C1, IN_41, IN_C1._replace(pid=21))
    memory = Memory(seen((FIRST,), *processes), seen((FIRST, SU), *processes))
    pairs = [(process.pid, owner.logon_id) for process, owner in memory.request(ROOT).read(EVERY).pairs]
    assert pairs == [(20, C1), (10, "41"), (21, C1)]
    assert memory.asked.logins == [None, {"c1"}]


def test_what_was_known_before_stays_known() -> None:
    processes = (IN_C1, IN_41)
    memory = Memory(seen((FIRST,), *processes), seen((FIRST, SU), *processes))
    rows = {row.pid: row for row in broker.processes(memory.request(ROOT))}
    assert {pid: row.leftover for pid, row in rows.items()} == {20: True, 10: False}


def test_a_place_of_no_login_is_requested_once() -> None:
    memory = Memory(seen((FIRST,), IN_C1, IN_C1._replace(pid=21), IN_C1._replace(pid=22)))
    owned = [owner.logon_id for _, owner in memory.request(ROOT).read(EVERY).pairs]
    assert owned == [C1] * 3  # the place decides, but no record tells more
    assert memory.asked.logins == [None, {"c1"}]


def test_logon_sessions_are_read_after_their_processes() -> None:
    late = seen((FIRST, SU), IN_C1, IN_41)
    memory = Memory(seen((FIRST,), IN_C1, IN_41), seen((FIRST,), IN_C1, IN_41), late)
    found = {session.logon_id: session.login for session in broker.sessions(memory.request(ROOT))}
    assert found == {"41": "41", C1: "c1"}


def test_of_a_logon_session_that_appears_while_they_are_read_no_process_is_left_out() -> None:
    before, after = seen((FIRST,), IN_C1, IN_41), seen((FIRST, SU), IN_C1, IN_41)
    for selection in (Selection(logon_ids=frozenset({C1})), Selection(login_users=frozenset({"BOB"}))):
        request = Memory(before, before, after).request(ROOT)
        assert pids(
            request.read(EVERY, selection, read_order="processes first", include_own_in_sessions_of_others=False)
        ) == [20]


@pytest.mark.parametrize("order", ORDERS)
def test_of_other_logon_sessions_only_the_deciding_files_are_read(order: ReadOrder) -> None:
    memory = Memory(seen((FIRST, SU), IN_41, IN_C1, IN_C1._replace(pid=21, cgroup="/")))
    query = ProcessQuery(frozenset({"comm", "uids"}))
    owned = memory.request(ROOT).read(query, C1, read_order=order, include_own_in_sessions_of_others=False)
    assert [(process.pid, process.comm) for process, _ in owned.pairs] == [(20, "sh")]
    ((facts, keeps),) = [query.early_filter for query in memory.asked.processes if query.early_filter]
    assert facts == {"ses", "cgroup"}
    assert [keeps(one._replace(comm=None, uids=None)) for one in (IN_41, IN_C1, IN_C1._replace(cgroup="/"))] == [
        False, True, False,
    ]  # fmt: skip


def test_when_logins_begin_to_share_a_kernel_id_the_cgroups_are_read_too() -> None:
    before, after = seen((FIRST,), IN_41, IN_C5), seen((FIRST, HEIR), IN_41, IN_C5)
    memory = Memory(before, before, after)
    pairs = memory.request(ROOT).read(EVERY, read_order="processes first").pairs
    assert [owner.logon_id for _, owner in pairs] == ["41", C5]
    assert [query.logon_hint.kernel_ids_needing_cgroup for query in memory.asked.processes] == [
        frozenset({UNSET}),
        frozenset({UNSET, 41}),
    ]


def test_a_machine_that_never_rests_is_read_only_so_often() -> None:
    looks = []
    for number in range(20):
        heir = HEIR._replace(id=f"c{number}", process=Process(50, ses=1000 + number), scope=f"session-c{number}.scope")
        looks.append(seen((FIRST, heir), IN_41))
    memory = Memory(*looks)
    assert pids(
        memory.request(ROOT).read(EVERY, read_order="processes first", include_own_in_sessions_of_others=False)
    ) == [10]
    assert len(memory.asked.processes) == MAX_ROUNDS


def test_a_filter_before_access_is_checked_may_read_the_owner_only() -> None:
    reads_details = ProcessOwnerFilter(frozenset({OWNER_FACT, "cmdline"}), lambda process, _: bool(process.cmdline))
    memory = Memory(seen((FIRST,), IN_41))
    for caller in (ROOT, user(1000)):
        with pytest.raises(ValueError, match="may read the owner only"):
            memory.request(caller).read(EVERY, read_order="processes first", process_filter=reads_details)
    assert memory.asked.processes == []


class Seen:
    """A filter that keeps everything, and what it got."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Process, Owner]] = []

    def keeps(self, process: Process, owner: Owner) -> bool:
        self.pairs.append((process, owner))
        return True


def test_a_filter_before_access_is_checked_gets_no_facts_of_processes() -> None:
    seen_by_filter = Seen()
    memory = Memory(seen((FIRST,), IN_41._replace(uids=(0,) * 4)))
    owner_filter = ProcessOwnerFilter(frozenset({OWNER_FACT}), seen_by_filter.keeps)
    query = ProcessQuery(frozenset({"cmdline", "comm", "uids"}))
    memory.request(user(1000)).read(query, read_order="processes first", process_filter=owner_filter)
    ((process, owner),) = seen_by_filter.pairs
    assert owner.logon_id == "41"
    assert [value for name, value in process._asdict().items() if name != "pid" and value is not None] == []


def test_a_process_whose_owner_is_hidden_is_not_returned_where_a_filter_got_its_owner() -> None:
    memory = Memory(seen((FIRST,), IN_41._replace(uids=(1001,) * 4)))
    bob = memory.request(user(1001))
    assert pids(bob.read(EVERY, read_order="processes first")) == [10]
    owner_filter = ProcessOwnerFilter(frozenset({OWNER_FACT}), lambda _, owner: owner.logon_id == "41")
    assert pids(bob.read(EVERY, read_order="processes first", process_filter=owner_filter)) == []


def test_a_filter_gets_masked_facts_that_the_query_does_not_name() -> None:
    seen_by_filter = Seen()
    memory = Memory(seen((FIRST,), IN_41._replace(uids=(0,) * 4)))
    reads_details = ProcessOwnerFilter(frozenset({"cmdline"}), seen_by_filter.keeps)
    result = memory.request(user(1000)).read(ProcessQuery(frozenset({"comm"})), process_filter=reads_details)
    assert pids(result) == [10]
    assert [process.cmdline for process, _ in seen_by_filter.pairs] == [None]


@pytest.mark.parametrize("order", ORDERS)
def test_a_selection_narrows_what_is_read(order: ReadOrder) -> None:
    memory = Memory(seen((FIRST, SU), IN_41, IN_C1))
    assert pids(memory.request(ROOT).read(EVERY, "41", read_order=order, include_own_in_sessions_of_others=False)) == [
        10
    ]
    assert [query.logon_hint.kernel_ids for query in memory.asked.processes] == [frozenset({41, UNSET})]


def test_troubles_of_every_reading_are_reported_once() -> None:
    trouble, other = Trouble("a", "b", "c"), Trouble("d", "e", "f")
    one, two = seen((), IN_41)._replace(troubles=[trouble]), seen((), IN_41)._replace(troubles=[trouble, other])
    streamed, gathered = Memory(one, two).request(ROOT), Memory(one, one, two).request(ROOT)
    streamed.read(EVERY)
    gathered.read(EVERY, read_order="processes first", include_own_in_sessions_of_others=False)
    assert streamed.look.troubles == gathered.look.troubles == [trouble, other]


@pytest.mark.parametrize(
    ("processes", "looks"),
    [
        ((IN_41, IN_41._replace(pid=11, tgid=11)), [{"41"}]),
        ((IN_41, IN_C1), [{"41", "c1"}]),
        ((IN_41, *(IN_C5._replace(pid=pid, tgid=pid) for pid in range(30, 40))), [{"41", "c5"}]),
        ((IN_41, process(50, 77, "/")), [{"41", "77"}, None]),
        ((process(60, UNSET, "/system.slice/cron.service"),), []),
    ],
)
def test_the_logins_of_several_processes_are_read_together(
    processes: tuple[Process, ...], looks: list[set[str] | None]
) -> None:
    memory = Memory(seen((FIRST, SU, HEIR), *processes))
    by_pid = ProcessQuery(pids=frozenset(process.pid for process in processes))
    found = [(one.pid, owner) for one, owner in memory.request(ROOT).read(by_pid).pairs]
    assert memory.asked.logins == looks
    assert found == [(one.pid, owner) for one, owner in memory.request(ROOT).read(EVERY).pairs]


def test_no_login_is_read_for_owners_that_are_not_requested() -> None:
    memory = Memory(seen((FIRST,), IN_41))
    by_pid = ProcessQuery(frozenset({"comm"}), pids=frozenset({10}))
    ((found, owner),) = memory.request(ROOT).read(by_pid, with_owners=False).pairs
    assert (found.comm, owner) == ("sh", NOT_REQUESTED)
    assert memory.asked.logins == []
    ((_, owner),) = memory.request(user(1000)).read(by_pid._replace(facts=frozenset()), with_owners=False).pairs
    assert owner.logon_id == "41"


@given(crowds(), st.sampled_from(PEOPLE), st.data())
@settings(max_examples=60)
def test_what_is_read_by_pid_is_what_a_whole_reading_has(crowd: Crowd, uid: int, data: st.DataObject) -> None:
    some = data.draw(st.frozensets(st.sampled_from(sorted(crowd.process)), min_size=1))
    request = Memory(crowd.snapshot).request(user(uid) if uid else ROOT)
    query = ProcessQuery(frozenset({"comm", "cgroup", "tgid"}))
    whole = request.read(query, include_hidden=True).pairs
    by_pid = request.read(query._replace(pids=some), include_hidden=True).pairs
    assert [(one.pid, owner) for one, owner in by_pid] == [(one.pid, owner) for one, owner in whole if one.pid in some]


def test_of_the_named_pids_the_selected_ones_are_read() -> None:
    request, both = Memory(seen((FIRST, SU), IN_41, IN_C1)).request(ROOT), ProcessQuery(pids=frozenset({10, 20}))
    assert pids(request.read(both)) == [10, 20]
    for which in ("41", "alice", Selection(logon_ids=frozenset({"41"})), Selection(login_users=frozenset({"ALICE"}))):
        assert pids(request.read(both, which)) == [10]
    assert pids(request.read(both, C1, with_owners=False)) == [20]
    assert pids(request.read(both, "nobody")) == []
    unvouched = Memory(seen((), IN_41)).request(ROOT)
    assert pids(unvouched.read(both, "alice")) == [10]


@pytest.mark.parametrize("order", ORDERS)
def test_processes_of_the_own_uid_in_a_hidden_logon_session_come_without_it(order: ReadOrder) -> None:
    memory = Memory(seen((FIRST,), IN_41._replace(loginuid=1001)))
    ((_, owner),) = (
        memory.request(user(1000)).read(EVERY, read_order=order, include_own_in_sessions_of_others=True).pairs
    )
    assert (owner.logon_id, owner.evidence, owner.login) == (None, "hidden", None)


@pytest.mark.parametrize("order", ORDERS)
def test_the_cost_of_a_hidden_logon_session_does_not_reveal_it(order: ReadOrder) -> None:
    memory = Memory(seen((FIRST,), IN_41._replace(loginuid=1001)))
    asked = {}
    for logon in ("41", "99"):
        noted = asking(
            lambda request: list(
                request.read(EVERY, logon, read_order=order, include_own_in_sessions_of_others=False).pairs  # noqa: B023 -- called at once
            ),
            memory,
            user(1000),
        )
        anonymous = [
            query._replace(logon_hint=query.logon_hint._replace(kernel_ids=None, logon_ids=None), early_filter=None)
            for query in noted.processes
        ]  # fmt: skip
        # the word is looked up as the name of an account, too
        accounts = [query._replace(users=frozenset({"word"})) for query in noted.accounts]
        asked[logon] = noted._replace(processes=anonymous, accounts=accounts)
    assert asked["41"] == asked["99"]
    assert {query.logon_hint.login_uids for query in asked["41"].processes} == {frozenset({1000})}


# Accounts


class Counting(Memory):
    """The example host, which notes the uids that are looked up."""

    def __init__(self) -> None:
        super().__init__(example.snapshot())
        self.uids: list[int] = []

    def account(self, look: Look, uid: int) -> Account | None:
        self.uids.append(uid)
        return super().account(look, uid)


def test_each_uid_is_looked_up_once() -> None:
    source = Counting()
    accounts = Accounts(source, Look())
    assert [accounts.get(1000), accounts.get(5)] * 2 == [example.ACCOUNTS[1000], None] * 2
    assert [accounts.name(1000), accounts.name(5), accounts.name(None)] == ["alice", None, None]
    assert source.uids == [1000, 5]


class Generous(Memory):
    """A source that returns more than its queries name: every process, login, account and socket."""

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        if query.with_ancestors:
            return self._read_lineage(look, query)
        rows = super().processes(look, ProcessQuery(query.facts))
        return iter(sorted(rows, key=_descending_pid))

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        del ids
        return super().logins(look)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        del query
        return super().accounts(look, AccountQuery(users="ALL", groups="ALL"))

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        del query
        return super().sockets(look, SocketQuery())


def _descending_pid(process: Process) -> int:
    return -process.pid


def _of_pid(request: Request, result_class: str, pid: int) -> list[str]:
    return _rows(associators(request, f"Win32_Process={pid}", AssociationOptions(result_class=result_class)))


def _selected(request: Request, text: str) -> list[str]:
    return _rows(query(request, f"SELECT * FROM {text}"))


def _rows(results: Iterable[Any]) -> list[str]:
    """Return rows in an order that does not depend on the source's."""
    return sorted(repr(row) for result in results for row in result.rows)


def _answers(request: Request) -> Iterator[object]:
    """Yield the answers to requests that name processes, logon sessions, accounts or ports."""
    pids = [*(process.pid for process in example.PROCESSES), 99999]
    targets = ["sshd", "name:python3", "user:alice", ":8080", "127.0.0.1:8080", ":22", ":1", "/usr/bin/python3"]
    texts = ["Process WHERE Handle = 4312", "Process WHERE Name = 'sshd'", "UserAccount WHERE Name = 'bob'"]
    texts += [f"LoggedOnUser WHERE Dependent = 'Win32_LogonSession={logon}'" for logon in (37, 41)]
    asks: list[Callable[[], object]] = [
        *(partial(broker.whose, request, str(target)) for target in (*pids, *targets)),
        *(partial(broker.session_of, request, pid) for pid in pids),
        *(partial(_of_pid, request, name, pid) for pid in pids for name in ("Win32_LogonSession", "CIM_System")),
        *(partial(sorted, broker.processes(request, which)) for which in ("41", "37", "c1", "alice", "system")),
        *(partial(_selected, request, f"Win32_{text}") for text in texts),
    ]
    for ask in asks:
        try:
            yield ask()
        except LogonscopeError as error:
            yield str(error)


@pytest.mark.parametrize("caller", [ROOT, user(1000)], ids=["root", "alice"])
def test_a_source_may_return_more_than_a_query_names(caller: Caller) -> None:
    hosts = (Memory(example.snapshot()), Generous(example.snapshot()))
    exact, generous = (list(_answers(host.request(caller))) for host in hosts)
    assert generous == exact
    assert len(set(map(str, exact))) > 30


def test_a_schema_is_handed_on_only_if_it_is_loaded() -> None:
    requests = [Memory(example.snapshot()).request(ROOT) for _ in range(2)]
    schema = requests[1].schema
    assert [request.loaded_schema for request in requests] == [None, schema]
    heir = Request(requests[1].source, requests[1].ownership, ROOT, schema=schema)
    assert heir.loaded_schema is heir.schema is schema
