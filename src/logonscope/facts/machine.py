"""The host: its names and constants, its hardware, and its clock and memory at one moment."""

from typing import NamedTuple

from logonscope.facts.hardware import Hardware


class Platform(NamedTuple):
    """Hardware of the machine, and the build of its kernel."""

    build: str | None = None  # build of the kernel: uname(2), version
    architecture: str | None = None  # x86_64, aarch64, ...: uname(2), machine
    processors: int | None = None  # number of processors that the scheduler uses
    packages: int | None = None  # number of processor packages; None where /proc/cpuinfo does not list them
    hypervisor: bool | None = None  # the machine runs on a hypervisor; None where /proc/cpuinfo does not show it
    vendor: str | None = None  # from DMI, like the following three
    product: str | None = None
    family: str | None = None
    sku: str | None = None
    pid_max: int | None = None


class Vitals(NamedTuple):
    """Clock and memory sizes of the machine at one moment; sizes in bytes."""

    time: int  # microseconds since the epoch
    utc_offset: int | None = None  # minutes by which local time is ahead of UTC
    daylight: bool | None = None  # daylight saving time is on
    memory: int | None = None
    memory_available: int | None = None
    swap: int | None = None
    swap_free: int | None = None


class Machine(NamedTuple):
    """The host: the facts that answers need besides those of processes and logins."""

    hostname: str
    boot_id: str | None = None
    btime: int | None = None  # boot time, seconds since the epoch; None: no start time of a process is known
    ticks: int = 100  # clock ticks per second
    page_size: int = 4096  # bytes
    kernel: str | None = None  # release of the kernel: uname(2)
    system: str | None = None  # PRETTY_NAME of os-release(5)
    audit: bool = True  # the kernel keeps audit session ids
    uid_min: int = 1000  # lowest uid of a person: login.defs(5)
    machine_id: str | None = None  # machine-id(5)
    container: bool | None = None  # the host's login service runs in a container; None: not known
    root_cgroup: str | None = None  # cgroup of the host's first process; read only if the host may be a container
    platform: Platform | None = None  # read only on request, like vitals and hardware
    vitals: Vitals | None = None
    hardware: Hardware | None = None
