"""Tests of providers/system_users.py: the people who can use the computer."""

import pytest

from logonscope.errors import NotFoundError
from tests.providers.asked import at, everything, pair, values, web1

WEB1 = at('Win32_ComputerSystem.Name="web1"', "web1")
BOB = at('Win32_UserAccount.Name="bob",Domain="web1"', "web1")


def test_the_computer_has_its_people_and_not_its_system_accounts() -> None:
    found = everything(web1(), "Win32_SystemUsers", "GroupComponent", "PartComponent")
    accounts = [("web1", "root"), ("web1", "alice"), ("web1", "bob"), ("CORP", "dave"), ("example.org", "eve")]
    assert found == [
        (WEB1, at(f'Win32_UserAccount.Name="{name}",Domain="{domain}"', "web1")) for domain, name in accounts
    ]  # fmt: skip


def test_from_the_computer_its_people_are_found_and_back() -> None:
    people = web1().associators("Win32_ComputerSystem='web1'", assoc_class="Win32_SystemUsers")
    assert values(people, "Name") == ["root", "alice", "bob", "dave", "eve"]
    back = web1().associators("Win32_UserAccount.Domain='web1',Name='bob'", assoc_class="Win32_SystemUsers")
    assert values(back, "Name") == ["web1"]
    system = "Win32_SystemAccount.Domain='web1',Name='postgres'"
    assert list(web1().associators(system, assoc_class="Win32_SystemUsers")) == []


def test_a_pair_is_found_by_its_path_on_this_computer_alone() -> None:
    assert web1().get(pair("Win32_SystemUsers", GroupComponent=WEB1, PartComponent=BOB)).PartComponent == BOB
    with pytest.raises(NotFoundError):
        web1().get(pair("Win32_SystemUsers", GroupComponent="Win32_ComputerSystem='web2'", PartComponent=BOB))
