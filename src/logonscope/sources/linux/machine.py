"""Which machine is this? Reads its names and its clock's constants from /proc and /etc."""

import os
from itertools import islice

from logonscope.facts import Machine, Platform
from logonscope.machine import Look, Trouble
from logonscope.sources.linux import parse

_DMI = "sys/class/dmi/id"
_CONTAINER_FILES = ("run/host/container-manager", "run/systemd/container", "run/.containerenv", ".dockerenv")
_ROOT_GROUPS = ("sys/fs/cgroup", "sys/fs/cgroup/unified")
_LARGEST = 1 << 20
_MOST_READS = 1 << 12
"""Files of /proc give a page a read, /proc/cpuinfo of a thousand processors takes some hundred."""


def machine(root: str) -> Machine:
    """Read what stays the same as long as the host runs, so without its boot time; what cannot be read is None."""
    release = _small(root, "etc/os-release") or _small(root, "usr/lib/os-release") or b""
    return Machine(
        hostname=_word(root, "proc/sys/kernel/hostname") or "localhost",
        boot_id=_word(root, "proc/sys/kernel/random/boot_id"),
        ticks=os.sysconf("SC_CLK_TCK"),
        page_size=os.sysconf("SC_PAGE_SIZE"),
        kernel=_word(root, "proc/sys/kernel/osrelease"),
        system=parse.parse_os_release(release),
        audit=os.path.exists(os.path.join(root, "proc/self/sessionid")),
        uid_min=parse.parse_uid_min(_small(root, "etc/login.defs") or b""),
        machine_id=_word(root, "etc/machine-id"),
        container=_is_container(root),
    )


def boot_time(root: str, look: Look) -> int | None:
    """Read when the machine booted, in seconds since the epoch: it moves with the clock."""
    try:
        return parse.parse_btime(b"\n" + (_small(root, "proc/stat") or b""))
    except ValueError:
        look.report(Trouble("/proc/stat", "no boot time in it", "mount a whole /proc: no start is known without"))
        return None


def _is_container(root: str) -> bool:
    """Return whether systemd takes the machine for a container (detect_container() of systemd 252 to 257)."""
    if any(os.path.exists(os.path.join(root, file)) for file in _CONTAINER_FILES):
        return True
    # the kernel's own root group has no such file; PID 1's environment would tell root alone
    return any(os.path.exists(os.path.join(root, group, "cgroup.events")) for group in _ROOT_GROUPS)


def platform(root: str) -> Platform:
    """Read what the machine is made of; what cannot be read is None."""
    cpuinfo = _small(root, "proc/cpuinfo") or b""
    return Platform(
        build=_word(root, "proc/sys/kernel/version"),
        architecture=_word(root, "proc/sys/kernel/arch") or (os.uname().machine if root == "/" else None),
        processors=parse.parse_processors(_small(root, "proc/stat") or b"") or None,
        packages=parse.parse_packages(cpuinfo) or None,
        hypervisor=parse.parse_hypervisor(cpuinfo),
        vendor=_word(root, f"{_DMI}/sys_vendor"),
        product=_word(root, f"{_DMI}/product_name"),
        family=_word(root, f"{_DMI}/product_family"),
        sku=_word(root, f"{_DMI}/product_sku"),
        pid_max=_number(root, "proc/sys/kernel/pid_max"),
    )


def _small(root: str, path: str) -> bytes | None:
    try:
        with open(os.path.join(root, path), "rb", buffering=0) as file:
            return b"".join(islice(iter(lambda: file.read(_LARGEST), b""), _MOST_READS))
    except OSError:
        return None


def _word(root: str, path: str) -> str | None:
    data = _small(root, path)
    return data.strip().decode("utf-8", "surrogateescape") or None if data else None


def _number(root: str, path: str) -> int | None:
    word = _word(root, path)
    return int(word) if word and word.isascii() and word.isdecimal() else None
