"""Tests of providers/logon_session.py: every logon session, with null for unknown values."""

from datetime import datetime

import pytest

from logonscope.errors import NotFoundError
from logonscope.machine import local_datetime
from tests import example
from tests.hosts import HostFolder, user
from tests.providers.asked import everything, one, rough, web1


def began(minute: float) -> datetime | None:
    """Return a time of the example host."""
    return local_datetime(example.since(minute) / 1e6)


def test_every_logon_session_has_its_type_its_package_and_its_start() -> None:
    rows = everything(web1(), "Win32_LogonSession", "LogonId", "LogonType", "AuthenticationPackage", "StartTime")
    assert rows == [
        ("4294967295", 0, None, began(0)),
        ("4294967297", 4, "PAM", began(500)),
        ("37", None, None, began(510)),
        ("41", 10, None, began(602)),
        ("42", 5, "PAM", began(602)),
        ("63", 4, None, began(660)),
    ]


def test_what_windows_leaves_null_is_null() -> None:
    names = ("Caption", "Description", "InstallDate", "Name", "Status")
    assert one(web1(), "Win32_LogonSession=41", *names) == (None,) * 5


@pytest.mark.parametrize("logon_id", ["40", "041", "c1", "-1", "", "4294967295 ", "9" * 30])
def test_an_id_that_no_logon_session_has_is_not_found(logon_id: str) -> None:
    with pytest.raises(NotFoundError):
        web1().get(f'Win32_LogonSession.LogonId="{logon_id}"')


def test_a_number_names_it_as_well_as_its_digits() -> None:
    assert one(web1(), "Win32_LogonSession=4294967297", "LogonId") == "4294967297"
    assert one(web1(), "win32_logonsession.logonid='63'", "LogonId") == "63"


def test_one_sees_ones_own_alone() -> None:
    assert everything(web1(user(1001)), "Win32_LogonSession", "LogonId") == ["37"]
    with pytest.raises(NotFoundError):
        web1(user(1001)).get("Win32_LogonSession=41")


def test_a_host_that_does_not_know_when_it_booted_has_a_system_session_without_a_start(host: HostFolder) -> None:
    host.write("proc/stat", "cpu 1 2 3\n")
    assert everything(rough(host), "Win32_LogonSession", "LogonId", "StartTime")[0] == ("4294967295", None)
