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


class Account(NamedTuple):
    """A line of passwd(5), from whatever name service."""

    name: str
    uid: int
    gid: int
    gecos: str
    home: str
    shell: str


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
    """One look. ``processes`` is read while it is iterated; ``accounts`` looks a uid up when asked for it."""

    machine: Machine
    processes: Iterable[Process]
    logins: tuple[Login, ...]
    accounts: Mapping[int, Account]
    sockets: tuple[Socket, ...]
    troubles: list[Trouble]


class Source(NamedTuple):
    """Somewhere that facts come from. ``observe`` raises nothing for a process that ends half way."""

    label: str
    observe: Callable[[Needs], Snapshot]
    partial: str | None = None  # why it does not hold the whole host: a recording that was made without elevation
