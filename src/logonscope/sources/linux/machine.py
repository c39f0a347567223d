"""Reader of the machine: its names, clock constants, boot time and platform, from /proc, /sys and /etc."""

import os
import time
from collections.abc import Callable
from functools import partial
from itertools import islice

from logonscope.facts import Machine, Platform
from logonscope.machine import Look, Trouble
from logonscope.sources.linux import parse

ROOT = "/"
LOCALHOST = "localhost"
"""The hostname of a machine whose hostname cannot be read."""

_DMI = "sys/class/dmi/id"
_CONTAINER_FILES = ("run/host/container-manager", "run/systemd/container", "run/.containerenv", ".dockerenv")
_SYSTEMD_FOLDER = "run/systemd/system"
"""Exists if process 1 is systemd (sd_booted(3)). Outside containers, the cgroup of systemd is /init.scope."""

_ROOT_CGROUPS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
_BLOCK = 1 << 16
"""Bytes of one read: a larger buffer would be mapped and unmapped by the C library for each read, which costs more."""
_MAX_READS = 1 << 12
"""Maximum reads of one file. A read of /proc returns a page: /proc/cpuinfo of 1,000 processors takes hundreds."""

MAX_CLOCK_DIFFERENCE = 0.001
"""Seconds by which the difference of two clocks can vary though no clock was set: they are read one after the other."""


def read_machine(root: str) -> Machine:
    """Return the facts that are constant while the host runs; those that cannot be read are None.

    The hostname and the boot time are not among them: the hostname can be set, and the boot time moves when the clock
    is set. The hostname in the result is LOCALHOST; the caller replaces it by that of ``read_hostname``.
    """
    is_container = _is_container(root)
    release = _read_file(root, "etc/os-release") or _read_file(root, "usr/lib/os-release") or b""
    return Machine(
        hostname=LOCALHOST,
        boot_id=_read_word(root, "proc/sys/kernel/random/boot_id"),
        ticks=os.sysconf("SC_CLK_TCK"),
        page_size=os.sysconf("SC_PAGE_SIZE"),
        kernel=_read_word(root, "proc/sys/kernel/osrelease"),
        system=parse.parse_os_release(release),
        audit=os.path.exists(os.path.join(root, "proc/self/sessionid")),
        uid_min=parse.parse_uid_min(_read_file(root, "etc/login.defs") or b""),
        machine_id=_read_word(root, "etc/machine-id"),
        container=is_container,
        root_cgroup=_read_root_cgroup(root)
        if is_container or not os.path.exists(os.path.join(root, _SYSTEMD_FOLDER))
        else None,
    )


def read_hostname(root: str) -> str:
    """Return the hostname that the machine has now."""
    if root == ROOT:
        return os.uname().nodename or LOCALHOST
    return _read_word(root, "proc/sys/kernel/hostname") or LOCALHOST


def wall_clock_at_boot() -> float:
    """Return the wall-clock time of the boot, by the present setting of the clock."""
    return time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME)


class BootTime:
    """The boot time of a host, kept until the clock is set."""

    def __init__(self, root: str, clock_at_boot: Callable[[], float] | None) -> None:
        """Prepare the reading.

        Args:
            root: the root directory of the host.
            clock_at_boot: ``wall_clock_at_boot``, if the host has the clock of this machine; None: the boot time is not
                kept, but read each time.
        """
        self._root, self._clock_at_boot = root, clock_at_boot
        self._last_reading: tuple[float, int] | None = None  # results of clock_at_boot and of read_boot_time

    def read(self, look: Look) -> int | None:
        """Return when the machine booted, in seconds since the epoch; None if the kernel does not show it."""
        if self._clock_at_boot is None:
            return read_boot_time(self._root, look)
        # The kernel computes its boot time from the same difference, which changes only when the clock is set: a slow
        # adjustment moves both clocks. The difference is taken before the file is read, so that setting the clock
        # meanwhile is noticed the next time.
        clock_at_boot, last_reading = self._clock_at_boot(), self._last_reading
        if last_reading is not None and abs(last_reading[0] - clock_at_boot) < MAX_CLOCK_DIFFERENCE:
            return last_reading[1]
        boot_time = read_boot_time(self._root, look)
        self._last_reading = None if boot_time is None else (clock_at_boot, boot_time)
        return boot_time


def read_boot_time(root: str, look: Look) -> int | None:
    """Return when the machine booted, in seconds since the epoch; it moves when the clock is set."""
    try:
        return parse.parse_btime(b"\n" + (_read_file(root, "proc/stat") or b""))
    except ValueError:
        look.report(
            Trouble("/proc/stat", "it has no boot time", "mount a complete /proc: without it start times are unknown")
        )
        return None


def _is_container(root: str) -> bool:
    """Return whether systemd detects a container here, by its own rules (detect_container() of systemd 252 to 257)."""
    if any(os.path.exists(os.path.join(root, file)) for file in _CONTAINER_FILES):
        return True
    # The kernel's root cgroup has no file cgroup.events. If this file is in the root of the cgroup mount, this root is
    # the cgroup of a container. The environment of PID 1 names the container more directly, but only root can read it.
    return any(os.path.exists(os.path.join(root, cgroup, "cgroup.events")) for cgroup in _ROOT_CGROUPS)


def _read_root_cgroup(root: str) -> str | None:
    """Return the cgroup of process 1: in a container without a cgroup namespace, the cgroup of the container itself."""
    try:
        (cgroup,) = parse.parse_cgroup(_read_file(root, "proc/1/cgroup") or b"")
    except ValueError:
        return None
    return cgroup


def read_platform(root: str) -> Platform:
    """Return hardware and kernel build of the machine; facts that cannot be read are None."""
    cpuinfo = _read_file(root, "proc/cpuinfo") or b""
    return Platform(
        build=_read_word(root, "proc/sys/kernel/version"),
        architecture=_read_word(root, "proc/sys/kernel/arch") or (os.uname().machine if root == "/" else None),
        processors=parse.parse_processors(_read_file(root, "proc/stat") or b"") or None,
        packages=parse.parse_packages(cpuinfo) or None,
        hypervisor=parse.parse_hypervisor(cpuinfo),
        vendor=_read_word(root, f"{_DMI}/sys_vendor"),
        product=_read_word(root, f"{_DMI}/product_name"),
        family=_read_word(root, f"{_DMI}/product_family"),
        sku=_read_word(root, f"{_DMI}/product_sku"),
        pid_max=_read_number(root, "proc/sys/kernel/pid_max"),
    )


def _read_file(root: str, path: str) -> bytes | None:
    try:
        with open(os.path.join(root, path), "rb", buffering=0) as file:
            return b"".join(islice(iter(partial(file.read, _BLOCK), b""), _MAX_READS))
    except OSError:
        return None


def _read_word(root: str, path: str) -> str | None:
    data = _read_file(root, path)
    return data.strip().decode("utf-8", "surrogateescape") or None if data else None


def _read_number(root: str, path: str) -> int | None:
    word = _read_word(root, path)
    return int(word) if word and word.isascii() and word.isdecimal() else None
