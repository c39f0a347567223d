"""Which machine is this? Reads its names and its clock's constants from /proc and /etc."""

import os

from logonscope.facts import Machine, Trouble
from logonscope.sources.linux import parse


def machine(root: str, troubles: list[Trouble]) -> Machine:
    """Read the host's description; what cannot be read is None."""
    release = _small(root, "etc/os-release") or _small(root, "usr/lib/os-release") or b""
    btime = None
    try:
        btime = parse.parse_btime(b"\n" + (_small(root, "proc/stat") or b""))
    except ValueError:
        troubles.append(Trouble("/proc/stat", "no boot time in it", "mount a whole /proc: no start is known without"))
    return Machine(
        hostname=_word(root, "proc/sys/kernel/hostname") or "localhost",
        boot_id=_word(root, "proc/sys/kernel/random/boot_id"),
        btime=btime,
        ticks=os.sysconf("SC_CLK_TCK"),
        page_size=os.sysconf("SC_PAGE_SIZE"),
        kernel=_word(root, "proc/sys/kernel/osrelease") or "",
        system=parse.parse_os_release(release),
        audit=os.path.exists(os.path.join(root, "proc/self/sessionid")),
        uid_min=parse.parse_uid_min(_small(root, "etc/login.defs") or b""),
    )


def _small(root: str, path: str) -> bytes | None:
    try:
        with open(os.path.join(root, path), "rb", buffering=0) as file:
            return file.read(1 << 20)
    except OSError:
        return None


def _word(root: str, path: str) -> str | None:
    data = _small(root, path)
    return parse.text(data.strip()) if data else None
