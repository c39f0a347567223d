"""sources/named.py: which accounts and groups are meant by their names?"""

from typing import Any

from logonscope.facts import Account, Group
from logonscope.machine import Needs
from logonscope.sources.named import groups_named, users_named

ALICE = Account("alice", 1000, 100, "", "/", "/bin/sh")
BOB = Account("Bob", 1001, 1001, "", "/", "/bin/sh")
USERS, SUDO = Group("users", 100), Group("sudo", 27, ("alice", "bob"))
GROUPS = (USERS, SUDO)


def users(**needs: Any) -> list[Account]:
    return list(users_named((ALICE, BOB), Needs(**needs)))


def groups(**needs: Any) -> list[Group]:
    return list(groups_named(GROUPS, (ALICE, BOB), Needs(**needs)))


def test_names_count_in_whatever_case() -> None:
    assert users(users=frozenset({"BOB", "carol"})) == [BOB]
    assert groups(groups=frozenset({"Users"})) == [USERS]


def test_the_groups_of_an_account_are_its_own_and_those_that_list_its_very_name() -> None:
    assert groups(groups_of=frozenset({"ALICE"})) == [USERS, SUDO]
    assert groups(groups_of=frozenset({"bob"})) == []


def test_all_are_all_and_none_are_none() -> None:
    assert list(users_named((ALICE, BOB), Needs(all_users=True))) == [ALICE, BOB]
    assert list(groups_named(GROUPS, (), Needs(all_groups=True))) == [USERS, SUDO]
    assert users() == []
    assert groups() == []
