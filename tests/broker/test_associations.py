"""Tests of broker/associations.py: which instances are associated, by which class, and how little is read."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from logonscope.broker import Caller
from logonscope.broker.associations import (
    NO_OPTIONS,
    AssociationOptions,
    Link,
    associators,
    read_far_ends,
    references,
)
from logonscope.broker.request import Request
from logonscope.broker.resolve import target_of
from logonscope.cim.binding import write_reference
from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import LOGONSCOPE, schema
from logonscope.errors import (
    InvalidClassError,
    InvalidObjectPathError,
    InvalidParameterError,
    InvalidPropertyError,
    LogonscopeError,
    NotFoundError,
)
from logonscope.facts import UNSET, Account, Group, Login, Process
from logonscope.providers.helpers.registry import get_provider
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, manager_service, session_scope, user

HOST = Memory(example.snapshot()).request(ROOT)


def paths(results: Iterable[ClassRows]) -> list[str]:
    """Return the paths of what is answered, from the class on."""
    found = []
    for result in results:
        at = [result.columns.index(key) for key in result.cls.keys]
        for row in result.rows:
            reference = (result.cls.name, *(row[index] for index in at))
            found.append(write_reference(reference, schema(), result.cls.namespace).split(":", 1)[1])
    return found


def tied(
    path: str, wanted: AssociationOptions = NO_OPTIONS, request: Request = HOST, namespace: str | None = None
) -> list[str]:
    """Return the paths of the associators of an instance."""
    return paths(associators(request, path, wanted, namespace))


def test_a_process_is_tied_to_its_logon_session_and_its_computer() -> None:
    assert tied("Win32_Process=4312") == [
        'Win32_LogonSession.LogonId="41"',
        'Win32_ComputerSystem.Name="web1"',
    ]


def test_a_logon_session_is_tied_to_its_account_and_its_processes() -> None:
    assert tied("Win32_LogonSession=41") == [
        'Win32_UserAccount.Domain="web1",Name="alice"',
        *(f'Win32_Process.Handle="{pid}"' for pid in (4100, 4150, 4151, 4300, 4312)),
    ]
    assert tied("Win32_LogonSession=4294967297", AssociationOptions(assoc_class="Win32_LoggedOnUser")) == [
        'Win32_SystemAccount.Domain="web1",Name="postgres"'
    ]


def test_the_system_session_has_no_user() -> None:
    assert tied(f"Win32_LogonSession={UNSET}", AssociationOptions(assoc_class="Win32_LoggedOnUser")) == []


@pytest.mark.parametrize("account", ["Win32_Account", "Win32_UserAccount"])
def test_an_account_is_tied_to_its_logon_sessions_its_groups_and_its_computer(account: str) -> None:
    assert sorted(tied(f'{account}.Domain="web1",Name="alice"')) == [
        'Win32_ComputerSystem.Name="web1"',
        'Win32_Group.Domain="web1",Name="alice"',
        'Win32_Group.Domain="web1",Name="sudo"',
        'Win32_LogonSession.LogonId="41"',
        'Win32_LogonSession.LogonId="42"',
        'Win32_SID.SID="S-1-22-1-1000"',
    ]


def test_a_group_is_tied_to_its_members_alone() -> None:
    assert tied('Win32_Group.Domain="web1",Name="sudo"') == ['Win32_UserAccount.Domain="web1",Name="alice"']
    assert tied('Win32_Group.Domain="web1",Name="postgres"') == ['Win32_SystemAccount.Domain="web1",Name="postgres"']


def test_a_computer_is_tied_to_its_system_its_users_and_every_process() -> None:
    answer = tied('Win32_ComputerSystem.Name="web1"')
    assert answer[:1] == ["Win32_OperatingSystem=@"]
    assert [path for path in answer if "UserAccount" in path] == [
        f'Win32_UserAccount.Domain="web1",Name="{name}"' for name in ("root", "alice", "bob")
    ]
    assert len([path for path in answer if "Win32_Process" in path]) == len(example.PROCESSES)
    assert tied("Win32_OperatingSystem=@") == ['Win32_ComputerSystem.Name="web1"']


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (AssociationOptions(assoc_class="Win32_SessionProcess"), ['Win32_LogonSession.LogonId="41"']),
        (AssociationOptions(assoc_class="CIM_Dependency"), ['Win32_LogonSession.LogonId="41"']),
        (AssociationOptions(assoc_class="win32_systemprocesses"), ['Win32_ComputerSystem.Name="web1"']),
        (AssociationOptions(result_class="Win32_LogonSession"), ['Win32_LogonSession.LogonId="41"']),
        (AssociationOptions(result_class="CIM_LogicalElement", role="dependent"), ['Win32_LogonSession.LogonId="41"']),
        (AssociationOptions(role="PartComponent"), ['Win32_ComputerSystem.Name="web1"']),
        (AssociationOptions(role="Antecedent"), []),
        (AssociationOptions(result_role="Antecedent"), ['Win32_LogonSession.LogonId="41"']),
        (AssociationOptions(result_role="Dependent"), []),
        (AssociationOptions(result_class="Win32_Process"), []),
        (AssociationOptions(properties=["LogonId"]), ['Win32_LogonSession.LogonId="41"']),
    ],
)
def test_classes_and_roles_narrow_the_answer(wanted: AssociationOptions, answer: list[str]) -> None:
    assert tied("Win32_Process=4312", wanted) == answer


SESSION_41 = r'"\\\\.\\root\\cimv2:Win32_LogonSession.LogonId=\"41\""'
PROCESS_4312 = r'"\\\\.\\root\\cimv2:Win32_Process.Handle=\"4312\""'
WEB1 = r'"\\\\.\\root\\cimv2:Win32_ComputerSystem.Name=\"web1\""'
ALICE = r'"\\\\.\\root\\cimv2:Win32_Account.Domain=\"web1\",Name=\"alice\""'


def test_references_are_the_associations_themselves() -> None:
    assert paths(references(HOST, "Win32_Process=4312")) == [
        f"Win32_SessionProcess.Antecedent={SESSION_41},Dependent={PROCESS_4312}",
        f"Win32_SystemProcesses.GroupComponent={WEB1},PartComponent={PROCESS_4312}",
    ]
    narrowed = references(
        HOST, "Win32_LogonSession=41", AssociationOptions(result_class="Win32_LoggedOnUser", role="Dependent")
    )
    assert paths(narrowed) == [f"Win32_LoggedOnUser.Antecedent={ALICE},Dependent={SESSION_41}"]
    assert paths(references(HOST, "Win32_LogonSession=41", AssociationOptions(role="GroupComponent"))) == []


def test_what_linux_knows_beyond_has_associations_of_its_own() -> None:
    assert tied("LS_Process=4312", namespace="root\\logonscope") == [
        "LS_Socket.Inode=9001",
        'LS_LogonSession.LogonId="41"',
    ]
    assert tied("root/logonscope:LS_Socket=9001") == ['LS_Process.Handle="4312"']
    assert tied("root/logonscope:LS_LogonSession=37") == [f'LS_Process.Handle="{pid}"' for pid in (3990, 3991)]


def test_a_desktop_login_is_tied_to_the_user_manager_that_runs_its_applications() -> None:
    leader = Process(50, ses=9, loginuid=1000, cgroup=session_scope(1000, "9"), comm="gdm", start=1, uids=(0,) * 4)
    manager = Process(60, ses=10, loginuid=1000, cgroup=manager_service(1000), comm="systemd", start=2)
    snapshot = example.snapshot()._replace(
        processes=(leader, manager),
        logins=(
            Login("9", 1000, audit=9, leader=50, cls="user", type="wayland", scope="session-9.scope", process=leader),
            Login("user@1000.service", 1000, leader=60, cls="manager", scope="user@1000.service", process=manager),
        ),
    )
    request = Memory(snapshot).request(ROOT)
    assert tied("root/logonscope:LS_LogonSession=9", AssociationOptions("LS_SessionUserManager"), request) == [
        'LS_LogonSession.LogonId="10"'
    ]
    assert tied("root/logonscope:LS_LogonSession=10", AssociationOptions(result_role="Dependent", role="Antecedent",
        assoc_class="LS_SessionUserManager"), request) == ['LS_LogonSession.LogonId="9"']  # fmt: skip
    assert tied("root/logonscope:LS_LogonSession=41", AssociationOptions("LS_SessionUserManager")) == []


# How little is read


@pytest.mark.parametrize("path", ["Win32_Process=4312", "root/logonscope:LS_Process=4312"])
def test_the_logon_session_of_a_process_is_described_by_its_parents(path: str) -> None:
    memory = Memory(example.snapshot())
    result_class = "LS_LogonSession" if "LS_" in path else "Win32_LogonSession"
    assert tied(path, AssociationOptions(result_class=result_class), memory.request(ROOT))
    assert set(memory.asked.pids) <= {4312, 4300, 4151, 4150, 4100, 700}
    assert None not in memory.asked.logins


def test_the_processes_of_a_logon_session_are_read_once_and_no_other_is() -> None:
    memory = Memory(example.snapshot())
    found = associators(memory.request(ROOT), "Win32_LogonSession=37", AssociationOptions(result_class="Win32_Process"))
    names = [row[result.columns.index("Name")] for result in found for row in result.rows]
    assert names == ["tmux: server", "python3"]
    assert [query.logon_hint.kernel_ids for query in memory.asked.processes] == [frozenset({37, UNSET})]


@pytest.mark.parametrize("ask", [associators, references])
@pytest.mark.parametrize("caller", [ROOT, user(1000)], ids=["root", "alice"])
@pytest.mark.parametrize("pid", [1, 3901, 4312])
def test_what_a_process_is_tied_to_costs_the_same_on_a_host_of_any_size(
    ask: Callable[..., Iterator[ClassRows]], caller: Caller, pid: int
) -> None:
    small = Memory(example.snapshot())
    crowd = [example.BY_PID[2]._replace(pid=pid) for pid in range(10_000, 15_000)]
    large = Memory(example.snapshot()._replace(processes=[*example.PROCESSES, *crowd]))
    path = f"Win32_Process={pid}"
    assert paths(ask(small.request(caller), path)) == paths(ask(large.request(caller), path))
    assert small.asked == large.asked
    assert len(large.asked.pids) <= 20


def test_a_pid_that_is_given_out_again_half_way_is_no_member() -> None:
    """The pairs and the processes come of one reading: there is no moment between the two."""
    stranger = example.BY_PID[700]._replace(pid=3991)
    later = tuple(stranger if process.pid == 3991 else process for process in example.PROCESSES)
    memory = Memory(*[example.snapshot()] * 2, example.snapshot()._replace(processes=later))
    found = associators(memory.request(ROOT), "Win32_LogonSession=37", AssociationOptions(result_class="Win32_Process"))
    assert [row[result.columns.index("Name")] for result in found for row in result.rows] == ["tmux: server", "python3"]


def test_system_properties_come_with_the_keys_that_they_are_made_of() -> None:
    (result,) = associators(
        HOST, "Win32_Process=4312", AssociationOptions("Win32_SessionProcess", properties=["__PATH", "LogonType"])
    )
    assert (result.shown, result.columns, list(result.rows)) == (
        ("__PATH", "LogonType"), ("LogonType", "LogonId"), [(10, "41")],
    )  # fmt: skip


def test_accounts_that_differ_in_case_alone_are_two() -> None:
    users = (*example.ACCOUNTS.values(), Account("Alice", 1002, 1002, "", "/", "/bin/sh"))
    groups = (*example.GROUPS, Group("Alice", 1002))
    request = Memory(example.snapshot()._replace(users=users, groups=groups)).request(ROOT)
    assert tied('Win32_UserAccount.Domain="web1",Name="Alice"', request=request) == [
        'Win32_SID.SID="S-1-22-1-1002"', 'Win32_Group.Domain="web1",Name="Alice"',
        'Win32_ComputerSystem.Name="web1"',
    ]  # fmt: skip
    assert 'Win32_Group.Domain="web1",Name="sudo"' in tied(
        'Win32_UserAccount.Domain="web1",Name="alice"', request=request
    )
    assert tied('Win32_UserAccount.Domain="WEB1",Name="BOB"', AssociationOptions("Win32_LoggedOnUser"), request) == [
        'Win32_LogonSession.LogonId="37"'
    ]


# What is not there, or not for this caller


@pytest.mark.parametrize(
    "path",
    ["Win32_Process=99", "Win32_LogonSession=99", 'Win32_UserAccount.Domain="web1",Name="carol"',
     'Win32_Account.Domain="web1",Name="carol"', 'Win32_ComputerSystem.Name="web2"'],
)  # fmt: skip
def test_an_instance_that_is_not_there_is_not_found(path: str) -> None:
    for ask in (associators, references):
        with pytest.raises(NotFoundError, match="there is no"):
            list(ask(HOST, path))


def test_a_user_gets_only_their_own_logon_sessions() -> None:
    bob = Memory(example.snapshot()).request(user(1001))
    assert tied("Win32_LogonSession=37", request=bob) == [
        'Win32_UserAccount.Domain="web1",Name="bob"',
        'Win32_Process.Handle="3990"', 'Win32_Process.Handle="3991"',
    ]  # fmt: skip
    with pytest.raises(NotFoundError):
        tied("Win32_LogonSession=41", request=bob)
    assert tied("Win32_Process=4312", request=bob) == ['Win32_ComputerSystem.Name="web1"']
    assert tied('Win32_UserAccount.Domain="web1",Name="alice"', AssociationOptions("Win32_LoggedOnUser"), bob) == []


@pytest.mark.parametrize(
    ("path", "wanted", "error"),
    [
        ("Win32_Process", AssociationOptions(), InvalidObjectPathError),
        ("Win32_Process=1", AssociationOptions(assoc_class="Win32_Nothing"), InvalidClassError),
        ("Win32_Process=1", AssociationOptions(result_class="LS_Process"), InvalidClassError),
        ("Win32_Process=1", AssociationOptions(assoc_class="Win32_LogonSession"), InvalidParameterError),
        ("Win32_Process=1", AssociationOptions(role="Dependant"), InvalidParameterError),
        ("Win32_Process=1", AssociationOptions(result_role="Antecedant"), InvalidParameterError),
        ("Win32_Process=1", AssociationOptions(properties=["LogonIdd"]), InvalidPropertyError),
    ],
)
def test_what_names_nothing_is_refused_before_anything_is_read(
    path: str, wanted: AssociationOptions, error: type[LogonscopeError]
) -> None:
    memory = Memory(example.snapshot())
    with pytest.raises(error):
        associators(memory.request(ROOT), path, wanted)
    assert not any(memory.asked)


def test_a_logon_session_that_is_reached_from_a_process_has_no_count_in_place_of_a_wrong_one() -> None:
    target = target_of(HOST, 'LS_Process.Handle="4312"', LOGONSCOPE)
    association = schema().get("LS_SessionProcess", LOGONSCOPE)
    usage = schema().get("LS_LogonSessionUsage", LOGONSCOPE)
    link = Link(association, get_provider(association), "Dependent", "Antecedent", (usage,))
    (result,) = read_far_ends(HOST, link, target, NO_OPTIONS)
    rows = [dict(zip(result.columns, row, strict=False)) for row in result.rows]
    assert [row.pop("LogonId") for row in rows] == ["41"]
    assert set(rows[0].values()) == {None}
