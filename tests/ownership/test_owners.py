"""ownership/owners.py: does every process have exactly one owner, in every way that people and daemons log in?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import UNSET, Login, Process
from logonscope.ownership import SYSTEM, join, owners
from tests.ownership.scenarios import Case, Scenario, scenarios

SCENARIOS = list(scenarios())
CASES = [
    pytest.param(scenario, case, id=f"{scenario.title}: {case.written}")
    for scenario in SCENARIOS
    for case in scenario.cases
]


@pytest.mark.parametrize(("scenario", "case"), CASES)
def test_the_owner_is_that_of_the_table(scenario: Scenario, case: Case) -> None:
    owner = owners(join(scenario.logins))(case.process)
    assert (owner.logon, owner.evidence) == (case.logon, case.evidence)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_neither_the_order_of_logins_nor_that_of_processes_matters(scenario: Scenario) -> None:
    decide = owners(join(reversed(scenario.logins)))
    for case in (*reversed(scenario.cases), *scenario.cases):
        assert decide(case.process)[:2] == (case.logon, case.evidence)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.title)
def test_a_process_that_needs_no_cgroup_is_owned_the_same_without(scenario: Scenario) -> None:
    joined = join(scenario.logins)
    decide = owners(joined)
    for case in scenario.cases:
        if case.process.ses is not None and case.process.ses not in joined.cgroup_of:
            assert decide(case.process._replace(cgroup=None))[:2] == (case.logon, case.evidence)


def test_the_owner_comes_with_the_login_that_vouches_for_it() -> None:
    login = Login("41", 1000, audit=41, scope="session-41.scope")
    su = Login("c1", 1001, scope="session-c1.scope")
    decide = owners(join([login, su]))
    assert decide(Process(1, ses=41)).login is login
    assert decide(Process(1, ses=UNSET, cgroup="/user.slice/user-1001.slice/session-c1.scope")).login is su
    assert decide(Process(1, ses=42)).login is None
    assert decide(Process(1, ses=UNSET, cgroup="/")) is SYSTEM


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
    owner = owners(join(logins))(process)
    if process.ses is None and process.cgroup is None:
        assert (owner.logon, owner.evidence) == (None, "unread")
    else:
        assert owner.logon is not None
        assert owner.logon.isdecimal()
        assert owner.evidence in {"scope", "audit", "manager", "none"}


@given(processes, st.sets(st.sampled_from(LOGINS)))
def test_a_kernel_id_is_only_ever_left_for_a_login_that_shares_it(process: Process, logins: set[Login]) -> None:
    owner = owners(join(logins))(process)
    if process.ses in {41, 42} and owner.logon != str(process.ses):
        assert (owner.evidence, process.ses) == ("scope", 41)
        assert owner.login is not None
        assert owner.login.id == "c5"
        assert process.cgroup is not None
        assert process.cgroup.startswith("/user.slice/user-1000.slice/session-c5.scope")


@given(processes, st.sets(st.sampled_from(LOGINS)))
def test_nothing_below_a_users_tree_belongs_to_another_user(process: Process, logins: set[Login]) -> None:
    below = process._replace(ses=UNSET, cgroup="/user.slice/user-1000.slice/user@1000.service" + (process.cgroup or ""))
    owner = owners(join(logins))(below)
    assert (owner.logon, owner.evidence) == (str((1 << 33) + 1000), "manager")
