"""Tests of providers/bios.py: values of the firmware, and who may see them."""

import pytest

from logonscope.errors import NotFoundError
from tests.hosts import user
from tests.providers.asked import everything, one
from tests.providers.hardware import host_of_hardware

KEYS = 'Name="1.16.2",SoftwareElementID="1.16.2",SoftwareElementState=3,TargetOperatingSystem=0,Version="1.16.2"'


def test_the_firmware() -> None:
    names = ("Manufacturer", "SMBIOSBIOSVersion", "BIOSVersion", "SystemBiosMajorVersion", "SystemBiosMinorVersion")
    assert everything(host_of_hardware(), "Win32_BIOS", *names) == [("SeaBIOS", "1.16.2", ["1.16.2"], 1, 16)]
    (released,) = everything(host_of_hardware(), "Win32_BIOS", "ReleaseDate")
    assert released.date().isoformat() == "2014-04-01"
    assert everything(host_of_hardware(bios_date="1.4.2014", bios_release="x"), "Win32_BIOS", "ReleaseDate") == [None]


def test_only_an_administrator_sees_the_serial_number() -> None:
    assert one(host_of_hardware(), f"Win32_BIOS.{KEYS}", "SerialNumber") == "S-1"
    assert one(host_of_hardware(user(1000)), f"Win32_BIOS.{KEYS}", "SerialNumber") is None


def test_a_machine_without_firmware_that_is_known() -> None:
    assert everything(host_of_hardware(bios_version=None), "Win32_BIOS", "Name") == []
    with pytest.raises(NotFoundError):
        host_of_hardware(bios_version="2").get(f"Win32_BIOS.{KEYS}")
