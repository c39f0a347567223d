"""Tests of machine/ownership.py: everything above it also works with rules other than those of Linux."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope import Host, Instance
from logonscope.broker import Caller, Request
from logonscope.broker.explain import explain
from logonscope.broker.request import ReadOrder
from logonscope.broker.session_selector import SessionFilter, select_sessions
from logonscope.client import LocalHost
from logonscope.errors import AccessDeniedError, NotFoundError
from logonscope.facts import Login, Process
from logonscope.machine import ANY_LOGON, LogonHint, Look, ProcessQuery, Selection
from logonscope.machine.snapshot import Snapshot
from logonscope.sources.recording import save_recording
from tests.broker import operations as broker
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.ownership.windows import (
    ALICE,
    BOB,
    BOBS,
    DESKTOP,
    LOCAL_SERVICE,
    LOGINS,
    MACHINE,
    NETWORK,
    PROCESSES,
    SERVICE,
    SYSTEM_LUID,
    WINDOWS,
    login,
    snapshot,
    token,
)

SYSTEM, HERS, REMOTE, HIS, LOCAL = map(str, (SYSTEM_LUID, DESKTOP, NETWORK, BOBS, SERVICE))
OWNED = {4: SYSTEM, 600: SYSTEM, 700: LOCAL, 1000: HERS, 1010: HERS, 1020: HIS, 1100: REMOTE, 2000: HIS}
ORDERS: tuple[ReadOrder, ...] = ("logins first", "processes first")


def ask(caller: Caller = ROOT, *looks: Snapshot) -> Request:
    """Return a question to a Windows."""
    return Memory(*looks or (snapshot(),)).request(caller, WINDOWS)


def connect(caller: Caller = ROOT) -> Host:
    """Return a Windows as a user gets it."""
    return LocalHost(Memory(snapshot()), WINDOWS, caller, save_recording)


def values(host: Host, text: str) -> list[Any]:
    """Return the rows of a query, as tuples."""
    return [tuple(row.properties().values()) for row in host.query(text) if isinstance(row, Instance)]


# The operations


def test_every_process_is_paired_with_the_logon_session_of_its_token() -> None:
    assert dict(broker.read_pairs(ask())) == OWNED
    assert {row.evidence for row in broker.processes(ask())} == {"token", "unread"}


def test_logon_sessions_are_described_by_their_records() -> None:
    sessions = broker.sessions(ask())
    assert [(session.logon_id, session.user, session.logon_type, session.processes) for session in sessions] == [
        (SYSTEM, None, 0, 2), (LOCAL, "LOCAL SERVICE", 5, 1), (HERS, "alice", 10, 2), (REMOTE, "alice", 3, 1),
        (HIS, "bob", 2, 2),
    ]  # fmt: skip
    assert {session.recorded_by for session in sessions} == {"LSA", None}


@pytest.mark.parametrize(
    ("word", "pids"),
    [
        (HERS, {1000, 1010}), ("alice", {1000, 1010, 1100}), ("bob", {1020, 2000}), ("system", {4, 600}),
        (SYSTEM, {4, 600}), ("1105", set()), ("nobody", set()), ("5", set()), ("", set()), (None, set(OWNED) | {3000}),
    ],
)  # fmt: skip
def test_a_word_selects_the_same_processes_everywhere(word: str | None, pids: set[int]) -> None:
    assert {row.pid for row in broker.processes(ask(), word)} == pids
    assert {row.pid for tree in broker.tree(ask(), word) for row in tree.processes} == pids
    counted = sum(session.processes or 0 for session in broker.sessions(ask(), word))
    assert counted == len(pids - {3000})


def test_a_tree_ends_with_the_processes_of_unknown_owners() -> None:
    trees = broker.tree(ask())
    assert [tree.session for tree in trees] == [*broker.sessions(ask()), None]
    assert [(row.pid, row.logon_id, row.evidence, row.unread) for row in trees[-1].processes] == [
        (3000, None, "unread", {"ses": "Access is denied"})
    ]


def test_whose_a_process_is_costs_its_parents_and_one_record() -> None:
    memory = Memory(snapshot())
    (answer,) = broker.whose(memory.request(ROOT, WINDOWS), "1010")
    assert (answer.logon_id, answer.evidence, answer.session.user) == (HERS, "token", "alice")
    assert [link.pid for link in answer.chain] == [1000, 1010]
    assert memory.asked.logins == [frozenset({HERS})]
    assert set(memory.asked.pids) == {1010, 1000, 600}
    assert broker.session_of(ask(), 4).session.logon_type == 0
    assert [one.pid for one in broker.whose(ask(), "explorer.exe")] == [1000, 2000]
    with pytest.raises(AccessDeniedError, match="cannot read process 3000: Access is denied"):
        broker.whose(ask(), "3000")
    with pytest.raises(NotFoundError):
        broker.whose(ask(), "99")


def test_a_recording_holds_everything() -> None:
    recorded = broker.recordable_snapshot(ask())
    assert [process.pid for process in recorded.processes] == [process.pid for process in PROCESSES]
    assert recorded.logins == LOGINS
    own = broker.recordable_snapshot(ask(user(BOB)))
    assert [process.pid for process in own.processes] == [1020, 2000]
    assert [login.id for login in own.logins] == [HIS]


LINUX_WORDS = r"cgroup|sessionid|\bses\b|loginuid|[Kk]ernel.?ids?\b|audit session|user\.slice"


def test_doctor_reports_nothing_about_a_kernel() -> None:
    found = {check.subject: check.finding for check in broker.doctor(ask())}
    assert found["login service"] == "4 login records"
    assert found["fact ses"] == "not readable for 1 of 9 processes (pid 3000): Access is denied"
    assert not any(re.search(LINUX_WORDS, f"{what} {said}") for what, said in found.items() if what != "fact ses")


# Who sees what


def test_a_user_sees_their_own_logon_sessions_and_processes() -> None:
    request = ask(user(ALICE))
    rows = {row.pid: row for row in broker.processes(request)}
    assert {pid: row.logon_id for pid, row in rows.items()} == {1000: HERS, 1010: HERS, 1020: None, 1100: REMOTE}
    assert rows[1020].evidence == "hidden"
    assert rows[1020].command_line == "runas.exe"
    assert [session.logon_id for session in broker.sessions(request)] == [HERS, REMOTE]
    assert dict(broker.read_pairs(ask(user(BOB)))) == {1020: HIS, 2000: HIS}
    masked = next(row for row in broker.processes(ask(user(BOB))) if row.pid == 1020)
    assert (masked.logon_id, masked.command_line, masked.executable) == (HIS, None, None)
    for pid in ("2000", "1020", "4"):
        with pytest.raises(AccessDeniedError):
            broker.whose(request, pid)
    with pytest.raises(AccessDeniedError):
        broker.sessions(ask(user(None)))


@pytest.mark.parametrize("order", ORDERS)
def test_a_reading_for_a_user_is_narrowed_to_their_own_luids(order: ReadOrder) -> None:
    memory = Memory(snapshot())
    request = memory.request(user(ALICE), WINDOWS)
    owned = request.read(
        ProcessQuery(),
        Selection(login_uids=frozenset({ALICE, BOB})),
        read_order=order,
        include_own_in_sessions_of_others=False,
    )
    assert [process.pid for process, _ in owned.pairs] == [1000, 1010, 1100]
    assert [query.logon_hint.kernel_ids for query in memory.asked.processes] == [frozenset({DESKTOP, NETWORK})]


def test_an_explanation_does_not_reveal_the_owner_of_a_hidden_process() -> None:
    (part,) = explain(ask(user(BOB)), "ASSOCIATORS OF {Win32_Process=1010}").parts
    assert HERS not in repr(part)
    (part,) = explain(ask(), "SELECT * FROM Win32_LogonSession WHERE LogonId = 5").parts
    log = "the journal (without one, auth.log or secure): sshd's lines about these logins"
    assert part.reads == ("the records of logins", "ses: of every process with LUID 5", log)


# What happens meanwhile

LATE = login(0x50000, ALICE, "alice", "Interactive", 3)
HERE = snapshot()._replace(processes=(*PROCESSES, token(4000, 600, "cmd.exe", 0x50000, ALICE)))
LATER = HERE._replace(logins=(*LOGINS, LATE))


@pytest.mark.parametrize("caller", [ROOT, user(ALICE)])
def test_a_login_that_appears_while_processes_stream_is_learned(caller: Caller) -> None:
    memory = Memory(HERE, LATER)
    rows = {row.pid: row for row in broker.processes(memory.request(caller, WINDOWS))}
    assert (rows[4000].logon_id, rows[4000].login_uid) == (str(0x50000), ALICE)
    assert memory.asked.logins == [None, {str(0x50000)}]


def test_a_login_that_appears_while_logon_sessions_are_read_is_read_again() -> None:
    memory = Memory(HERE, HERE, LATER)
    sessions = broker.sessions(memory.request(user(ALICE), WINDOWS))
    assert [(session.logon_id, session.processes) for session in sessions] == [
        (HERS, 2), (REMOTE, 1), (str(0x50000), 1),
    ]  # fmt: skip
    assert len(memory.asked.processes) == 2


# Classes and queries


def test_pairs_sessions_accounts_and_processes_are_instances() -> None:
    pairs = values(connect(), "SELECT Antecedent, Dependent FROM Win32_SessionProcess")
    assert pairs[0] == (
        f'\\\\.\\root\\cimv2:Win32_LogonSession.LogonId="{SYSTEM}"',
        '\\\\.\\root\\cimv2:Win32_Process.Handle="4"',
    )
    assert len(pairs) == len(OWNED)
    assert values(connect(), "SELECT LogonId, LogonType, AuthenticationPackage FROM Win32_LogonSession") == [
        (SYSTEM, 0, None), (LOCAL, 5, "Negotiate"), (HERS, 10, "Kerberos"), (REMOTE, 3, "NTLM"), (HIS, 2, "Kerberos"),
    ]  # fmt: skip
    accounts = values(connect(), "SELECT Antecedent FROM Win32_LoggedOnUser")
    assert [account.split('Name="')[1] for (account,) in accounts] == ['LOCAL SERVICE"', 'alice"', 'alice"', 'bob"']
    columns = "ProcessId, Name, SessionId, CommandLine"
    assert values(connect(), f"SELECT {columns} FROM Win32_Process WHERE Handle = 1010") == [
        (1010, "powershell.exe", 2, "powershell.exe -NoProfile")
    ]
    numbers = [number for (number,) in values(connect(), "SELECT SessionId FROM Win32_Process")]
    assert numbers == [0, 0, 0, 2, 2, 1, 0, 1, None]
    assert values(connect(user(BOB)), f"SELECT {columns} FROM Win32_Process WHERE ProcessId = 1010") == [
        (1010, "powershell.exe", None, None)
    ]


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        (f"SELECT * FROM Win32_SessionProcess WHERE Antecedent = 'Win32_LogonSession={HERS}'", ["1000", "1010"]),
        ("SELECT * FROM Win32_SessionProcess WHERE Dependent = 'Win32_Process=700'", ["700"]),
        ("SELECT * FROM Win32_Process WHERE SessionId = 2 AND Name LIKE 'power%'", ["1010"]),
        ("SELECT * FROM Win32_Process WHERE SessionId IS NULL", ["3000"]),
        (f"ASSOCIATORS OF {{Win32_LogonSession={HIS}}} WHERE ResultClass = Win32_Process", ["1020", "2000"]),
        ("ASSOCIATORS OF {Win32_Process=4}", []),
    ],
)
def test_a_query_finds_processes_by_their_logon_sessions(text: str, pids: list[str]) -> None:
    found = [str(row.relpath) for row in connect().query(text)]
    assert [path.split("Handle=")[1].strip('\\"') for path in found if "Win32_Process." in path] == pids


def test_associations_lead_from_a_process_to_who_logged_in() -> None:
    host = connect()
    (session,) = host.associators("Win32_Process=1010", result_class="Win32_LogonSession")
    assert (session.LogonId, session.LogonType) == (HERS, 10)
    (account,) = host.associators(session, result_class="Win32_Account")
    assert (account.Domain, account.Name) == ("DC1", "alice")
    logons = host.associators(account, result_class="Win32_LogonSession")
    assert [logon.LogonId for logon in logons] == [HERS, REMOTE]
    assert host.invoke("Win32_Process=1010", "GetOwner").parameters == {"User": "alice", "Domain": "DC1"}


# Any host

LUIDS = (SYSTEM_LUID, SERVICE, DESKTOP, NETWORK, BOBS)
USERS = (18, LOCAL_SERVICE, ALICE, BOB)


@st.composite
def hosts(draw: st.DrawFn) -> Snapshot:
    """Return a Windows with any tokens, and records of any of its logon sessions."""
    logins = [
        login(luid, draw(st.sampled_from(USERS)), "", "Network", 1) for luid in draw(st.sets(st.sampled_from(LUIDS)))
    ]
    processes = [
        token(pid, draw(st.integers(0, pid - 1)), f"p{pid}", draw(st.none() | st.sampled_from(LUIDS)),
              draw(st.sampled_from(USERS)), f"secret-{pid}-")
        for pid in range(1, 1 + draw(st.integers(1, 8)))
    ]  # fmt: skip
    return snapshot()._replace(processes=tuple(processes), logins=tuple(logins))


def login_uid(host: Snapshot, process: Process) -> int | None:
    """Return who logged in to the logon session of a process, as its record says."""
    records: dict[str, Login] = {login.id: login for login in host.logins}
    record = None if process.ses == SYSTEM_LUID else records.get(str(process.ses))
    return record and record.uid


@given(hosts(), st.sampled_from(USERS))
@settings(max_examples=100)
def test_a_user_sees_exactly_their_own_on_any_host(host: Snapshot, uid: int) -> None:
    own = {one.pid: str(one.ses) for one in host.processes if login_uid(host, one) == uid}
    seen = {one.pid for one in host.processes if one.pid in own or one.uids == (uid,) * 4}
    assert dict(broker.read_pairs(ask(user(uid), host))) == own
    rows = {row.pid: row for row in broker.processes(ask(user(uid), host))}
    assert rows.keys() == seen
    assert {pid: row.logon_id for pid, row in rows.items() if row.logon_id} == own
    sessions = broker.sessions(ask(user(uid), host))
    assert {session.logon_id: session.processes for session in sessions} == {
        logon: list(own.values()).count(logon) for logon in own.values()
    }
    for process in host.processes:
        if process.uids != (uid,) * 4:
            assert f"secret-{process.pid}-" not in repr(rows)


@given(hosts(), st.sampled_from([0, *USERS]), st.sampled_from([*map(str, LUIDS), "alice", "bob", "system"]),
       st.sampled_from(ORDERS))  # fmt: skip
@settings(max_examples=100)
def test_a_narrowed_reading_returns_what_a_whole_reading_keeps(
    host: Snapshot, uid: int, word: str, order: ReadOrder
) -> None:
    request, query = ask(user(uid) if uid else ROOT, host), ProcessQuery(frozenset({"comm"}))
    keeps = SessionFilter(
        select_sessions(word, WINDOWS, WINDOWS.index(host.logins, MACHINE), request.accounts),
        WINDOWS,
        request.accounts,
        case_sensitive=True,
    ).keeps
    whole = [
        (process.pid, owner) for process, owner in request.read(query, read_order=order).pairs if keeps(process, owner)
    ]
    assert [(process.pid, owner) for process, owner in request.read(query, word, read_order=order).pairs] == whole


@given(hosts(), st.frozensets(st.sampled_from(USERS), max_size=2), st.frozensets(st.sampled_from(LUIDS)))
def test_a_hint_loses_no_process(host: Snapshot, uids: frozenset[int], known: frozenset[int]) -> None:
    index = WINDOWS.index(host.logins, MACHINE)

    def kept(hint: LogonHint) -> list[int]:
        found = Memory(host).processes(Look(), ProcessQuery(WINDOWS.owner_facts, logon_hint=hint))
        return [process.pid for process in found if WINDOWS.login_uid(index.owner(process), ()) in uids]

    older = WINDOWS.index((login for login in host.logins if int(login.id) in known), MACHINE)
    for hint in (index.hint(frozenset(), Selection(), uids), older.hint(frozenset(), Selection(), uids)):
        if not index.is_insufficient_hint(hint):
            assert kept(hint) == kept(ANY_LOGON)
