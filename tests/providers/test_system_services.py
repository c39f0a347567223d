"""Tests of providers/system_services.py: the computer with every service, in both directions."""

from tests.providers.asked import at, everything, values
from tests.providers.services import SERVICES, host_of_services

WEB1 = at('Win32_ComputerSystem.Name="web1"', "web1")


def test_the_computer_has_every_service() -> None:
    pairs = [(WEB1, at(f'Win32_Service.Name="{service.name}"', "web1")) for service in SERVICES]
    assert everything(host_of_services(), "Win32_SystemServices", "GroupComponent", "PartComponent") == pairs


def test_from_the_computer_its_services_are_found_and_back() -> None:
    host = host_of_services()
    found = host.associators('Win32_ComputerSystem="web1"', result_class="Win32_Service")
    assert values(found, "Name") == [service.name for service in SERVICES]
    assert values(host.associators('Win32_Service="ssh.service"'), "Name") == ["web1"]
