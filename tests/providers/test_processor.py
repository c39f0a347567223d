"""Tests of providers/processor.py: values of each processor package."""

from tests.providers.asked import everything, one
from tests.providers.hardware import host_of_hardware

NAMES = ("DeviceID", "Name", "NumberOfCores", "NumberOfLogicalProcessors", "Architecture", "AddressWidth")


def test_each_package() -> None:
    assert everything(host_of_hardware(), "Win32_Processor", *NAMES) == [
        ("CPU0", "Some CPU", 2, 4, 9, 64),
        ("CPU1", "Some CPU", 4, 8, 9, 64),
    ]


def test_a_package_by_its_key() -> None:
    path = 'Win32_Processor.DeviceID="CPU1"'
    values = one(host_of_hardware(), path, "Caption", "MaxClockSpeed", "CurrentClockSpeed", "Level", "Revision")
    assert values == ("x86_64 Family 6 Model 207 Stepping 2", 3500, 2100, 6, 52994)
    assert one(host_of_hardware(), path, "VMMonitorModeExtensions", "L2CacheSize", "L3CacheSize") == (True, 2048, 32768)


def test_a_machine_that_names_no_family() -> None:
    assert everything(host_of_hardware(cpu_family=None), "Win32_Processor", "Caption") == ["Some CPU"] * 2
    assert everything(host_of_hardware(package_threads=()), "Win32_Processor", "Caption") == []
