"""Tests of providers/ls_service.py: services of the system and of users, in the words of systemd."""

import pytest

from logonscope.cim.schema import LOGONSCOPE
from logonscope.errors import NotFoundError
from logonscope.machine import Selection
from logonscope.providers.ls_service import PROVIDER
from tests.hosts import user
from tests.providers.asked import everything, fixed, one, web1
from tests.providers.services import SERVICES, host_of_services

USERS = [("user@1000.service", "system", None), ("mine.service", "user@1000.service", 1000)]


def test_services_that_only_a_process_names_are_there_too() -> None:
    found = everything(host_of_services(), "LS_Service", "Name", "Manager", "Uid")
    assert found[: len(SERVICES)] == [(service.name, "system", None) for service in SERVICES]
    assert found[len(SERVICES) :] == [*USERS, ("unlisted.service", "system", None)]


def test_a_user_sees_those_of_the_system_and_of_its_own_manager() -> None:
    listed = [(service.name, "system", None) for service in SERVICES]
    assert everything(host_of_services(user(1000)), "LS_Service", "Name", "Manager", "Uid") == [*listed, *USERS]
    assert everything(host_of_services(user(1001)), "LS_Service", "Name", "Manager", "Uid") == listed
    assert {*everything(host_of_services(user(1000)), "LS_Service", "Command")} == {None}


def test_values_of_systemd_and_of_a_cgroup() -> None:
    columns = ("Kind", "ActiveState", "SubState", "UnitFileState", "MainProcessId", "User", "StartTime")
    ssh = one(host_of_services(), 'LS_Service.Name="ssh.service",Manager="system"', *columns)
    assert ssh[:6] == ("systemd", "active", "running", "enabled", 700, "root")
    assert "2026-01-01" in str(ssh[6])
    mine = one(host_of_services(), 'LS_Service.Name="mine.service",Manager="user@1000.service"', *columns)
    assert mine == ("process", "active", None, None, None, None, None)


def test_the_same_name_of_another_manager_is_another_service() -> None:
    for manager in ("user@1000.service", "user@1001.service", "", "user@01000.service"):
        with pytest.raises(NotFoundError):
            host_of_services().get(f'LS_Service.Name="ssh.service",Manager="{manager}"', namespace=LOGONSCOPE)


def test_a_recording_without_services_has_those_that_processes_name() -> None:
    names = {"cron.service", "ssh.service", "user@1000.service"}
    assert {*everything(web1(), "LS_Service", "Name")} == names


def test_fixed_keys_narrow_the_reading() -> None:
    assert PROVIDER.selection(fixed(Name="a.service", Manager="System")) == Selection(
        services=frozenset({"a.service"}), service_uids=frozenset({None})
    )
    assert PROVIDER.selection(fixed(Manager="user@1000.service")) == Selection(service_uids=frozenset({1000}))
    assert PROVIDER.selection(fixed(Manager="other")).is_empty
