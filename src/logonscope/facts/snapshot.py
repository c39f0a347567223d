"""What one look at a machine gives, and the seam below the broker: a Source hands over Snapshots."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from logonscope.facts.login import Login
from logonscope.facts.needs import Needs
from logonscope.facts.process import Process


class Machine(NamedTuple):
    """The host, as far as its answers need it."""

    hostname: str
    boot_id: str | None
    btime: int | None  # seconds since the epoch
    ticks: int  # clock ticks a second
    page_size: int  # bytes
    kernel: str
    system: str | None  # PRETTY_NAME of os-release(5)
    audit: bool  # the kernel keeps audit session ids
    uid_min: int  # login.defs(5)


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


class Account(NamedTuple):
    """A line of passwd(5), from whatever name service."""

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str
    local: bool | None = None  # it stands in /etc/passwd; None: not looked up


class Group(NamedTuple):
    """A line of group(5), from whatever name service; ``members`` lacks those whose primary group it is."""

    name: str
    gid: int
    members: tuple[str, ...] = ()
    local: bool | None = None  # it stands in /etc/group; None: not looked up


class Socket(NamedTuple):
    """A line of /proc/net/tcp and its neighbours."""

    protocol: str  # tcp, tcp6, udp, udp6
    address: str
    port: int
    remote_address: str
    remote_port: int
    state: str  # LISTEN, ESTABLISHED, ...; "" for udp
    inode: int


PARTIAL = "this recording"
"""What a Trouble is about that says why a recording is partial."""


class Trouble(NamedTuple):
    """Something that could not be read: what, why, and what would help; reported once, not once a process."""

    what: str
    why: str
    do: str


class Snapshot(NamedTuple):
    """One look. Processes, users and groups are read while they are iterated, an account when it is asked for."""

    machine: Machine
    processes: Iterable[Process]
    logins: tuple[Login, ...]
    accounts: Mapping[int, Account]
    sockets: tuple[Socket, ...]
    troubles: list[Trouble]
    users: Iterable[Account] = ()
    groups: Iterable[Group] = ()
    platform: Platform | None = None
    vitals: Vitals | None = None


class Action(NamedTuple):
    """Something to do to one process, told from a later one with its pid by its start."""

    pid: int
    start: int  # clock ticks since boot, as in Process
    nice: int | None = None  # set it to this; None: end the process at once
    uid: int | None = None  # as whom; None: with the rights of this very process


class Source(NamedTuple):
    """Somewhere that facts come from.

    ``observe`` raises nothing for a process that ends half way. ``act`` raises ProcessLookupError where the process is
    gone, PermissionError where the kernel does not let that uid do it, and OSError where it fails otherwise.
    """

    label: str
    observe: Callable[[Needs], Snapshot]
    partial: str | None = None  # why it does not hold the whole host: a recording that was made without elevation
    act: Callable[[Action], None] | None = None  # None: nothing can be done to this host, as to a recording
