"""Tests of broker/explain.py: an explanation names what the query reads."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.answers.explanation import PartExplained
from logonscope.broker import Caller, Request
from logonscope.broker.explain import ReadingRecorder, explain
from logonscope.broker.query import query
from logonscope.cim.instances import ClassRows
from logonscope.errors import LogonscopeError
from logonscope.ownership import LINUX
from tests import example
from tests.broker.crowds import PEOPLE, Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

NAMES = ("Handle",)


def told(text: str, request: Request | None = None, namespace: str | None = None) -> tuple[PartExplained, ...]:
    return explain(request or Memory(example.snapshot()).request(ROOT), text, namespace).parts


@pytest.mark.parametrize(
    ("where", "fixed", "reads", "predicate"),
    [
        ("", {}, ("the pid alone: of every process",), None),
        (
            "WHERE Handle = 4312 OR Handle = 7",
            {"Handle": ('"4312"', '"7"')},
            ("tgid: of process 4312, 7",),
            None,
        ),
        (
            "WHERE Name = 'sshd' AND ThreadCount > 1",
            {"Name": ('"sshd"',)},
            ("name, threads: of every process named sshd",),
            "ThreadCount > 1",
        ),
        ("WHERE NOT Name LIKE '%ssh%'", {}, ("name: of every process",), 'NOT Name LIKE "%ssh%"'),
        (
            "WHERE SessionId IS NULL OR SessionId = 3",
            {},
            ("the records of logins", "cgroup, ses: of every process"),
            "SessionId IS NULL OR SessionId = 3",
        ),
    ],
)
def test_it_says_what_is_fixed_what_is_read_and_what_is_left(
    where: str, fixed: dict[str, tuple[str, ...]], reads: tuple[str, ...], predicate: str | None
) -> None:
    assert told(f"SELECT Handle FROM Win32_Process {where}") == (
        PartExplained("Win32_Process", NAMES, fixed, reads, predicate),
    )


@pytest.mark.parametrize("path", ["Win32_LogonSession", "Win32_OperatingSystem=@", "Win32_Process=1"])
def test_of_what_can_stand_nowhere_nothing_is_read(path: str) -> None:
    assert told(f"SELECT * FROM Win32_SessionProcess WHERE Antecedent = '{path}'") == ()


def test_it_reads_no_process() -> None:
    memory = Memory(example.snapshot())
    explain(memory.request(ROOT), "SELECT * FROM Win32_Process WHERE Name = 'sshd'")
    assert memory.asked.processes == []


@pytest.mark.parametrize("uid", [0, 1000])
def test_the_explained_first_reading_equals_that_of_the_query(uid: int) -> None:
    memory, caller = Memory(example.snapshot()), user(uid) if uid else ROOT
    text = "SELECT * FROM Win32_Process WHERE Name = 'python3' AND SessionId = 41"
    (part,) = told(text, memory.request(caller))
    memory.forget()
    for answer in query(memory.request(caller), text):
        assert isinstance(answer, ClassRows)
        assert len(list(answer.rows)) == 1
    (asked,) = memory.asked.processes
    assert asked.pids is None
    assert asked.early_filter is not None
    assert part.reads[1] == f"{', '.join(sorted(asked.early_filter.facts))}: of every process named python3"
    assert part.reads[2] == f"{', '.join(sorted(asked.facts - asked.early_filter.facts))}: of those that match"


def test_accounts_and_sockets_are_explained_too() -> None:
    (part, *_) = told("SELECT * FROM Win32_UserAccount WHERE Name = 'alice' AND Domain = 'web1'")
    assert part.reads == ("account alice, alice@web1, web1\\alice", "the state of the accounts' passwords")
    (part, *_) = told("SELECT Name FROM Win32_UserAccount WHERE Name = 'alice'")
    assert part.reads == ("all accounts",)
    (part,) = told("SELECT LocalPort FROM LS_Socket WHERE LocalPort = 8080", namespace="root/logonscope")
    assert part.reads[0] == "the sockets at port 8080"


def readings(text: str, caller: Caller = ROOT, namespace: str | None = None) -> list[str]:
    """Return what the answer to a query really reads, in words."""
    noting = ReadingRecorder(Memory(example.snapshot()), LINUX.kernel_id_noun, shows_numbers=True)
    for answer in query(Request(noting, LINUX, caller), text, namespace):
        assert isinstance(answer, ClassRows)
        list(answer.rows)
    return list(dict.fromkeys(noting.readings))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM LS_Socket",
        "SELECT LocalPort FROM LS_Socket WHERE LocalPort = 8080",
        "SELECT LocalPort FROM LS_ProcessSocket WHERE Dependent = 'LS_Socket=9001' AND LogonId = '41'",
        "SELECT * FROM LS_LogonSession WHERE User = 'alice'",
        "SELECT * FROM LS_LogonSession WHERE User = 'nobody-here'",
        "SELECT * FROM LS_SessionProcess WHERE Antecedent = 'LS_LogonSession=41' AND User = 'root'",
        'SELECT * FROM Win32_LoggedOnUser WHERE Antecedent = \'Win32_Account.Domain="web1",Name="alice"\'',
        'SELECT * FROM Win32_GroupUser WHERE PartComponent = \'Win32_UserAccount.Domain="web1",Name="alice"\'',
        "SELECT * FROM Win32_Process WHERE ParentProcessId = 1",
        "SELECT NumberOfProcesses FROM Win32_OperatingSystem",
    ],
)
@pytest.mark.parametrize("caller", [ROOT, user(1000)], ids=["root", "alice"])
def test_an_explanation_equals_the_requests_of_the_query(text: str, caller: Caller) -> None:
    namespace = "root/logonscope" if " LS_" in text else None
    parts = told(text, Memory(example.snapshot()).request(caller), namespace)
    said, really = [reading for part in parts for reading in part.reads], readings(text, caller, namespace)
    # threads are read only for sockets that no visible process holds, which is not known before
    assert set(really) <= set(said)
    assert really == [reading for reading in said if reading in really or "thread_sockets" not in reading]


@pytest.mark.parametrize(
    "text",
    [
        'ASSOCIATORS OF {Win32_UserAccount.Domain="web1",Name="alice"}',
        "ASSOCIATORS OF {Win32_LogonSession=41}",
        "REFERENCES OF {Win32_LogonSession=41}",
        "ASSOCIATORS OF {Win32_Process=4312}",
        "ASSOCIATORS OF {Win32_Process=4312} WHERE ResultClass = Win32_LogonSession",
        "REFERENCES OF {Win32_Process=4312}",
        'REFERENCES OF {Win32_Group.Domain="web1",Name="sudo"}',
    ],
)
@pytest.mark.parametrize("caller", [ROOT, user(1000)], ids=["root", "alice"])
def test_associations_are_explained_by_exactly_what_is_read_by_pid(text: str, caller: Caller) -> None:
    (part,) = told(text, Memory(example.snapshot()).request(caller))
    really = readings(text, caller)
    assert set(part.reads) <= set(really)
    if "Win32_Process" in text:
        assert list(part.reads) == really


def test_other_queries_are_explained_by_their_result_classes() -> None:
    request = Memory(example.snapshot()).request(ROOT)
    assert explain(request, "SELECT * FROM meta_class WHERE __Class = 'Win32_Group'") == (
        "classes", "root\\cimv2", (PartExplained("Win32_Group", (), {}, (), None),),
    )  # fmt: skip
    asks_for, of, (part,) = explain(request, "ASSOCIATORS OF {Win32_Process=4312} WHERE ResultClass=Win32_LogonSession")
    assert (asks_for, of) == ("associators", '\\\\.\\root\\cimv2:Win32_Process.Handle="4312"')
    assert part.reads == (
        "cgroup, comm, loginuid, pid_namespaces, ppid, ses, start, tgid, tty_nr, uids: of process 4312",
        "the records of login 41",
        "cgroup, comm, loginuid, pid_namespaces, ppid, ses, start, tty_nr, uids: of process 4300 and its parents",
        "cgroup, children, comm, ppid, ses, start, tty_nr, uids: of process 4100",
        "cgroup, children, comm, ppid, ses, start, tty_nr, uids: of process 4150",
        "cgroup, children, comm, ppid, ses, start, tty_nr, uids: of process 4151",
        "the journal (without one, auth.log or secure): sshd's lines about these logins",
    )
    asks_for, of, (part,) = explain(
        request, "SELECT * FROM __InstanceCreationEvent WITHIN 5 WHERE TargetInstance ISA 'Win32_LogonSession'"
    )
    assert (asks_for, of) == ("events", "Win32_LogonSession")
    assert (part.reads, part.predicate) == (("every 5 seconds",), 'TargetInstance ISA "Win32_LogonSession"')
    either = "TargetInstance ISA 'Win32_LogonSession' OR TargetInstance ISA 'Win32_Process'"
    _, of, _ = explain(request, f"SELECT * FROM __InstanceCreationEvent WITHIN 5 WHERE {either}")
    assert of == "Win32_LogonSession or Win32_Process"


@given(crowds(), st.sampled_from([uid for uid in PEOPLE if uid]), st.data())
@settings(max_examples=60)
def test_an_explanation_has_nothing_that_is_hidden_from_the_caller(crowd: Crowd, uid: int, data: st.DataObject) -> None:
    logon_ids = [owner.logon_id for owner in crowd.owner.values() if owner.logon_id] + [
        login.id for login in crowd.snapshot.logins
    ]
    logon_id = data.draw(st.sampled_from([*logon_ids, "999"]))
    pid = data.draw(st.sampled_from(sorted(crowd.process)))
    here, there = (
        Memory(host.snapshot).request(user(uid)) for host in (crowd, crowd.with_others_changed(uid))
    )  # fmt: skip
    for text in (
        f"SELECT * FROM Win32_LogonSession WHERE LogonId = '{logon_id}'",
        f"SELECT * FROM Win32_SessionProcess WHERE Antecedent = 'Win32_LogonSession=\"{logon_id}\"'",
        'SELECT * FROM Win32_LoggedOnUser WHERE Antecedent = \'Win32_Account.Domain="crowded",Name="alice"\'',
        f"SELECT * FROM Win32_Process WHERE Handle = {pid} AND SessionId = 3",
        f"ASSOCIATORS OF {{Win32_LogonSession='{logon_id}'}}",
        f"REFERENCES OF {{Win32_LogonSession='{logon_id}'}}",
        f"ASSOCIATORS OF {{Win32_Process={pid}}}",
        f"REFERENCES OF {{Win32_Process={pid}}}",
        f"ASSOCIATORS OF {{Win32_Process={pid}}} WHERE ResultClass = Win32_LogonSession",
    ):
        assert explain(here, text) == explain(there, text)


def test_a_hidden_logon_session_is_explained_as_a_missing_one() -> None:
    bob = Memory(example.snapshot()).request(user(1001))
    told_of = {logon: told(f"SELECT * FROM Win32_LogonSession WHERE LogonId = {logon}", bob) for logon in (41, 999)}
    assert repr(told_of[41]).replace("41", "999") == repr(told_of[999])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Nam FROM Win32_Process",
        "ASSOCIATORS OF {Win32_Process=1} WHERE AssocClass = Nope",
        "ASSOCIATORS OF {Win32_Process=1} WHERE Role = Nope",
        "REFERENCES OF {Win32_Process=1} WHERE ResultClass = Win32_Process",
    ],
)
def test_an_invalid_query_cannot_be_explained(text: str) -> None:
    with pytest.raises(LogonscopeError, match="at line 1, column"):
        told(text)


def test_only_the_columns_of_a_details_read_it() -> None:
    request = Memory(example.snapshot()).request(ROOT)
    log, sockets = (
        "the journal (without one, auth.log or secure): sshd's lines about these logins",
        "the sockets of the leaders of ssh logins",
    )
    for columns, readings in (
        ("LogonId, User, Sources", set()),
        ("KeyFingerprint", {log}),
        ("AuthenticationPackage", {log}),
        ("RemotePort", {sockets}),
        ("*", {log, sockets}),
    ):
        _, _, (part,) = explain(request, f"SELECT {columns} FROM LS_LogonSession", "root/logonscope")
        assert {log, sockets}.intersection(part.reads) == readings
    _, _, (part,) = explain(request, "SELECT LogonId FROM LS_LogonSession WHERE KeyType = 'RSA'", "root/logonscope")
    assert log in part.reads


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("SELECT State FROM Win32_Service WHERE Name = 'ssh.service'", "service ssh.service"),
        ("SELECT State FROM Win32_Service", "all services"),
        ("SELECT LastUseTime FROM Win32_UserProfile", "the databases of past logins"),
        ("SELECT LogonId FROM LS_UnitLogon", "the journal: starts of services, and sudo's lines about commands"),
        ("SELECT Name FROM Win32_BIOS", "the machine"),
        ("SELECT BaseAddress FROM CIM_ProcessExecutable", "mapped_files: of every process"),
    ],
)
def test_services_past_logins_and_files_are_explained(text: str, reading: str) -> None:
    (part,) = told(text, namespace="root/logonscope" if "LS_" in text else None)
    assert reading in part.reads
