"""Tests of providers/network_login_profile.py: number and times of an account's logins."""

from logonscope.providers.network_login_profile import PROVIDER
from tests.hosts import user
from tests.providers.asked import everything, fixed, one
from tests.providers.profiles import host_with_history

ALICE = r'Win32_NetworkLoginProfile="web1\\alice"'


def test_logins_of_an_account() -> None:
    columns = ("Name", "UserId", "NumberOfLogons", "FullName", "HomeDirectory", "PrimaryGroupId", "Privileges")
    alice = one(host_with_history(), ALICE, *columns)
    assert alice == ("web1\\alice", 1000, 7, "Alice Liddell", "/home/alice", 1000, None)
    last, logoff = one(host_with_history(), ALICE, "LastLogon", "LastLogoff")
    assert (last.timestamp(), logoff.timestamp()) == (300, 250)


def test_each_account_has_one() -> None:
    names = everything(host_with_history(), "Win32_NetworkLoginProfile", "Name")
    assert names == ["web1\\root", "web1\\postgres", "web1\\alice", "web1\\bob", "CORP\\dave", "example.org\\eve"]
    for name in names:
        path = name.replace("\\", "\\\\")
        assert one(host_with_history(), f'Win32_NetworkLoginProfile="{path}"', "SettingID") == name


def test_a_user_sees_its_own_logins_only() -> None:
    rows = everything(
        host_with_history(user(1001)), "Win32_NetworkLoginProfile", "UserId", "NumberOfLogons", "LastLogon"
    )
    assert {uid for uid, number, last in rows if number is not None or last is not None} == {1001}


def test_a_fixed_name_narrows_the_reading() -> None:
    assert PROVIDER.selection(fixed(Name="CORP\\dave")).users == frozenset({"dave", "CORP\\dave", "dave@CORP"})
