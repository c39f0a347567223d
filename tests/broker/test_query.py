"""Tests of broker/query.py: queries have the rows that WMI returns. The queries and their rows are in queries/."""

import os
import threading
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.broker import Caller
from logonscope.broker.query import query
from logonscope.cim.instances import ClassRows
from logonscope.errors import (
    AccessDeniedError,
    InvalidParameterError,
    InvalidQueryError,
    InvalidQueryTypeError,
    LogonscopeError,
    NotFoundError,
    TimedOutError,
)
from logonscope.facts import Process
from logonscope.wql.write import write_constant
from tests import example
from tests.broker.asked_in_wql import Asked, answer, asked
from tests.broker.crowds import NAMES, PEOPLE, Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, user
from tests.providers.asked import seen

FILES = sorted((Path(__file__).parent / "queries").glob("*.txt"))
QUERIES = [
    pytest.param(found, id=f"{path.stem}: {found.text}")
    for path in FILES
    for found in asked(path.read_text(encoding="utf-8"))
]
EVERYTHING_ELSE = {"sessionid", "loginuid", "cgroup", "status", "statm", "io", "cmdline", "task/PID/children"}


@pytest.mark.parametrize("found", QUERIES)
def test_the_answer_is_the_one_below_the_query(found: Asked) -> None:
    assert answer(seen(example.snapshot(), ROOT), found) == found.answer


def rows(memory: Memory, text: str, caller: Caller = ROOT, namespace: str | None = None) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    answers = list(query(memory.request(caller), text, namespace))
    return [row for found in answers if isinstance(found, ClassRows) for row in found.rows]


# What is read


def example_host() -> Memory:
    return Memory(example.snapshot())


def test_the_pid_alone_reads_nothing_of_any_process() -> None:
    memory = example_host()
    assert len(rows(memory, "SELECT Handle FROM Win32_Process")) == len(example.PROCESSES)
    assert [query.facts for query in memory.asked.processes] == [frozenset()]


@pytest.mark.parametrize(
    ("text", "pids"),
    [
        ("SELECT * FROM Win32_Process WHERE Handle = 4312", {4312}),
        ("SELECT * FROM Win32_Process WHERE Handle = 4312 OR '700' = Handle", {4312, 700}),
        ("SELECT * FROM CIM_Process WHERE Name LIKE '%' AND (Handle = 1 OR Handle = 2)", {1, 2}),
        ("SELECT * FROM Win32_Process WHERE ProcessId = 4312 AND Handle = '700'", set()),
        ("SELECT * FROM Win32_Process WHERE __RELPATH = 'Win32_Process=4312'", {4312}),
        ("SELECT * FROM Win32_SessionProcess WHERE Dependent = 'Win32_Process=4312'", {4312}),
        ("SELECT * FROM Win32_Process WHERE __CLASS = 'Win32_LogonSession'", set()),
        ("SELECT * FROM Win32_Process WHERE Handle = 'x'", set()),
    ],
)
def test_a_fixed_key_never_looks_at_the_whole_host(text: str, pids: set[int]) -> None:
    memory = example_host()
    assert {row[0] is None for row in rows(memory, text)} <= {True, False}
    assert set(memory.asked.pids) - {4100, 4150, 4151, 4300} <= pids


def test_what_decides_is_read_of_all_and_the_rest_of_those_that_fit(host: HostFolder) -> None:
    host.process(10, "sshd")
    host.process(11, "bash")
    host.process(12, "bash")
    for pid in (1, 11, 12):
        host.trap(pid, *EVERYTHING_ELSE)
    found = list(host.connect().query("SELECT * FROM Win32_Process WHERE Name = 'SSHD'"))
    assert [(one.Handle, one.ParentProcessId) for one in found] == [("10", 1)]


def test_a_file_that_decides_and_is_shown_is_read_once(host: HostFolder) -> None:
    host.process(10, "sshd", ppid=1, cmdline=b"sshd\0-D\0")
    for name in ("stat", "cmdline"):
        path = host.root / "proc/10" / name
        content = path.read_bytes()
        path.unlink()
        os.mkfifo(path)
        threading.Thread(
            target=path.write_bytes, args=(content,), daemon=True
        ).start()  # whoever reads once more, waits
    where = "Name = 'sshd' AND ParentProcessId <> 99999 AND (CommandLine LIKE '%' OR CommandLine IS NULL)"
    query_text = f"SELECT Name, ParentProcessId, CommandLine, ThreadCount FROM Win32_Process WHERE {where}"
    (found,) = query(host.request(), query_text)
    assert isinstance(found, ClassRows)
    assert list(found.rows) == [("sshd", 1, "sshd -D", 1)]


def test_a_fixed_user_reads_of_the_others_what_says_who_logged_in(host: HostFolder) -> None:
    host.process(10, "sh", ses=41, loginuid=1000, uid=1000)
    host.process(11, "cron", cgroup="/system.slice/cron.service")
    host.process(12, "sh", ses=42, loginuid=1001)
    for pid in (1, 11, 12):
        host.trap(pid, "stat", *EVERYTHING_ELSE - {"sessionid", "loginuid", "cgroup"})
    where = r"Antecedent = 'Win32_Account.Domain=\"testhost\",Name=\"ALICE\"'"
    found = host.connect().query(f"SELECT * FROM Win32_LoggedOnUser WHERE {where}")
    assert [one.Dependent for one in found] == ['\\\\.\\root\\cimv2:Win32_LogonSession.LogonId="41"']
    for where in ("User = 'Alice'", "Uid = 1000"):
        found = host.connect().query(f"SELECT * FROM LS_LogonSession WHERE {where}", namespace="root/logonscope")
        assert [one.LogonId for one in found] == ["41"]


def test_a_fixed_logon_session_reads_the_kernel_id_of_the_others_alone(host: HostFolder) -> None:
    host.process(10, "sh", ses=41, loginuid=1000)
    host.process(11, "sh", ses=42, loginuid=1000)
    host.trap(11, *EVERYTHING_ELSE - {"sessionid"}, "stat")
    found = list(host.connect().query("SELECT * FROM LS_SessionProcess WHERE Antecedent = 'LS_LogonSession=41'",
                                      namespace="root/logonscope"))  # fmt: skip
    assert [one.User for one in found] == ["root"]


@pytest.mark.parametrize("columns", ["Handle, CommandLine, Cgroup", "Handle"])
def test_a_fixed_user_reads_of_the_others_the_uid_alone(host: HostFolder, columns: str) -> None:
    host.process(10, "sh", uid=1000)
    host.process(11, "sh", uid=1001)
    for pid in (1, 11):
        # whether a uid is one of this host takes two more files: they are read only where the name is the requested one
        host.trap(pid, *EVERYTHING_ELSE - {"status"}, "sessionid", "stat")
    found = host.connect().query(f"SELECT {columns} FROM LS_Process WHERE User = 'ALICE'", namespace="root/logonscope")
    assert [one.Handle for one in found] == ["10"]
    found = host.connect().query("SELECT * FROM LS_SessionProcess WHERE User = 'ALICE'", namespace="root/logonscope")
    assert [one.Dependent for one in found] == ['\\\\.\\root\\logonscope:LS_Process.Handle="10"']


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT LocalPort FROM LS_Socket WHERE Inode = 5", []),
        ("SELECT LocalPort FROM LS_ProcessSocket WHERE Dependent = 'LS_Socket=5'", []),
        ("SELECT LocalPort FROM LS_Socket WHERE Inode = 9001 AND LocalPort = 22", []),
        ("SELECT LocalPort FROM LS_Socket WHERE Inode = 9001", [(8080,)]),
        ("SELECT LocalPort FROM LS_ProcessSocket WHERE Dependent = 'LS_Socket=9001'", [(8080,)]),
    ],
)
def test_a_socket_that_is_in_no_table_is_looked_for_in_no_process(text: str, found: list[tuple[int]]) -> None:
    memory = example_host()
    assert rows(memory, text, namespace="root/logonscope") == found
    assert bool(memory.asked.processes) is bool(found)


class Many:
    """Processes of which every tenth is a child of 1; remembers how many were looked at."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[Process]:
        for pid in range(1, 1001):
            self.read = pid
            ppid = 1 if pid % 10 == 5 else 2
            yield Process(pid, ses=41, loginuid=0, cgroup="/", comm="sh", name="sh", ppid=ppid, start=1, tgid=pid,
                          cmdline=b"sh\0", uids=(0,) * 4)  # fmt: skip


@pytest.mark.parametrize("caller", [ROOT, user(1000)])
@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("SELECT * FROM Win32_SessionProcess", 1),
        ("SELECT Handle, Name FROM Win32_Process WHERE Name LIKE 's%'", 1),
        ("SELECT Handle, CommandLine FROM Win32_Process WHERE ParentProcessId = 1", 10),
        ("SELECT Handle, SessionId FROM Win32_Process WHERE ParentProcessId = 1", 10),
        ("SELECT Handle, CommandLine FROM Win32_Process WHERE Handle LIKE '%5'", 10),
    ],
)
def test_a_row_comes_as_soon_as_its_process_is_read(text: str, each: int, caller: Caller) -> None:
    many = Many()
    (found,) = query(Memory(example.snapshot()._replace(processes=many)).request(caller), text)
    assert isinstance(found, ClassRows)
    if caller != ROOT and "SessionProcess" in text:  # none of them is its own
        assert list(found.rows) == []
        return
    for count, _ in enumerate(islice(found.rows, 5)):
        assert many.read <= count * each + 10


# Bounds


def test_a_query_gives_up_when_its_time_is_over() -> None:
    host = seen(example.snapshot(), ROOT)
    with pytest.raises(TimedOutError, match="no complete answer within 1e-09 s"):
        list(host.query("SELECT * FROM Win32_Process", timeout=1e-9))
    assert len(list(host.query("SELECT * FROM Win32_Process", timeout=60))) == len(example.PROCESSES)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(InvalidParameterError, match=f"invalid timeout {seconds:g} s: must be greater than 0"):
            host.query("SELECT * FROM Win32_Process", timeout=seconds)


def test_an_answer_can_be_left_half_way() -> None:
    found = seen(example.snapshot(), ROOT).query("SELECT * FROM Win32_Process")
    next(found)
    found.close()
    assert list(found) == []


def test_the_language_has_a_name_and_an_empty_query_is_refused_first() -> None:
    request = example_host().request(ROOT)
    assert list(query(request, "SELECT * FROM meta_class WHERE __Class='x'", language="wql")) == []
    with pytest.raises(InvalidQueryTypeError, match="invalid query language 'SQL'"):
        query(request, "SELECT 1", language="SQL")
    for text in ("", " \n"):
        with pytest.raises(InvalidParameterError, match="the query is empty"):
            query(request, text, language="SQL")


@pytest.mark.parametrize("text", ["SELECT * FROM Win32_Process", "nonsense", "", "SELECT * FROM Nothing"])
def test_an_unauthenticated_caller_is_refused_for_every_query(text: str) -> None:
    with pytest.raises(AccessDeniedError):
        query(example_host().request(user(None)), text)


def test_what_can_be_refused_is_refused_before_anything_is_read() -> None:
    memory = example_host()
    for text in ("SELECT Nam FROM Win32_Process", "SELECT * FROM Win32_Process WHERE ProcessId = 'x'"):
        with pytest.raises(LogonscopeError):
            query(memory.request(ROOT), text)
    assert not any(memory.asked)


@pytest.mark.parametrize(
    "text",
    [
        'ASSOCIATORS OF {Win32_UserAccount.Domain="web1",Name="nobody-here"}',
        'REFERENCES OF {Win32_Account.Domain="web1",Name="nobody-here"} WHERE ClassDefsOnly',
        "ASSOCIATORS OF {Win32_Process=99} WHERE ClassDefsOnly",
    ],
)
def test_a_missing_instance_is_an_error_while_the_rows_are_read(text: str) -> None:
    memory = example_host()
    answers = query(memory.request(ROOT), text)
    assert not any(memory.asked)
    with pytest.raises(NotFoundError):
        list(answers)


# Who sees what


@given(crowds(), st.sampled_from([uid for uid in PEOPLE if uid]))
@settings(max_examples=40)
def test_no_condition_reveals_a_hidden_value(crowd: Crowd, uid: int) -> None:
    memory, secrets = Memory(crowd.snapshot), sorted(crowd.secrets(uid))
    details = {str(pid) for pid in crowd.process if crowd.sees_details(uid, pid)}
    for pid in crowd.process:
        for column in ("CommandLine", "ExecutablePath"):
            found = rows(memory, f"SELECT Handle FROM Win32_Process WHERE {column} LIKE '%secret-{pid}-%'", user(uid))
            assert {str(row[0]) for row in found} <= details
        name = write_constant(crowd.process[pid].name)
        found = rows(memory, f"SELECT Handle FROM Win32_Process WHERE Name = {name}", user(uid))
        assert {str(row[0]) for row in found} <= details or crowd.process[pid].name == crowd.process[pid].comm
    for secret in filter(str.isdigit, secrets):
        for text in (
            f"SELECT Dependent FROM Win32_SessionProcess WHERE Antecedent = 'Win32_LogonSession={secret}'",
            f"SELECT * FROM Win32_LogonSession WHERE LogonId = '{secret}'",
            f"SELECT Handle FROM Win32_Process WHERE SessionId = {secret}",
        ):
            assert rows(memory, text, user(uid)) == []


@given(crowds(), st.sampled_from(PEOPLE), st.data())
@settings(max_examples=60)
def test_a_condition_leaves_of_all_rows_those_that_fit(crowd: Crowd, uid: int, data: st.DataObject) -> None:
    memory, caller = Memory(crowd.snapshot), user(uid) if uid else ROOT
    everything = rows(memory, "SELECT Handle, Name, ProcessId, ParentProcessId, SessionId FROM Win32_Process", caller)
    pid = data.draw(st.sampled_from(sorted(crowd.process)))
    name = str(crowd.process[pid].name)
    other = data.draw(st.sampled_from([pid, 99, 77_000_001]))
    cases: list[tuple[str, Callable[[Any], bool]]] = [
        (f"Handle = {pid} OR Handle = {other}", lambda row: row[0] in {str(pid), str(other)}),
        (f"Name = {write_constant(name.upper())}", lambda row: row[1].lower() == name.lower()),
        (f"Name <> {write_constant(name)} AND ProcessId < {pid}", lambda row: row[1] != name and row[2] < pid),
        (f"SessionId = {other}", lambda row: row[4] == other),
        (f"NOT SessionId = {other}", lambda row: row[4] is not None and row[4] != other),
        (f"ParentProcessId = {pid} OR SessionId IS NULL", lambda row: row[3] == pid or row[4] is None),
    ]
    for where, fits in cases:
        found = rows(memory, f"SELECT Handle, Name FROM Win32_Process WHERE {where}", caller)
        assert found == [row[:2] for row in everything if fits(row)], where


@given(crowds(), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE))
@settings(max_examples=60)
def test_what_fixes_a_user_leaves_of_all_logon_sessions_its_own(crowd: Crowd, uid: int, of: int) -> None:
    memory, caller = Memory(crowd.snapshot), user(uid) if uid else ROOT
    columns = "User, Uid, LogonId, ProcessCount, LeftoverCount, StartTime"
    everything = rows(memory, f"SELECT {columns} FROM LS_LogonSession", caller, "root/logonscope")
    for where, fits in (
        (f"Uid = {of}", lambda row: row[1] == of),
        (f"User = '{NAMES[of].upper()}'", lambda row: row[0] == NAMES[of]),
        (f"User = '{NAMES[of]}' AND Uid = {uid}", lambda row: row[:2] == (NAMES[of], uid)),
        (f"User = '{NAMES[of]}' OR Uid = {uid}", lambda row: row[0] == NAMES[of] or row[1] == uid),
    ):
        text = f"SELECT {columns} FROM LS_LogonSession WHERE {where}"
        assert rows(memory, text, caller, "root/logonscope") == list(filter(fits, everything)), where
    columns = "LoginUid, Dependent"
    everything = rows(memory, f"SELECT {columns} FROM LS_SessionProcess", caller, "root/logonscope")
    text = f"SELECT {columns} FROM LS_SessionProcess WHERE LoginUid = {of}"
    assert rows(memory, text, caller, "root/logonscope") == [row for row in everything if row[0] == of]
    for class_name, key in (("LS_SessionProcess", "Dependent"), ("LS_Process", "Handle")):
        everything = rows(memory, f"SELECT {key}, User FROM {class_name}", caller, "root/logonscope")
        text = f"SELECT {key}, User FROM {class_name} WHERE User = '{NAMES[of].upper()}'"
        assert rows(memory, text, caller, "root/logonscope") == [row for row in everything if row[1] == NAMES[of]]


def test_a_query_for_events_is_refused_with_a_reason() -> None:
    with pytest.raises(LogonscopeError, match="event queries are not supported yet"):
        query(example_host().request(ROOT), "SELECT * FROM Win32_ProcessStopTrace")
    with pytest.raises(InvalidQueryError):
        query(example_host().request(ROOT), "SELECT Nothing FROM Win32_ProcessStopTrace")
