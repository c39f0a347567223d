"""Tests of ownership/join.py: every login gets one LogonId, independent of other logins."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import UNSET, Login, Process
from logonscope.ownership.join import (
    MANAGER_BASE,
    NUMBERED_BASE,
    SCOPE_BASE,
    cut_to_login_cgroup,
    is_manager,
    join_logins,
    joined_kernel_id,
    logon_without_record,
    named_login_id,
    parse_logon_id,
)
from tests.example import MACHINE

CONTAINER, HOST = MACHINE._replace(container=True), MACHINE._replace(container=False)


def logind(login_id: str, kernel: int | None = None, **more: Any) -> Login:
    """Return a login of alice, whose leader carries a kernel id."""
    login = Login(login_id, 1000, scope=f"session-{login_id}.scope")
    return login._replace(process=None if kernel is None else Process(100, ses=kernel), **more)


def names(*logins: Login) -> dict[str, str]:
    """Return which login has which LogonId."""
    return {login.id: logon for logon, login in join_logins(logins, CONTAINER).by_logon.items()}


def test_a_numbered_login_keeps_its_number() -> None:
    assert names(logind("41", audit=41)) == {"41": "41"}
    assert names(logind("41")) == {"41": "41"}


def test_a_login_that_the_service_could_not_number_has_its_leaders_kernel_id() -> None:
    assert names(logind("c1", 41)) == {"c1": "41"}


@pytest.mark.parametrize("kernel", [None, UNSET])
def test_a_login_without_a_kernel_id_has_a_number_above_all_kernel_ids(kernel: int | None) -> None:
    assert names(logind("c1", kernel)) == {"c1": str(SCOPE_BASE + 1)}
    assert SCOPE_BASE > UNSET


def test_a_manager_without_a_kernel_id_has_a_number_above_all_scopes() -> None:
    manager = Login("user@1000.service", 1000, cls="manager")
    assert names(manager) == {"user@1000.service": str(MANAGER_BASE + 1000)}
    assert MANAGER_BASE + 0 > SCOPE_BASE + 999_999_999


def test_the_one_that_is_numbered_after_a_kernel_id_owns_it_whatever_its_age() -> None:
    young, old = logind("41", audit=41, since=500), logind("c1", 41, since=100)
    assert names(young, old) == names(old, young) == {"41": "41", "c1": str(SCOPE_BASE + 1)}


def test_else_the_oldest_owns_it() -> None:
    young, old = logind("c1", 41, since=500), logind("c2", 41, since=100)
    assert names(young, old) == names(old, young) == {"c2": "41", "c1": str(SCOPE_BASE + 1)}


def test_outside_a_container_none_that_is_called_cn_owns_a_kernel_id() -> None:
    """Logind calls a login cN where the kernel id was taken: it cannot be its own."""
    logins = [logind("c1", 41, since=500), logind("c2", 41, since=100), logind("c3", cls="manager", kernel=88)]
    assert {login.id: logon for logon, login in join_logins(logins, HOST).by_logon.items()} == {
        "c1": str(SCOPE_BASE + 1), "c2": str(SCOPE_BASE + 2), "c3": "88",
    }  # fmt: skip


def test_a_reused_id_is_distinguished_by_its_scope() -> None:
    older, newer = logind("c1", scope_inode=7, recorded=False), logind("c1", scope_inode=9)._replace(uid=1001)
    for logins in ((older, newer), (newer, older)):
        found = join_logins(logins, HOST).by_logon
        assert found == {str(SCOPE_BASE + 1): older, str(NUMBERED_BASE + 9): newer}


def test_a_numbered_login_without_its_kernel_id_is_identified_by_its_scope() -> None:
    heir = logind("41", 41, inherited=True, scope_inode=(5 << 32) + 7)
    assert names(heir) == {"41": str(NUMBERED_BASE + 7)}
    assert names(logind("41", 41, inherited=True)) == {}  # without a scope nothing tells it


def test_a_login_that_inherited_a_kernel_id_never_owns_it() -> None:
    heir, owner = logind("c1", 41, since=100, inherited=True), logind("c2", 41, since=500, inherited=False)
    assert names(heir, owner) == {"c2": "41", "c1": str(SCOPE_BASE + 1)}
    assert names(heir) == {"c1": str(SCOPE_BASE + 1)}


def test_the_processes_of_a_shared_kernel_id_need_their_cgroup_and_those_without_one() -> None:
    alone = join_logins([logind("41", audit=41)], MACHINE)
    assert not alone.shared
    assert alone.kernel_ids_needing_cgroup == {UNSET}
    shared = join_logins(
        [logind("41", audit=41), logind("c1", 41, inherited=True), logind("c2", 41, inherited=True)], MACHINE
    )
    assert shared.shared == {41: {str(SCOPE_BASE + 1), str(SCOPE_BASE + 2)}}
    assert shared.kernel_ids_needing_cgroup == {UNSET, 41}


def test_a_manager_with_a_session_of_its_own_is_counted_once() -> None:
    record = Login("user@1000.service", 1000, cls="manager", process=Process(9, ses=88))
    session = logind("c3", 88, cls="manager")
    other = Login("user@1001.service", 1001, cls="manager")
    assert names(record, session, other) == {"c3": "88", "user@1001.service": str(MANAGER_BASE + 1001)}


def test_a_login_whose_id_says_nothing_is_passed_over() -> None:
    assert names(logind("x1"), logind("c"), logind("")) == {}


@pytest.mark.parametrize(
    ("login", "kernel"),
    [
        (logind("41", audit=41), 41),
        (logind("41", 42, audit=41), 42),  # what its leader carries disproves the record
        (logind("41", audit=41, scope_ids=(42,)), 42),
        (logind("41", audit=41, scope_ids=(42, 41)), 41),
        (logind("41", 41, audit=41, scope_ids=(42,)), 41),
        (logind("c1", scope_ids=(42,)), 42),
        (logind("c1", UNSET, scope_ids=(42,)), 42),
        (logind("c1", 41, scope_ids=(42,)), 41),
        (logind("c1", scope_ids=(42, 43)), None),
        (logind("c1", scope_ids=(), remembered=44), 44),
        (logind("c1", scope_ids=(42,), remembered=44), 42),
        (logind("c1", 42), 42),
        (logind("c1", UNSET), None),
        (logind("c1", 0), None),
        (logind("c1", audit=UNSET), None),
        (logind("c1"), None),
    ],
)
def test_the_kernel_id_is_the_services_word_else_the_leaders(login: Login, kernel: int | None) -> None:
    assert joined_kernel_id(login) == kernel


@pytest.mark.parametrize(
    ("word", "logon"),
    [
        ("41", "41"),
        ("0041", "41"),
        ("4294967295", "4294967295"),
        ("c1", "4294967297"),
        ("c999999999", str(SCOPE_BASE + 999_999_999)),
        ("c1234567890", None),
        ("c", None),
        ("C1", None),
        ("", None),
        ("alice", None),
        ("-1", None),
        ("4 1", None),
        ("41\n", None),
        ("٤١", None),
        ("1" * 21, None),
    ],
)
def test_people_may_say_a_number_or_the_services_own_id(word: str, logon: str | None) -> None:
    assert parse_logon_id(word) == logon


@pytest.mark.parametrize(
    ("cgroup", "login", "place", "logon"),
    [
        (
            "/user.slice/user-1000.slice/session-c1.scope/a",
            "c1",
            "/user.slice/user-1000.slice/session-c1.scope",
            (str(SCOPE_BASE + 1), "scope"),
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice",
            "user@1000.service",
            "/user.slice/user-1000.slice/user@1000.service",
            (str(MANAGER_BASE + 1000), "manager"),
        ),
        ("/c1/below", None, "/c1", None),
        ("/", None, "/", None),
        ("", None, "", None),
        ("/x/user.slice/user-1000.slice/session-c1.scope", None, "/x", None),
    ],
)
def test_a_cgroup_names_a_login_by_its_exact_place(
    cgroup: str, login: str | None, place: str, logon: tuple[str, str] | None
) -> None:
    assert (named_login_id(cgroup), cut_to_login_cgroup(cgroup), logon_without_record(cgroup)) == (
        login,
        place,
        logon,
    )


@pytest.mark.parametrize(
    ("cls", "manager"),
    [("manager", True), ("manager-early", True), ("user", False), ("background", False), (None, False)],
)
def test_the_class_says_which_logins_are_managers(cls: str | None, *, manager: bool) -> None:
    assert is_manager(logind("c1", cls=cls)) is manager


numbered = st.builds(lambda number, **more: logind(str(number), audit=number, **more), st.integers(1, 4))
unnumbered = st.builds(
    lambda number, **more: logind(f"c{number}", **more),
    st.integers(1, 4),
    kernel=st.sampled_from([None, 1, 2, 3, 9]),
    since=st.none() | st.integers(1, 3),
    inherited=st.none() | st.booleans(),
)
many = st.lists(numbered | unnumbered, max_size=6, unique_by=lambda login: login.id)


@given(many, st.randoms(use_true_random=False))
def test_the_order_in_which_logins_are_read_does_not_matter(logins: list[Login], chance: object) -> None:
    shuffled = sorted(logins, key=lambda _: chance.random())  # type: ignore[attr-defined]  # a random.Random
    assert join_logins(logins, CONTAINER) == join_logins(shuffled, CONTAINER)


@given(many)
def test_no_two_logins_have_one_logon_id(logins: list[Login]) -> None:
    assert len(join_logins(logins, CONTAINER).by_logon) == len(logins)


@given(many, st.integers(0, 5))
def test_a_login_that_inherited_its_kernel_id_keeps_its_logon_id_when_another_ends(
    logins: list[Login], ended: int
) -> None:
    before = names(*logins)
    after = names(*(logins[:ended] + logins[ended + 1 :]))
    for login in logins[:ended] + logins[ended + 1 :]:
        if login.inherited or joined_kernel_id(login) is None:
            assert after[login.id] == before[login.id]
