"""Tests of providers/group_user.py: members by the group's list and by the primary group."""

import pytest

from logonscope.errors import NotFoundError
from logonscope.facts import Group
from tests.hosts import HostFolder
from tests.providers.asked import USERS, at, everything, pair, values, web1


def group(name: str, domain: str = "web1") -> str:
    """Return a reference to a group."""
    return at(f'Win32_Group.Domain="{domain}",Name="{name}"', "web1")


def person(name: str, domain: str = "web1", of: str = "Win32_UserAccount") -> str:
    """Return a reference to an account."""
    return at(f'{of}.Domain="{domain}",Name="{name}"', "web1")


MEMBERS = {
    (group("root"), person("root")),
    (group("users"), person("postgres", of="Win32_SystemAccount")),
    (group("alice"), person("alice")),
    (group("sudo"), person("alice")),
    (group("users"), person("alice")),
    (group("staff", "CORP"), person("alice")),
    (group("bob"), person("bob")),
    (group("users"), person("bob")),
    (group("staff", "CORP"), person("dave", "CORP")),
    (group("staff", "CORP"), person("eve", "example.org")),
}


def test_a_member_is_listed_or_has_it_as_its_own_group_and_is_so_once() -> None:
    found = everything(web1(), "Win32_GroupUser", "GroupComponent", "PartComponent")
    assert (set(found), len(found)) == (MEMBERS, len(MEMBERS))


def test_from_an_account_its_groups_are_found() -> None:
    alice = "Win32_UserAccount.Domain='web1',Name='alice'"
    found = web1().associators(alice, assoc_class="Win32_GroupUser")
    assert sorted(values(found, "Name")) == ["alice", "staff", "sudo", "users"]
    ties = values(web1().references(alice, result_class="Win32_GroupUser"), "GroupComponent")
    assert sorted(ties) == sorted([group("alice"), group("sudo"), group("users"), group("staff", "CORP")])


def test_from_a_group_its_members_are_found_people_and_others() -> None:
    found = web1().associators("Win32_Group.Domain='web1',Name='users'", assoc_class="Win32_GroupUser")
    assert sorted(values(found, "__CLASS", "Name")) == [
        ("Win32_SystemAccount", "postgres"), ("Win32_UserAccount", "alice"), ("Win32_UserAccount", "bob"),
    ]  # fmt: skip
    assert list(web1(groups=[Group("empty", 9)]).associators("Win32_Group.Domain='web1',Name='empty'")) == []


@pytest.mark.parametrize(
    ("of", "member", "there"), [("sudo", "alice", True), ("sudo", "bob", False), ("users", "who-has-left", False)]
)
def test_a_membership_is_found_by_its_path(of: str, member: str, *, there: bool) -> None:
    path = pair("Win32_GroupUser", GroupComponent=group(of), PartComponent=person(member))
    if there:
        assert web1().get(path).PartComponent == person(member)
    else:
        with pytest.raises(NotFoundError):
            web1().get(path)


def test_a_member_that_is_listed_twice_is_one_member(host: HostFolder) -> None:
    host.write("etc/group", "sudo:x:27:alice,alice\n")
    assert len(everything(host.connect(), "Win32_GroupUser", "PartComponent")) == 1


def test_of_two_groups_with_one_number_the_first_is_an_accounts_own(host: HostFolder) -> None:
    host.write("etc/group", "alice:x:1000:\nalias:x:1000:\n")
    found = everything(host.connect(), "Win32_GroupUser", "GroupComponent")
    assert found == [at('Win32_Group.Domain="testhost",Name="alice"', "testhost")]


def test_a_directory_without_groups_has_no_memberships() -> None:
    assert everything(web1(groups=()), "Win32_GroupUser", "PartComponent") == []
    assert everything(web1(users=USERS[:1]), "Win32_GroupUser", "PartComponent") == [person("root")]
