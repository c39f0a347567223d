"""Tests of providers/system_account.py: the accounts of the system."""

import pytest

from logonscope.errors import NotFoundError
from tests.hosts import HostFolder
from tests.providers.asked import everything, one, web1

POSTGRES = {
    "Caption": "web1\\postgres", "Domain": "web1", "Name": "postgres", "Description": "PostgreSQL administrator,,,",
    "SID": "S-1-22-1-110", "SIDType": 1, "LocalAccount": True,
}  # fmt: skip


def test_the_system_has_those_below_uid_min_but_for_root() -> None:
    assert everything(web1(), "Win32_SystemAccount", "Caption") == ["web1\\postgres"]


def test_all_that_is_known_of_one_and_no_more() -> None:
    found = web1().get("Win32_SystemAccount.Domain='web1',Name='postgres'")
    assert {name: value for name, value in found.properties().items() if value is not None} == POSTGRES


def test_a_person_is_none() -> None:
    for name in ("root", "alice"):
        with pytest.raises(NotFoundError):
            web1().get(f"Win32_SystemAccount.Domain='web1',Name='{name}'")


def test_every_account_is_of_one_of_the_two_classes(host: HostFolder) -> None:
    for uid in (1, 999, 1002, 65534):
        host.account(f"uid{uid}", uid)
    found = dict(everything(host.connect(), "Win32_Account", "Name", "__CLASS"))
    assert found == {
        "root": "Win32_UserAccount", "alice": "Win32_UserAccount", "bob": "Win32_UserAccount",
        "uid1": "Win32_SystemAccount", "uid999": "Win32_SystemAccount", "uid1002": "Win32_UserAccount",
        "uid65534": "Win32_UserAccount",
    }  # fmt: skip


def test_an_account_without_a_named_class_is_found_under_its_own() -> None:
    assert one(web1(), "Win32_Account.Domain='web1',Name='postgres'", "__CLASS", "Name") == (
        "Win32_SystemAccount",
        "postgres",
    )
