"""Tests of providers/service.py: services of systemd in the words of Windows, and who sees which values."""

import pytest

from logonscope.errors import NotFoundError
from logonscope.machine import EVERYTHING, Selection
from logonscope.providers.service import PROVIDER
from tests.hosts import user
from tests.providers.asked import answers, everything, fixed, one, web1
from tests.providers.services import host_of_services


def test_states_starts_and_codes() -> None:
    columns = ("Name", "State", "Started", "Status", "StartMode", "ExitCode", "ServiceSpecificExitCode", "ProcessId")
    assert everything(host_of_services(), "Win32_Service", *columns) == [
        ("ssh.service", "Running", True, "OK", "Auto", 0, 0, 700),
        ("cron.service", "Paused", True, "OK", "Auto", 0, 0, 650),
        ("failed.service", "Stopped", False, "Error", "Manual", 1066, 7, 0),
        ("killed.service", "Stopped", False, "OK", "Disabled", 1067, None, 0),
        ("late.service", "Start Pending", False, "Starting", None, None, None, None),
        ("script", None, None, None, "Auto", None, None, None),
    ]


def test_what_it_accepts_while_it_runs() -> None:
    assert everything(host_of_services(), "Win32_Service", "AcceptStop", "AcceptPause") == [
        (True, True), (True, False), (False, False), (False, False), (False, None), (None, None),
    ]  # fmt: skip


def test_its_names() -> None:
    names = ("Name", "DisplayName", "Caption", "Description", "StartName", "SystemName", "PathName")
    found = everything(host_of_services(), "Win32_BaseService", *names)
    ssh = "OpenBSD Secure Shell server"
    assert found[0] == ("ssh.service", ssh, ssh, ssh, "root", "web1", "/usr/sbin/sshd -D")
    assert found[1][:4] == ("cron.service", "cron.service", "cron.service", None)


def test_every_user_sees_the_services_and_only_an_administrator_their_command_lines() -> None:
    names = everything(host_of_services(), "Win32_Service", "Name", "State")
    assert everything(host_of_services(user(1001)), "Win32_Service", "Name", "State") == names
    assert {*everything(host_of_services(user(1001)), "Win32_Service", "PathName")} == {None}
    # a condition on it is tested on what the caller sees
    assert answers(host_of_services(user(1001)), "SELECT Name FROM Win32_Service WHERE PathName LIKE '%sshd%'") == []


def test_a_unit_of_a_users_manager_is_none() -> None:
    assert "mine.service" not in everything(host_of_services(), "Win32_Service", "Name")


def test_a_service_is_found_by_its_name_in_any_case_and_no_other_is() -> None:
    assert one(host_of_services(), 'Win32_Service="SSH.service"', "Name") == "ssh.service"
    for name in ("sshd.service", "ssh", "", "*", "ssh.service\n"):
        with pytest.raises(NotFoundError):
            host_of_services().get(f'Win32_Service="{name}"')


def test_a_host_without_services_has_none() -> None:
    assert everything(web1(), "Win32_Service", "Name") == []


def test_a_fixed_name_narrows_the_reading() -> None:
    assert PROVIDER.selection(fixed(Name="ssh.service")) == Selection(services=frozenset({"ssh.service"}))
    assert PROVIDER.selection(fixed(Name="a\ufffd")) == EVERYTHING
