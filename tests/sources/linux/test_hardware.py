"""Tests of sources/linux/hardware.py: folders with the files of real machines, and this machine beside lscpu(1)."""

import os
import subprocess

from logonscope.facts import Hardware
from logonscope.sources.linux.hardware import read_hardware
from tests.hosts import HostFolder
from tests.lab.fixtures import skip_or_fail

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 207
model name\t: Intel(R) Xeon(R): a name
stepping\t: 2
cpu MHz\t\t: 2100.512
flags\t\t: fpu vmx ept

processor\t: 1
vendor_id\t: Other
"""


def cpu(host: HostFolder, number: int, package: int, core: str, cache: str = "0-3") -> None:
    folder = f"sys/devices/system/cpu/cpu{number}"
    host.write(f"{folder}/topology/physical_package_id", f"{package}\n")
    host.write(f"{folder}/topology/core_cpus_list", f"{core}\n")
    host.write(f"{folder}/cache/index0/level", "2\n")
    host.write(f"{folder}/cache/index0/size", "1024K\n")
    host.write(f"{folder}/cache/index0/shared_cpu_list", f"{core}\n")
    host.write(f"{folder}/cache/index3/level", "3\n")
    host.write(f"{folder}/cache/index3/size", "32768K\n")
    host.write(f"{folder}/cache/index3/shared_cpu_list", f"{cache}\n")


def test_a_machine_of_two_packages(host: HostFolder) -> None:
    host.write("proc/cpuinfo", CPUINFO)
    for number, package, core in ((0, 0, "0,2"), (2, 0, "0,2"), (1, 0, "1,3"), (3, 0, "1,3"), (4, 1, "4"), (5, 1, "5")):
        cpu(host, number, package, core)
    host.write("sys/devices/system/cpu/cpu6/online", "0")  # offline: it has no topology
    host.write("sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3500000\n")
    for name, text in (("bios_vendor", "SeaBIOS"), ("bios_version", "1.16.2"), ("bios_date", "04/01/2014")):
        host.write(f"sys/class/dmi/id/{name}", f"{text}\n")
    host.write("usr/share/zoneinfo/Europe/Berlin", b"TZif2" + b"\0" * 50 + b"\nCET-1CEST,M3.5.0,M10.5.0/3\n")
    os.symlink("/usr/share/zoneinfo/Europe/Berlin", host.root / "etc/localtime")
    assert read_hardware(str(host.root)) == Hardware(
        package_cores=(2, 2), package_threads=(4, 2), cpu_name="Intel(R) Xeon(R): a name", cpu_vendor="GenuineIntel",
        cpu_family=6, cpu_model=207, cpu_stepping=2, cpu_mhz=2100, virtualization=True, nested_paging=True,
        max_mhz=3500, l2_size=2048, l3_size=32768, bios_vendor="SeaBIOS", bios_version="1.16.2",
        bios_date="04/01/2014", zone="Europe/Berlin", zone_rule="CET-1CEST,M3.5.0,M10.5.0/3",
    )  # fmt: skip


def test_a_machine_that_shows_nothing(host: HostFolder) -> None:
    assert read_hardware(str(host.root)) == Hardware(zone="UTC", zone_rule="UTC0")


def test_unexpected_files(host: HostFolder) -> None:
    host.write("proc/cpuinfo", "model : \xff\nflags\t: \ncpu MHz : -1\nstepping : 99999999999\n")
    host.write("sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1")
    host.write("sys/devices/system/cpu/cpu0/topology/core_cpus_list", "0")
    host.write("etc/localtime", "no zone\nUTC0\n")
    found = read_hardware(str(host.root))
    assert (found.cpu_model, found.cpu_mhz, found.cpu_stepping, found.virtualization) == (None, None, None, False)
    assert (found.package_cores, found.zone, found.zone_rule) == ((1,), None, None)
    (host.root / "etc/localtime").unlink()
    os.symlink("../../../../../../etc/\x1b[2J/zoneinfo/../../passwd", host.root / "etc/localtime")
    assert (read_hardware(str(host.root)).zone, read_hardware(str(host.root)).zone_rule) == (None, None)


def test_this_machine_is_the_one_that_lscpu_shows() -> None:
    if not os.path.exists("/sys/devices/system/cpu/cpu0/topology"):
        skip_or_fail("/sys has no processors")
    lines = subprocess.run(["lscpu", "--parse=SOCKET,CORE,CPU"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(",") for line in lines.splitlines() if line and not line.startswith("#")]
    sockets = sorted({row[0] for row in rows}, key=int)
    found = read_hardware("/")
    assert found.package_threads == tuple(sum(row[0] == socket for row in rows) for socket in sockets)
    assert sum(found.package_cores) == len({tuple(row[:2]) for row in rows})
