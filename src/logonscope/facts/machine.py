"""The host, what it is made of, and what it has at one moment."""

from typing import NamedTuple


class Platform(NamedTuple):
    """What the machine is made of, and how its kernel was built."""

    build: str | None = None  # how the kernel was built: uname(2), version
    architecture: str | None = None  # x86_64, aarch64, ...: uname(2), machine
    processors: int | None = None  # that the scheduler sees
    packages: int | None = None  # processor packages, where /proc/cpuinfo tells them apart
    hypervisor: bool | None = None  # it runs on one; None where /proc/cpuinfo does not say
    vendor: str | None = None  # DMI, as the following
    product: str | None = None
    family: str | None = None
    sku: str | None = None
    pid_max: int | None = None


class Vitals(NamedTuple):
    """What the machine has at one moment; memory in bytes."""

    at: int  # microseconds since the epoch
    utc_offset: int | None = None  # minutes that its local time is ahead of UTC
    daylight: bool | None = None  # daylight saving time is on
    memory: int | None = None
    memory_available: int | None = None
    swap: int | None = None
    swap_free: int | None = None


class Machine(NamedTuple):
    """The host, as far as its answers need it."""

    hostname: str
    boot_id: str | None = None
    btime: int | None = None  # seconds since the epoch; None: no process has a start
    ticks: int = 100  # clock ticks a second
    page_size: int = 4096  # bytes
    kernel: str | None = None  # its release: uname(2)
    system: str | None = None  # PRETTY_NAME of os-release(5)
    audit: bool = True  # the kernel keeps audit session ids
    uid_min: int = 1000  # the least uid of a person: login.defs(5)
    machine_id: str | None = None  # machine-id(5)
    container: bool | None = None  # its login service runs in a container; None where that is not known
    platform: Platform | None = None  # read only when asked for, as the following
    vitals: Vitals | None = None
