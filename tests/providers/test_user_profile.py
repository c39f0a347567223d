"""Tests of providers/user_profile.py: home directories, when they were used, and who may see that."""

from tests.hosts import user
from tests.providers.asked import everything, one
from tests.providers.profiles import host_with_history

COLUMNS = ("SID", "LocalPath", "Special", "Loaded")


def test_homes_of_accounts() -> None:
    assert everything(host_with_history(), "Win32_UserProfile", *COLUMNS) == [
        ("S-1-22-1-0", "/root", False, True),
        ("S-1-22-1-110", "/var/lib/postgresql", True, True),
        ("S-1-22-1-1000", "/home/alice", False, True),
        ("S-1-22-1-1001", "/home/bob", False, True),
        ("S-1-22-1-20001", "/home/dave", False, False),
        ("S-1-22-1-20002", "/home/eve", False, False),
    ]


def test_the_last_use_is_the_latest_login_that_any_database_has() -> None:
    times = dict(everything(host_with_history(), "Win32_UserProfile", "SID", "LastUseTime"))
    assert [times[f"S-1-22-1-{uid}"].timestamp() for uid in (1000, 1001)] == [300, 400]
    assert times["S-1-22-1-0"] is None


def test_a_user_sees_the_use_of_its_own_profile_only() -> None:
    rows = everything(host_with_history(user(1001)), "Win32_UserProfile", "SID", "Loaded", "LastUseTime")
    known = {sid for sid, loaded, used in rows if loaded is not None or used is not None}
    assert known == {"S-1-22-1-1001"}


def test_a_profile_is_found_by_its_sid() -> None:
    assert one(host_with_history(), 'Win32_UserProfile="S-1-22-1-1000"', "LocalPath") == "/home/alice"
