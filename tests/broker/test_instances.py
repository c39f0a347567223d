"""Tests of broker/instances.py: get by key, enumeration, and that narrowing never decides the result."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from logonscope.broker import Request
from logonscope.broker.instances import enumerate_instances
from logonscope.broker.instances import get as get_object
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import schema
from logonscope.errors import (
    AccessDeniedError,
    InvalidClassError,
    InvalidObjectPathError,
    InvalidPropertyError,
    NotFoundError,
)
from logonscope.facts import Account
from logonscope.machine.snapshot import Snapshot
from logonscope.providers.helpers.registry import provided_classes
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

HERE = "\\\\.\\root\\cimv2:"


def host(snapshot: Snapshot | None = None) -> Memory:
    """Return the example host, which remembers what it is asked for."""
    return Memory(snapshot or example.snapshot())


def get(request: Request, path: str, properties: Sequence[str] | None = None) -> ClassRows:
    """Return the result of a path that names an instance."""
    result = get_object(request, path, properties)
    assert isinstance(result, ClassRows)
    return result


def rows(results: Iterable[ClassRows]) -> list[tuple[Any, ...]]:
    """Return the rows of results, each with its class."""
    return [(result.cls.name, *row) for result in results for row in result.rows]


def process_files(memory: Memory) -> set[str]:
    """Return the facts of processes that were asked for."""
    return {fact for query in memory.asked.processes for fact in query.facts}


# One instance


def test_an_instance_has_its_class_its_properties_and_one_row() -> None:
    result = get(host().request(ROOT), "Win32_LogonSession=41", ["logonid", "LogonType"])
    assert (result.cls.name, result.columns) == ("Win32_LogonSession", ("LogonId", "LogonType"))
    assert list(result.rows) == [("41", 10)]


def test_one_process_key_reads_that_process_and_nothing_else() -> None:
    memory = host()
    get(memory.request(ROOT), 'Win32_Process.Handle="4312"')
    assert set(memory.asked.pids) <= {4312}
    memory.forget()
    get(memory.request(ROOT), 'Win32_SessionProcess.Antecedent="Win32_LogonSession=41",Dependent="Win32_Process=4312"')
    assert set(memory.asked.pids) <= {4312}
    assert None not in memory.asked.logins


def test_a_fixed_logon_session_reads_only_processes_that_carry_its_kernel_id() -> None:
    memory = host()
    get(memory.request(ROOT), "Win32_LogonSession=63")
    assert [query.logon_hint.kernel_ids for query in memory.asked.processes] == [frozenset({63})]


@pytest.mark.parametrize("handle", ["99", "04312", "abc", "-1", "", "4312 ", "99999999999"])
def test_a_handle_of_no_process_is_not_found_and_reads_no_host(handle: str) -> None:
    memory = host()
    with pytest.raises(NotFoundError, match=r"there is no .*Win32_Process"):
        get(memory.request(ROOT), f'Win32_Process.Handle="{handle}"')
    assert all(query.pids is not None for query in memory.asked.processes)


@pytest.mark.parametrize("logon_id", ["41", 41, "0x29"])
def test_a_logon_id_is_text_or_a_number(logon_id: object) -> None:
    path = f"Win32_LogonSession={logon_id}" if logon_id != "41" else 'Win32_LogonSession="41"'
    assert rows([get(host().request(ROOT), path, ["LogonId"])]) == [("Win32_LogonSession", "41")]


@pytest.mark.parametrize("logon_id", ["041", "c1", "5", "99999999999999999999999"])
def test_an_unused_logon_id_is_not_found(logon_id: str) -> None:
    with pytest.raises(NotFoundError):
        get(host().request(ROOT), f'Win32_LogonSession.LogonId="{logon_id}"')


def test_a_path_of_an_abstract_class_names_the_instance_of_the_class_below_it() -> None:
    request = host().request(ROOT)
    assert get(request, "CIM_Process=4312").cls.name == "Win32_Process"
    assert get(request, 'Win32_Account.Domain="web1",Name="alice"').cls.name == "Win32_UserAccount"
    assert get(request, 'Win32_Account.Domain="WEB1",Name="postgres"').cls.name == "Win32_SystemAccount"
    assert get(request, 'Win32_Account.Domain="web1",Name="sudo"').cls.name == "Win32_Group"


@pytest.mark.parametrize(
    ("path", "namespace", "name"),
    [
        ("Win32_Process", None, "Win32_Process"),
        ("win32_PROCESS", "root/cimv2", "Win32_Process"),
        (r"\\.\root\logonscope:LS_Process", None, "LS_Process"),
        ("LS_Process", "root/logonscope", "LS_Process"),
        (r"\\localhost\root\cimv2:CIM_Process", None, "CIM_Process"),
        ("Win32_SubSession", None, "Win32_SubSession"),
    ],
)
def test_the_path_of_a_class_is_answered_with_the_class(path: str, namespace: str | None, name: str) -> None:
    memory = host()
    request = memory.request(user(1000))
    found = get_object(request, path, namespace=namespace)
    assert isinstance(found, Class)
    assert found is request.schema.get(name, found.namespace)
    assert not any(memory.asked)


def test_a_class_has_no_values_to_select_and_needs_authentication() -> None:
    request = host().request(ROOT)
    with pytest.raises(InvalidObjectPathError, match="Win32_Process is a class, not an instance"):
        get(request, "Win32_Process", ["Name"])
    with pytest.raises(InvalidClassError):
        get(request, "Win32_Nothing")
    with pytest.raises(AccessDeniedError):
        get_object(host().request(user(None)), "Win32_Process")


def test_an_account_is_looked_up_by_its_name() -> None:
    memory = host()
    get(memory.request(ROOT), 'Win32_UserAccount.Domain="web1",Name="alice"')
    assert [query.users for query in memory.asked.accounts] == [frozenset({"alice", "web1\\alice", "alice@web1"})]


def test_an_account_of_another_domain_is_found_under_its_qualified_name() -> None:
    directory = (Account("EXAMPLE\\carol", 70001, 70001, "Carol C,,,", "/", "/bin/sh", local=False),)
    request = host(example.snapshot()._replace(users=directory)).request(ROOT)
    found = get(request, 'Win32_UserAccount.Domain="EXAMPLE",Name="carol"', ["Caption", "FullName", "LocalAccount"])
    assert rows([found]) == [("Win32_UserAccount", "EXAMPLE\\carol", "Carol C", False)]
    with pytest.raises(NotFoundError):
        get(request, 'Win32_UserAccount.Domain="web1",Name="carol"')


@pytest.mark.parametrize(
    "path",
    [
        'Win32_SessionProcess.Antecedent="Win32_OperatingSystem=@",Dependent="Win32_Process=1"',
        'Win32_SessionProcess.Antecedent="Win32_Process=1",Dependent="Win32_LogonSession=41"',
        'Win32_GroupUser.GroupComponent="Win32_Process=1",PartComponent="Win32_OperatingSystem=@"',
    ],
)
def test_what_can_stand_at_no_end_is_not_found_and_not_looked_for(path: str) -> None:
    memory = host()
    with pytest.raises(NotFoundError, match=r"there is no .*Win32_"):
        get(memory.request(ROOT), path)
    assert not any(memory.asked)


def test_a_thread_is_no_process() -> None:
    thread = example.BY_PID[4312]._replace(pid=4313, tgid=4312)
    memory = host(example.snapshot()._replace(processes=(*example.PROCESSES, thread)))
    with pytest.raises(NotFoundError):
        get(memory.request(ROOT), "Win32_Process=4313")


# All instances


def test_a_class_is_enumerated_with_those_below_it() -> None:
    request = host().request(ROOT)
    deep = rows(enumerate_instances(request, "Win32_Account", ["Name"]))
    assert [row for row in deep if row[0] == "Win32_UserAccount"] == [
        ("Win32_UserAccount", "root"), ("Win32_UserAccount", "alice"), ("Win32_UserAccount", "bob"),
    ]  # fmt: skip
    assert ("Win32_SystemAccount", "postgres") in deep
    assert ("Win32_Group", "sudo") in deep
    assert rows(enumerate_instances(request, "Win32_Account", ["Name"], deep=False)) == []
    assert len(rows(enumerate_instances(request, "CIM_Process", ["Handle"]))) == len(example.PROCESSES)


def test_instances_below_have_their_own_properties_where_none_are_chosen() -> None:
    (result,) = enumerate_instances(host().request(ROOT), "CIM_Process")
    assert "CommandLine" in result.columns


def test_handles_alone_read_no_file_of_any_process() -> None:
    memory = host()
    assert len(rows(enumerate_instances(memory.request(ROOT), "Win32_Process", ["Handle"]))) == len(example.PROCESSES)
    assert process_files(memory) == set()
    assert memory.asked.logins == []


@pytest.mark.parametrize(
    ("class_name", "properties", "facts"),
    [
        ("Win32_Process", ["Handle", "ProcessId", "CSName"], set()),
        ("Win32_Process", ["CreationDate", "ParentProcessId"], {"start", "ppid"}),
        ("Win32_Process", ["Name"], {"name", "comm", "ses", "loginuid", "uids", "pid_namespaces", "cgroup"}),
        ("Win32_SystemProcesses", ["PartComponent"], set()),
    ],
)
def test_the_identity_of_a_process_is_read_without_its_owner(
    class_name: str, properties: list[str], facts: set[str]
) -> None:
    memory = host()
    found = rows(enumerate_instances(memory.request(user(1001)), class_name, properties))
    assert len(found) == len(example.PROCESSES)
    assert process_files(memory) == facts
    assert bool(memory.asked.logins) is ("ses" in facts)
    assert found == rows(enumerate_instances(host().request(ROOT), class_name, properties))


def test_the_age_of_one_process_takes_no_owner_either() -> None:
    memory = host()
    assert rows([get(memory.request(user(1001)), "Win32_Process=4312", ["ParentProcessId"])]) == [
        ("Win32_Process", 4300)
    ]
    assert process_files(memory) == {"ppid", "tgid"}


@pytest.mark.parametrize(
    ("properties", "facts"),
    [
        (["Name"], {"name"}),
        (["ParentProcessId", "Handle"], {"ppid"}),
        (["CommandLine"], {"cmdline"}),
        (["SessionId"], {"ses", "cgroup"}),
        (["CSName", "OSName"], set()),
    ],
)
def test_only_what_is_chosen_is_read(properties: list[str], facts: set[str]) -> None:
    memory = host()
    assert rows(enumerate_instances(memory.request(ROOT), "Win32_Process", properties))
    assert process_files(memory) == facts


def test_the_association_takes_one_small_file_a_process_and_the_cgroup_where_it_decides() -> None:
    memory = host()
    pairs = rows(enumerate_instances(memory.request(ROOT), "Win32_SessionProcess"))
    assert ("Win32_SessionProcess", ("Win32_LogonSession", "41"), ("Win32_Process", "4312")) in pairs
    assert len(pairs) == len(example.PROCESSES)
    assert process_files(memory) == {"ses", "cgroup"}
    assert [query.logon_hint.kernel_ids_needing_cgroup for query in memory.asked.processes] == [frozenset({4294967295})]


def test_rows_are_read_while_they_are_iterated() -> None:
    read: list[int] = []

    def processes() -> Any:
        for process in example.PROCESSES:
            read.append(process.pid)
            yield process

    memory = host(example.snapshot()._replace(processes=processes()))
    (result,) = enumerate_instances(memory.request(ROOT), "Win32_SessionProcess")
    next(result.rows)
    assert read == [1]


def test_what_is_not_there_is_refused_before_anything_is_read() -> None:
    memory = host()
    for class_name, properties, error in (
        ("Win32_Processes", None, InvalidClassError),
        ("Win32_Process", ["Pid"], InvalidPropertyError),
        ("CIM_Process", ["CommandLine"], InvalidPropertyError),
    ):
        with pytest.raises(error):
            enumerate_instances(memory.request(ROOT), class_name, properties)
    assert not any(memory.asked)


def test_classes_without_a_provider_have_no_instances() -> None:
    assert provided_classes(schema().get("Win32_MappedLogicalDisk")) == ()
    assert rows(enumerate_instances(host().request(ROOT), "Win32_ServerSession")) == []


def test_every_caller_gets_a_row_for_every_process_with_its_identity() -> None:
    request = host().request(user(1001))
    found = {row[1]: row for row in rows(enumerate_instances(
        request, "Win32_Process", ["Handle", "Name", "ParentProcessId", "SessionId", "CommandLine", "ThreadCount"]
    ))}  # fmt: skip
    assert found.keys() == {str(process.pid) for process in example.PROCESSES}
    assert found["3991"][2:] == ("python3", 3990, 37, "python3 train.py", 1)
    assert found["4312"][2:] == ("python3", 4300, None, None, None)
    assert [row[2] for row in rows(enumerate_instances(request, "Win32_SessionProcess"))] == [
        ("Win32_Process", "3990"), ("Win32_Process", "3991"),
    ]  # fmt: skip


def test_counts_are_of_what_the_caller_sees() -> None:
    def counts(caller: Any) -> list[tuple[Any, ...]]:
        result = get(host().request(caller), "Win32_OperatingSystem=@", ["NumberOfProcesses", "NumberOfUsers"])
        return rows([result])

    assert counts(ROOT) == [("Win32_OperatingSystem", 16, 2)]  # alice and bob; postgres, root's job and the manager not
    assert counts(user(1000)) == [("Win32_OperatingSystem", 16, 1)]
    assert counts(user(5)) == [("Win32_OperatingSystem", 16, 0)]


@pytest.mark.parametrize(("logon_id", "handle"), [("41", "x"), ("37", "4312"), ("x", "4312")])
def test_a_pair_that_is_none_is_not_found_and_reads_no_host(logon_id: str, handle: str) -> None:
    memory = host()
    path = f"Win32_SessionProcess.Antecedent=\"Win32_LogonSession='{logon_id}'\",Dependent=\"Win32_Process='{handle}'\""
    with pytest.raises(NotFoundError):
        get(memory.request(ROOT), path)
    assert all(query.pids is not None for query in memory.asked.processes)


# The same
