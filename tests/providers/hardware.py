"""A machine with two processor packages and a time zone with two offsets, for tests of providers."""

from typing import Any

from logonscope import Host
from logonscope.broker import Caller
from logonscope.facts import Hardware
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT, web1

HARDWARE = Hardware(
    package_cores=(2, 4), package_threads=(4, 8), cpu_name="Some CPU", cpu_vendor="GenuineIntel", cpu_family=6,
    cpu_model=207, cpu_stepping=2, cpu_mhz=2100, virtualization=True, nested_paging=False, max_mhz=3500, l2_size=2048,
    l3_size=32768, bios_vendor="SeaBIOS", bios_version="1.16.2", bios_date="04/01/2014", bios_release="1.16",
    serial="S-1", zone="Europe/Berlin", zone_rule="CET-1CEST,M3.5.0,M10.5.0/3",
)  # fmt: skip


def host_of_hardware(caller: Caller = ROOT, **changes: Any) -> Host:
    """Return the example host with hardware, changed in some ways."""
    return web1(caller, machine=SNAPSHOT.machine._replace(hardware=HARDWARE._replace(**changes)))
