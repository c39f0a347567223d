"""ownership/join.py: which LogonId is each login, and who owns an id that several carry?"""

import pytest

from logonscope.facts import UNSET, Login, Process
from logonscope.ownership import join, logon_id_of
from logonscope.ownership.join import is_manager, kernel_id, login_of_cgroup, place_of_cgroup


def session(login_id: str, **more: object) -> Login:
    return Login(id=login_id, uid=1000)._replace(**{"scope": f"session-{login_id}.scope", **more})  # type: ignore[arg-type]  # a table of fields


@pytest.mark.parametrize(
    ("word", "logon_id"),
    [
        ("41", "41"),
        ("0041", "41"),
        ("c1", "4294967297"),
        ("4294967295", "4294967295"),
        ("alice", None),
        ("c", None),
        ("c1x", None),
        ("-1", None),
        ("", None),
        ("\uff14\uff11", None),
        ("9" * 21, None),
        ("cafe", None),
    ],
)
def test_a_word_is_a_logon_id_or_it_is_none(word: str, logon_id: str | None) -> None:
    assert logon_id_of(word) == logon_id


def test_the_service_s_word_for_the_kernel_id_goes_before_the_leader_s() -> None:
    leader = Process(7, ses=12)
    assert kernel_id(session("1", audit=11, process=leader)) == 11
    assert kernel_id(session("1", process=leader)) == 12
    assert kernel_id(session("1", process=Process(7, ses=UNSET))) is None
    assert kernel_id(session("1", audit=0)) is None


def test_the_login_that_is_numbered_after_a_kernel_id_owns_it_however_old() -> None:
    joined = join([session("c2", audit=41, since=1), session("41", audit=41, since=9)])
    assert {logon: login.id for logon, login in joined.by_logon.items()} == {"41": "41", "4294967298": "c2"}
    assert joined.shared == {41: frozenset({"4294967298"})}
    assert joined.cgroup_of == {UNSET, 41}


def test_an_inherited_id_is_owned_by_nobody_rather_than_by_its_heir() -> None:
    joined = join([session("c2", audit=41, since=1, inherited=True)])
    assert set(joined.by_logon) == {"4294967298"}


def test_a_manager_that_is_a_session_replaces_the_user_s_record() -> None:
    leader = Process(7, ses=42)
    record = Login("user@1000.service", 1000, cls="manager", process=leader)
    joined = join([record, session("c5", cls="manager-early", scope=None, process=leader)])
    assert [login.id for login in joined.by_logon.values()] == ["c5"]
    assert set(joined.by_place) == {"/user.slice/user-1000.slice/user@1000.service"}


def test_a_login_with_a_name_that_is_no_number_is_left_out() -> None:
    assert join([session("weird")]).by_logon == {}


@pytest.mark.parametrize(
    ("cgroup", "place", "login"),
    [
        ("/user.slice/user-1.slice/session-c2.scope/a/b", "/user.slice/user-1.slice/session-c2.scope", "c2"),
        ("/user.slice/user-1.slice/user@1.service", "/user.slice/user-1.slice/user@1.service", "user@1.service"),
        ("/user.slice/user-1.slice/user@2.service", "/user.slice", None),
        ("/system.slice/cron.service", "/system.slice", None),
        ("/3/x", "/3", None),
        ("/", "/", None),
        ("", "", None),
        ("/user.slice/user-1.slice/session-../../x.scope", "/user.slice", None),
    ],
)
def test_a_cgroup_names_a_login_by_its_exact_place(cgroup: str, place: str, login: str | None) -> None:
    assert place_of_cgroup(cgroup) == place
    assert login_of_cgroup(cgroup) == login


def test_user_managers_are_told_by_their_class() -> None:
    assert [is_manager(session("1", cls=cls)) for cls in ("manager", "manager-early", "user", None)] == [
        True, True, False, False,
    ]  # fmt: skip
