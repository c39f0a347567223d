"""Tests of providers/group.py: the groups, local and of a domain."""

import pytest

from logonscope.errors import NotFoundError
from logonscope.facts import Group
from tests.hosts import HostFolder
from tests.providers.asked import GROUPS, everything, one, rough, web1


def test_every_group_has_its_domain_and_its_sid() -> None:
    assert everything(web1(), "Win32_Group", "Caption", "SID", "LocalAccount") == [
        ("web1\\root", "S-1-22-2-0", True),
        ("web1\\sudo", "S-1-22-2-27", True),
        ("web1\\users", "S-1-22-2-100", True),
        ("web1\\alice", "S-1-22-2-1000", True),
        ("web1\\bob", "S-1-22-2-1001", True),
        ("CORP\\staff", "S-1-22-2-20000", False),
    ]


def test_all_that_is_known_of_one_and_no_more() -> None:
    found = web1().get("Win32_Group.Domain='web1',Name='sudo'")
    assert {name: value for name, value in found.properties().items() if value is not None} == {
        "Caption": "web1\\sudo", "Domain": "web1", "Name": "sudo", "SID": "S-1-22-2-27", "SIDType": 4,
        "LocalAccount": True, "Status": "OK",
    }  # fmt: skip


def test_a_group_is_found_by_domain_and_name() -> None:
    assert one(web1(), "win32_group.name='SUDO',domain='WEB1'", "Name") == "sudo"
    assert one(web1(), "Win32_Group.Domain='CORP',Name='staff'", "Name") == "staff"
    for keys in ("Domain='web1',Name='staff'", "Domain='web1',Name='postgres'"):
        with pytest.raises(NotFoundError):
            web1().get(f"Win32_Group.{keys}")


def test_a_name_of_an_account_and_a_group_means_the_account() -> None:
    assert one(web1(), "Win32_Account.Domain='web1',Name='alice'", "__CLASS", "SIDType") == ("Win32_UserAccount", 1)
    assert one(web1(), "Win32_Account.Domain='web1',Name='sudo'", "__CLASS", "SIDType") == ("Win32_Group", 4)
    assert one(web1(), "Win32_Group.Domain='CORP',Name='staff'", "SIDType") == 2
    assert len(everything(web1(), "Win32_Account", "Name")) == len(GROUPS) + 6


def test_the_lines_of_a_folder_are_its_groups(host: HostFolder) -> None:
    assert everything(rough(host), "Win32_Group", "Name") == ["root", "sudo", "users", "alice"]


def test_text_that_no_answer_can_carry_is_replaced() -> None:
    assert everything(web1(groups=[Group("g\x1b\udcff", 7)]), "Win32_Group", "Name") == ["g\ufffd\ufffd"]
