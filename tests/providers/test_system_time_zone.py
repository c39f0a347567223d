"""providers/system_time_zone.py: the computer, and its part."""

from tests.providers.asked import everything
from tests.providers.hardware import host_of_hardware


def test_from_the_computer_to_its_part_and_back() -> None:
    host = host_of_hardware()
    found = [*host.associators('Win32_ComputerSystem="web1"', result_class="Win32_TimeZone")]
    assert len(found) == 1
    back = host.associators(found[0], assoc_class="Win32_SystemTimeZone")
    assert [row["Name"] for row in back] == ["web1"]
    assert len(everything(host, "Win32_SystemTimeZone", "Setting")) == 1
    assert all(host.get(path)["Caption"] for path in everything(host, "Win32_SystemTimeZone", "Setting"))


def test_a_computer_where_it_is_not_known() -> None:
    assert everything(host_of_hardware(zone_rule=None), "Win32_SystemTimeZone", "Setting") == []
