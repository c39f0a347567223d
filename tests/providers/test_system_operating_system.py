"""Tests of providers/system_operating_system.py: the operating system of the computer."""

from tests.hosts import user
from tests.providers.asked import at, everything, values, web1

WEB1, LINUX = at('Win32_ComputerSystem.Name="web1"', "web1"), at("Win32_OperatingSystem=@", "web1")


def test_the_computer_runs_one_and_it_is_the_primary_one() -> None:
    names = ("GroupComponent", "PartComponent", "PrimaryOS")
    for caller in (user(0), user(1001)):
        assert everything(web1(caller), "Win32_SystemOperatingSystem", *names) == [(WEB1, LINUX, True)]


def test_from_one_end_the_other_is_found() -> None:
    association = "Win32_SystemOperatingSystem"
    assert values(web1().associators(WEB1, assoc_class=association), "OSType") == [36]
    assert values(web1().associators(LINUX, assoc_class=association), "Name") == ["web1"]


def test_the_pair_is_found_by_its_path() -> None:
    (pair,) = web1().references(LINUX, result_class="Win32_SystemOperatingSystem")
    assert web1().get(pair["__PATH"]) == pair
