"""Tests of client/local_host.py: a host in this process and a recording answer every question alike."""

import copy
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import logonscope
from logonscope import (
    Host,
    InvalidClassError,
    InvalidObjectPathError,
    InvalidParameterError,
    LogonFilter,
    NotFoundError,
    NotSupportedError,
)
from logonscope.broker import Caller
from logonscope.client import LocalHost
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests.broker.memory import Memory
from tests.example import recording, snapshot
from tests.hosts import HostFolder


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return logonscope.connect(recording(tmp_path))


def test_sessions_may_be_selected_by_number_or_word(host: Host) -> None:
    for which in (41, "41", "0041"):
        assert [session.user for session in host.sessions(which)] == ["alice"]
    assert [session.login for session in host.sessions("c1")] == ["c1"]
    assert [session.logon_id for session in host.sessions("bob")] == ["37"]
    assert host.sessions("mallory") == []


def test_processes_and_pairs_are_those_of_the_tree(host: Host) -> None:
    from_tree = {(row.pid, row.logon_id) for tree in host.tree() for row in tree.processes}
    assert from_tree == {(row.pid, row.logon_id) for row in host.processes()} == set(host.session_processes())
    assert [row.pid for row in host.processes(63)] == [6000, 6001]
    assert [tree.session.logon_id for tree in host.tree("bob") if tree.session] == ["37"]


def test_one_process_is_asked_by_number_by_name_and_by_port(host: Host) -> None:
    assert host.session_of(4312).session.user == "alice"
    assert host.session_of(4312).evidence == "audit"
    for target in (4312, "4312", ":8080"):
        assert [answer.pid for answer in host.whose(target)] == [4312]
    assert [answer.pid for answer in host.whose("sshd")] == [700, 4100, 4150]
    with pytest.raises(NotFoundError, match="no process 9"):
        host.session_of(9)


def test_a_recording_made_without_elevation_says_that_it_is_partial(tmp_path: Path) -> None:
    path = str(tmp_path / "own.lsr")
    alice = LocalHost(Memory(snapshot()), LINUX, Caller("alice", 1000, administrator=False), save_recording)
    alice.record(path)
    host = logonscope.connect(path)
    assert not host.sees_everything
    assert {session.user for session in host.sessions()} == {"alice"}
    assert [check.subject for check in host.doctor() if check.ok is False] == ["this recording"]


def test_a_recording_can_be_recorded_and_looked_over(host: Host, tmp_path: Path) -> None:
    again = str(tmp_path / "again.lsr")
    assert host.record(again) == 16
    assert logonscope.connect(again).sessions() == host.sessions()
    assert [check.subject for check in host.doctor() if check.ok is False] == []


def test_an_instance_is_got_by_a_path_and_leads_on_by_its_references(host: Host) -> None:
    process = host.get("Win32_Process=4312")
    assert (process.Handle, process["handle"], process.SessionId) == ("4312", "4312", 41)
    pair = next(iter(host.references(process.path or "", result_class="Win32_SessionProcess")))
    assert host.get(pair.Antecedent, ["LogonId"]).LogonId == "41"
    assert host.get(pair.Dependent) == process
    assert pair == host.get(pair.path or "")
    with pytest.raises(NotFoundError):
        host.get("Win32_Process=9")


def test_classes_are_asked_by_name_and_by_pattern(host: Host) -> None:
    assert [found.name for found in host.classes("win32_session*")] == [
        "Win32_Session", "Win32_SessionConnection", "Win32_SessionResource", "Win32_SessionProcess",
    ]  # fmt: skip
    assert host.get_class("LS_Process", namespace="root/logonscope").keys == ("Handle",)
    assert host.get("LS_Process", namespace="root/logonscope") is host.get_class(
        "LS_Process", namespace="root/logonscope"
    )
    with pytest.raises(InvalidClassError):
        host.get_class("Win32_Nothing")


def test_instances_are_enumerated_as_they_are_read(host: Host) -> None:
    found = host.enumerate("Win32_LogonSession", ["LogonId"])
    assert next(found).LogonId == "4294967295"
    assert [session.LogonId for session in found] == ["4294967297", "37", "41", "42", "63"]
    assert [row.Evidence for row in host.enumerate("LS_SessionProcess", namespace="root\\logonscope")][4] == "scope"


def test_what_is_tied_to_an_instance_is_narrowed_by_classes_and_roles(host: Host) -> None:
    session = "Win32_LogonSession=37"
    assert [p.Handle for p in host.associators(session, assoc_class="Win32_SessionProcess")] == ["3990", "3991"]
    assert [u.Name for u in host.associators(session, role="Dependent", properties=["Name"])] == ["bob"]
    assert list(host.associators(session, result_role="PartComponent")) == []
    assert len(list(host.references(session, role="Antecedent"))) == 2


def test_a_method_is_asked_of_a_recorded_host_as_far_as_it_only_tells(host: Host) -> None:
    assert host.invoke("Win32_Process=3901", "GetOwner").parameters == {"User": "postgres", "Domain": "web1"}
    with pytest.raises(NotSupportedError):
        host.invoke("Win32_Process=3901", "Terminate", {"Reason": 0})


def test_an_instance_can_be_given_as_a_path(host: Host) -> None:
    process = host.get("Win32_Process=3901")
    assert host.get(process) == process
    assert host.invoke(process, "GetOwner").parameters["User"] == "postgres"
    assert [found.LogonId for found in host.associators(process, assoc_class="Win32_SessionProcess")] == ["4294967297"]
    nameless = host.get(process, ["Name"])
    with pytest.raises(
        InvalidObjectPathError, match="is not an object path; give text, or an instance that has its keys"
    ):
        host.get(nameless)
    with pytest.raises(InvalidObjectPathError):
        host.get(None)  # type: ignore[arg-type]  # what is wrong is the point


def test_the_names_of_properties_are_a_list(host: Host) -> None:
    with pytest.raises(InvalidParameterError, match=r"give \['Name'\]"):
        host.enumerate("Win32_Process", "Name")


def test_an_instance_survives_being_pickled_and_copied(host: Host) -> None:
    process = host.get("Win32_Process=3901", ["__PATH", "Name"])
    again = pickle.loads(pickle.dumps(process))  # noqa: S301 -- our own
    assert again == copy.deepcopy(process) == process
    assert {again, process} == {process}
    assert dict(again) == {"__PATH": '\\\\web1\\root\\cimv2:Win32_Process.Handle="3901"', "Name": "bash"}


THREADS = 8

ASKED_AT_ONCE: list[Callable[[Host], object]] = [
    lambda host: host.sessions(), lambda host: list(host.processes()), lambda host: host.whose(4312),
    lambda host: host.tree(), lambda host: list(host.enumerate("Win32_Process")),
    lambda host: list(host.query("SELECT * FROM Win32_LogonSession WHERE LogonType = 10")),
    lambda host: list(host.associators("Win32_LogonSession=41")),
    lambda host: [cls.name for cls in host.query_classes("SELECT * FROM meta_class")],
]  # fmt: skip


def test_several_threads_can_ask_one_host(host: Host) -> None:
    expected = [ask(host) for ask in ASKED_AT_ONCE]
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(5):
            assert list(pool.map(lambda ask: ask(host), ASKED_AT_ONCE)) == expected


def test_several_threads_can_ask_a_machine_whose_files_are_read_each_time(tmp_path: Path) -> None:
    folder = HostFolder(tmp_path / "machine")
    folder.login("41", uid=1000, leader=4312)
    for pid in (4312, *range(100, 200)):
        folder.process(pid, "bash", ses=41, loginuid=1000)
    expected = [ask(folder.connect()) for ask in ASKED_AT_ONCE]
    host = folder.connect()
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(5):
            assert list(pool.map(lambda ask: ask(host), ASKED_AT_ONCE)) == expected


def test_rows_travel_to_another_process(host: Host) -> None:
    rows = [*host.query("SELECT Handle, CreationDate FROM Win32_Process"), *host.sessions(), *host.tree()]
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(copy.copy, rows)) == rows


def test_a_host_says_what_it_is(host: Host) -> None:
    assert repr(host).endswith("web1.lsr as the reader of the recording>")


def test_the_moment_of_a_recording_is_when_it_was_made(host: Host) -> None:
    assert host.moment == datetime(2026, 1, 1, 11, 40, tzinfo=UTC)
    assert abs(datetime.now(UTC) - logonscope.connect().moment) < timedelta(minutes=1)


def test_filters_reach_every_question_about_logon_sessions(host: Host) -> None:
    where = LogonFilter(users=frozenset({"bob"}))
    assert [session.logon_id for session in host.sessions(where=where)] == ["37"]
    assert [row.pid for row in host.processes(where=where)] == [3990, 3991]
    assert [row.pid for row in host.leftovers(where=where).processes] == [3990, 3991]
    assert [len(tree.processes) for tree in host.tree(where=where)] == [2]
    assert host.sessions(41, where) == []
    assert host.sessions(where=LogonFilter()) == host.sessions()
