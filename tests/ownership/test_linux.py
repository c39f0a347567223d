"""Tests of ownership/linux.py: every process has exactly one owner, for every way to log in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.machine import Owner
from logonscope.ownership import LINUX
from logonscope.ownership.linux import MAX_KEPT, SYSTEM
from tests.example import MACHINE
from tests.hosts import manager_service
from tests.ownership.scenarios import Case, Scenario, scenarios

SCENARIOS = list(scenarios())
CASES = [
    pytest.param(scenario, case, id=f"{scenario.title}: {case.written}")
    for scenario in SCENARIOS
    for case in scenario.cases
]


@pytest.mark.parametrize(("scenario", "case"), CASES)
def test_the_owner_is_that_of_the_table(scenario: Scenario, case: Case) -> None:
    owner = LINUX.index(scenario.logins, scenario.machine).owner(case.process)
    assert (owner.logon_id, owner.evidence) == (case.logon, case.evidence)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_neither_the_order_of_logins_nor_that_of_processes_matters(scenario: Scenario) -> None:
    decide = LINUX.index(reversed(scenario.logins), scenario.machine).owner
    for case in (*reversed(scenario.cases), *scenario.cases):
        assert decide(case.process)[:2] == (case.logon, case.evidence)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_a_process_that_needs_no_cgroup_is_owned_the_same_without(scenario: Scenario) -> None:
    index = LINUX.index(scenario.logins, scenario.machine)
    decide = index.owner
    for case in scenario.cases:
        if case.process.ses is not None and case.process.ses not in index.kernel_ids_needing_cgroup:
            assert decide(case.process._replace(cgroup=None))[:2] == (case.logon, case.evidence)


def test_the_owner_has_the_login_with_its_record() -> None:
    login = Login("41", 1000, audit=41, scope="session-41.scope")
    su = Login("c1", 1001, scope="session-c1.scope")
    decide = LINUX.index([login, su], MACHINE).owner
    assert decide(Process(1, ses=41)).login is login
    assert decide(Process(1, ses=UNSET, cgroup="/user.slice/user-1001.slice/session-c1.scope")).login is su
    assert decide(Process(1, ses=42)).login is None
    assert decide(Process(1, ses=UNSET, cgroup="/")) is SYSTEM is LINUX.system_owner


places = st.lists(
    st.sampled_from([
        "user.slice", "user-1000.slice", "user-0.slice", "session-41.scope", "session-c5.scope", "user@1000.service",
        "user@0.service", "payload", "c5", "41", "session-x y.scope", "",
    ]),
    max_size=6,
).map(lambda names: "/" + "/".join(names))  # fmt: skip

processes = st.builds(
    lambda ses, cgroup: Process(1, ses=ses, cgroup=cgroup), st.sampled_from([None, UNSET, 41, 42]), st.none() | places
)

LOGINS = (
    Login("41", 1000, audit=41, scope="session-41.scope"),
    Login("c5", 1000, process=Process(9, ses=41), inherited=True, scope="session-c5.scope"),
    Login("c6", 0, scope="session-c6.scope"),
    Login("user@1000.service", 1000, cls="manager", scope="user@1000.service"),
)


@given(processes, st.sets(st.sampled_from(LOGINS)))
def test_the_association_is_total(process: Process, logins: set[Login]) -> None:
    owner = LINUX.index(logins, MACHINE).owner(process)
    if process.ses is None:  # this kernel keeps ids
        assert (owner.logon_id, owner.evidence) == (None, "unread")
    else:
        assert owner.logon_id is not None
        assert owner.logon_id.isdecimal()
        assert owner.evidence in {"scope", "audit", "manager", "none"}


@given(processes, st.sets(st.sampled_from(LOGINS)))
def test_a_kernel_id_is_only_ever_left_for_a_login_that_shares_it(process: Process, logins: set[Login]) -> None:
    owner = LINUX.index(logins, MACHINE).owner(process)
    if process.ses in {41, 42} and owner.logon_id != str(process.ses):
        assert (owner.evidence, process.ses) == ("scope", 41)
        assert owner.login is not None
        assert owner.login.id == "c5"
        assert process.cgroup is not None
        assert process.cgroup.startswith("/user.slice/user-1000.slice/session-c5.scope")


@given(processes, st.sets(st.sampled_from(LOGINS)))
def test_nothing_below_a_users_tree_belongs_to_another_user(process: Process, logins: set[Login]) -> None:
    below = process._replace(ses=UNSET, cgroup="/user.slice/user-1000.slice/user@1000.service" + (process.cgroup or ""))
    owner = LINUX.index(logins, MACHINE).owner(below)
    assert (owner.logon_id, owner.evidence) == (str((1 << 33) + 1000), "manager")


@pytest.mark.parametrize(
    ("ses", "owner", "number"),
    [
        (UNSET, SYSTEM, 0),
        (41, Owner("41", "audit"), 41),
        (UNSET, Owner("4294967297", "scope"), None),
        (41, Owner("4294967301", "scope"), 41),
        (None, Owner("41", "audit"), None),
        (41, Owner(None, "hidden"), None),
    ],
)
def test_the_session_number_is_the_kernels_and_0_for_the_system(
    ses: int | None, owner: Owner, number: int | None
) -> None:
    assert LINUX.session_number(Process(7, ses=ses), owner) == number


@pytest.mark.parametrize(
    ("word", "logon_id"),
    [
        ("System", str(UNSET)), ("41", "41"), ("041", "41"), ("c5", "4294967301"), ("user@1000.service", None),
        ("alice", None), ("", None), ("9" * 21, None),
    ],
)  # fmt: skip
def test_a_word_means_a_logon_session_by_number_or_by_its_logins_id(word: str, logon_id: str | None) -> None:
    assert LINUX.parse_logon_id(word) == logon_id


@pytest.mark.parametrize(
    ("uids", "some", "wholly"),
    [
        ((1000, 1000, 1000, 1000), True, True),
        ((1000, 0, 0, 0), True, False),
        ((0, 1000, 0, 0), True, False),
        ((0, 0, 1000, 1000), False, False),
        (None, False, False),
    ],
)
def test_a_process_runs_as_its_real_and_its_effective_uid(
    uids: tuple[int, int, int, int] | None, *, some: bool, wholly: bool
) -> None:
    process = Process(7, uids=uids)
    assert (LINUX.runs_as(process, 1000, wholly=False), LINUX.runs_as(process, 1000, wholly=True)) == (some, wholly)


def test_of_owners_of_one_logon_session_the_kernels_word_is_the_strongest() -> None:
    audit, scope = Owner("41", "audit"), Owner("41", "scope")
    assert LINUX.strongest_owner([scope, audit, scope]) is audit
    assert LINUX.strongest_owner([scope]) is scope


def test_without_kernel_ids_doctor_reports_how_logins_are_distinguished() -> None:
    assert [check.ok for check in LINUX.checks(MACHINE)] == [True]
    (check,) = LINUX.checks(MACHINE._replace(audit=False))
    assert (check.subject, check.ok, check.advice) == ("kernel ids", False, "use a kernel built with CONFIG_AUDIT")


SCOPED = Process(1, ses=UNSET, cgroup="/user.slice/user-1000.slice/session-c5.scope")


@pytest.mark.parametrize(
    ("process", "speakers"),
    [
        (Process(1, ses=UNSET, cgroup="/init.scope"), frozenset()),
        (Process(1, ses=41, cgroup="/system.slice/cron.service"), frozenset({"41"})),
        (SCOPED, frozenset({"c5"})),
        (SCOPED._replace(ses=41), frozenset({"41", "c5"})),
        (Process(1, ses=UNSET, cgroup=manager_service(1000)), frozenset({"user@1000.service"})),
        (Process(1, ses=UNSET, cgroup="/c5"), None),  # elogind's, whose logins may have any kernel id
    ],
)
def test_the_logins_that_can_speak_for_a_process_are_named_by_its_place_and_its_kernel_id(
    process: Process, speakers: frozenset[str] | None
) -> None:
    assert LINUX.possible_login_ids([process]) == speakers


@given(processes, st.sets(st.sampled_from(LOGINS)))
def test_few_records_that_decide_name_the_owner_that_all_name(process: Process, logins: set[Login]) -> None:
    speakers = LINUX.possible_login_ids([process])
    few = [login for login in logins if speakers is None or login.id in speakers]
    if LINUX.records_decide_owners([process], few):
        assert LINUX.index(few, MACHINE).owner(process) == LINUX.index(logins, MACHINE).owner(process)


def test_few_records_decide_also_where_a_leader_could_not_be_read_whole() -> None:
    leader = Process(9, ses=41, unread={"stat": "Permission denied"})
    login = Login("41", 1000, audit=41, process=leader, scope="session-41.scope")
    assert LINUX.records_decide_owners([Process(7, ses=41, cgroup=SCOPE_41)], [login])


SCOPE_41, SCOPE_C1 = "/user.slice/user-1000.slice/session-41.scope", "/user.slice/user-1001.slice/session-c1.scope"


def test_only_what_the_system_session_could_have_lost_names_a_login_without_a_record() -> None:
    index = LINUX.index([Login("41", 1000, audit=41, scope="session-41.scope")], MACHINE)

    def unknown(ses: int | None, cgroup: str | None) -> str | None:
        process = Process(7, ses=ses, cgroup=cgroup)
        return index.missing_login_id(process, index.owner(process))

    assert (unknown(UNSET, SCOPE_C1), unknown(UNSET, SCOPE_41), unknown(UNSET, "/system.slice")) == ("c1", None, None)
    assert (unknown(42, SCOPE_C1), unknown(None, None)) == (None, None)


@pytest.mark.parametrize(
    ("cgroup", "others"),
    [(None, False), ("/", False), (SCOPE_41, False), (SCOPE_C1, True), ("/c1", True), ("/41/x", False),
     ("/user.slice/user-1000.slice/user@1000.service/app.slice", False),
     ("/user.slice/user-1001.slice/user@1001.service/app.slice", True)],
)  # fmt: skip
def test_the_place_of_a_process_may_name_another_login(cgroup: str | None, *, others: bool) -> None:
    owner = Owner("41", "audit", LOGINS[0])
    assert LINUX.names_other_login(Process(7, ses=41, cgroup=cgroup), owner, 1000) is others


def test_only_the_kernels_word_can_fail_to_say_who_logged_in() -> None:
    audit, scope = Owner("41", "audit"), Owner("41", "scope")
    said = [LINUX.has_login_uid(Process(7, loginuid=loginuid), audit) for loginuid in (1000, UNSET, None)]
    assert said == [True, False, False]
    assert LINUX.has_login_uid(Process(7), scope)


def test_only_roots_login_programs_begin_a_logon_session() -> None:
    root = (0, 0, 0, 0)
    assert LINUX.is_login_program(Process(7, comm="sshd", uids=root))
    assert not LINUX.is_login_program(Process(7, comm="bash", uids=root))
    assert not LINUX.is_login_program(Process(7, comm="sshd", uids=(1000, 0, 0, 0)))
    assert not LINUX.is_login_program(Process(7, comm="sshd"))


def test_what_an_index_keeps_is_bounded_and_changes_no_owner() -> None:
    index = LINUX.index((), Machine("web1", None, 0, audit=True))
    numbers = range(1, 3 * MAX_KEPT)
    for _ in range(2):
        owners = [index.owner(Process(number, ses=number, cgroup="/")) for number in numbers]
        assert [(owner.logon_id, owner.evidence) for owner in owners] == [(str(number), "audit") for number in numbers]
        places = [Process(number, ses=UNSET, cgroup=f"/system.slice/{number}.service") for number in numbers]
        assert {index.owner(place) for place in places} == {LINUX.system_owner}


def test_a_kernel_id_that_decides_alone_is_the_logon_id() -> None:
    index = LINUX.index((), Machine("web1", None, 0, audit=True))
    assert [index.logon_id_of_kernel_id(number) for number in (41, UNSET, None)] == ["41", None, None]


def test_the_index_of_the_same_logins_is_kept_and_that_of_others_is_not() -> None:
    logins = (Login("41", 1000, leader=1, audit=41, scope="session-41.scope"),)
    index = LINUX.index(logins, MACHINE)
    assert LINUX.index(logins, MACHINE) is index
    assert LINUX.index(logins, MACHINE._replace(container=not MACHINE.container)) is not index
    again = LINUX.index((*logins[:0], *logins), MACHINE)
    assert again is not index
    assert again.logins == index.logins
    changed = LINUX.index((logins[0]._replace(user="alice"),), MACHINE)
    assert changed.logins["41"].user == "alice"
