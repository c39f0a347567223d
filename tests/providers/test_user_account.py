"""Tests of providers/user_account.py: accounts of people, and their values."""

import os
import pwd

import pytest

import logonscope
from logonscope.errors import NotFoundError
from logonscope.facts import Account, Group
from tests.hosts import ROOT, HostFolder, user
from tests.providers.asked import USERS, answers, everything, one, web1

ALICE = 'Win32_UserAccount.Domain="web1",Name="alice"'


def test_people_are_root_and_those_from_uid_min_on() -> None:
    assert everything(web1(), "Win32_UserAccount", "Caption") == [
        "web1\\root", "web1\\alice", "web1\\bob", "CORP\\dave", "example.org\\eve",
    ]  # fmt: skip


def test_uid_min_is_what_login_defs_says(host: HostFolder) -> None:
    host.write("etc/login.defs", "UID_MIN 1001\n")
    assert everything(host.connect(), "Win32_UserAccount", "Name") == ["root", "bob"]


def test_all_that_is_known_of_a_person_and_no_more() -> None:
    known = {name: value for name, value in web1().get(ALICE).properties().items() if value is not None}
    assert known == {
        "Caption": "web1\\alice", "Domain": "web1", "Name": "alice", "FullName": "Alice Liddell",
        "Description": "Alice Liddell,Room 1,,", "SID": "S-1-22-1-1000", "SIDType": 1, "LocalAccount": True,
        "AccountType": 512,
    }  # fmt: skip


def test_a_person_without_a_comment_has_no_full_name() -> None:
    assert one(web1(), 'Win32_UserAccount.Domain="web1",Name="bob"', "FullName", "Description") == (None, None)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Win32_UserAccount.Name='ALICE',Domain='Web1'", ("web1\\alice", True)),
        ("Win32_Account.Domain='web1',Name='alice'", ("web1\\alice", True)),
        ("Win32_UserAccount.Domain='CORP',Name='dave'", ("CORP\\dave", False)),
        ("Win32_UserAccount.Domain='example.org',Name='eve'", ("example.org\\eve", False)),
    ],
)
def test_an_account_is_found_by_domain_and_name_in_any_case(path: str, found: tuple[str, bool]) -> None:
    assert one(web1(), path, "Caption", "LocalAccount") == found


@pytest.mark.parametrize("where", ["Name = 'DAVE' AND Domain = 'corp'", "Name = 'dave'", "Caption = 'corp\\\\dave'"])
def test_no_condition_more_takes_the_case_to_the_letter(where: str) -> None:
    assert answers(web1(), f"SELECT SID FROM Win32_UserAccount WHERE {where}", "SID") == ["S-1-22-1-20001"]


@pytest.mark.parametrize(
    "keys", ["Domain='web1',Name='postgres'", "Domain='web1',Name='dave'", "Domain='corp',Name='alice'",
             "Domain='web1',Name='nobody'", "Domain='',Name='alice'"],
)  # fmt: skip
def test_who_is_no_person_of_that_domain_is_not_found(keys: str) -> None:
    with pytest.raises(NotFoundError):
        web1().get(f"Win32_UserAccount.{keys}")


def test_an_account_with_capital_letters_is_found_without_them(host: HostFolder) -> None:
    host.account("Carol", 1002)
    for name in ("Carol", "carol", "CAROL"):
        assert one(host.connect(), f"Win32_UserAccount.Domain='testhost',Name='{name}'", "Name") == "Carol"


def test_of_two_names_that_differ_in_case_the_exact_one_matches(host: HostFolder) -> None:
    host.account("Bob", 1002)
    for name, sid in (("bob", "S-1-22-1-1001"), ("Bob", "S-1-22-1-1002")):
        assert one(host.connect(), f"Win32_UserAccount.Domain='testhost',Name='{name}'", "SID") == sid


def test_an_account_with_two_lines_is_one(host: HostFolder) -> None:
    host.account("alice", 1000)
    assert everything(host.connect(), "Win32_UserAccount", "Name") == ["root", "alice", "bob"]


def test_text_that_no_answer_can_carry_is_replaced() -> None:
    mallory = Account("m\x1b", 1003, 1003, "\udcff\x07,x", "/", "/bin/sh", local=True)
    names = ("Caption", "FullName", "Description")
    assert everything(web1(users=[mallory]), "Win32_UserAccount", *names) == [
        ("web1\\m\ufffd", "\ufffd\ufffd", "\ufffd\ufffd,x")
    ]


def test_every_authenticated_caller_sees_the_accounts() -> None:
    assert len(everything(web1(user(1001)), "Win32_UserAccount", "Name")) == len(USERS) - 1


def test_this_machines_own_accounts() -> None:
    mine = pwd.getpwuid(os.getuid())
    path = f"Win32_Account.Domain='{os.uname().nodename}',Name='{mine.pw_name}'"
    assert f"S-1-22-1-{mine.pw_uid}" == logonscope.connect().get(path).SID


PASSWORDS = {
    "usable": ("usable", 0, 99999, False), "aging": ("usable", 0, 90, False), "fixed": ("usable", 5, 3, False),
    "locked": ("locked", 0, 99999, False), "keys": ("unusable", None, None, False), "open": ("none", 0, None, False),
    "expired": ("usable", 0, 99999, True), "unread": (None, None, None, None),
}  # fmt: skip
STATES = {
    "usable": ("OK", False, False, True, False, True), "aging": ("OK", False, False, True, True, True),
    "fixed": ("OK", False, False, False, True, True), "locked": ("Degraded", False, True, False, False, True),
    "keys": ("OK", False, False, False, False, True), "open": ("OK", False, False, True, False, False),
    "expired": ("Degraded", True, False, True, False, True), "unread": (None,) * 6,
}  # fmt: skip
COLUMNS = ("Status", "Disabled", "Lockout", "PasswordChangeable", "PasswordExpires", "PasswordRequired")
SHADOWED = [
    Account(name, 1000 + index, 1000, "", "/", "/bin/sh", True, *state)
    for index, (name, state) in enumerate(PASSWORDS.items())
]


def test_an_administrator_gets_the_state_of_each_account() -> None:
    found = everything(web1(users=SHADOWED), "Win32_UserAccount", "Name", *COLUMNS)
    assert {name: tuple(state) for name, *state in found} == STATES


def test_other_callers_get_null_even_for_their_own_account() -> None:
    for uid in (1000, 2000):
        found = everything(web1(user(uid), users=SHADOWED), "Win32_UserAccount", *COLUMNS)
        assert set(found) == {(None,) * 6}
        assert answers(web1(user(uid), users=SHADOWED), "SELECT * FROM Win32_UserAccount WHERE Disabled = FALSE") == []


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("LocalAccount = True AND Disabled = False", set(PASSWORDS) - {"expired", "unread"}),
        ("Disabled = True", {"expired"}),
        ("Status = 'OK'", {"usable", "aging", "fixed", "keys", "open"}),
        ("Status = 'Degraded'", {"locked", "expired"}),
        ("PasswordRequired = False", {"open"}),
        ("NOT PasswordExpires = True", set(PASSWORDS) - {"aging", "fixed", "unread"}),
        ("Disabled IS NULL", {"unread"}),
    ],
)
def test_the_filters_of_scripts_find_what_they_mean(where: str, names: set[str]) -> None:
    found = answers(web1(users=SHADOWED), f"SELECT Name FROM Win32_UserAccount WHERE {where}", "Name")
    assert set(found) == names


def test_members_of_a_group_have_their_state_too() -> None:
    members = [Group("team", 5, tuple(PASSWORDS), local=True)]
    for caller, states in ((ROOT, STATES), (user(1000), dict.fromkeys(STATES, (None,) * 6))):
        host = web1(caller, users=SHADOWED, groups=members)
        found = host.associators("Win32_Group.Domain='web1',Name='team'", result_class="Win32_UserAccount")
        assert {each["Name"]: tuple(each[name] for name in COLUMNS) for each in found} == states
