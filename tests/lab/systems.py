"""The systems that are booted: this computer's own root, and a Debian 13 as a machine and as a container.

Debian 13 is made by debootstrap, once for each list of packages (trixie.txt), and kept below $XDG_CACHE_HOME.
"""

import fcntl
import functools
import hashlib
import os
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

from tests.fresh.tree import DEBIAN, cache, tree
from tests.lab.keeper import HOST_PIDS

LAB = Path(__file__).parent
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class System(NamedTuple):
    """A system to boot."""

    name: str
    suite: str | None = None  # of Debian; None: this computer's own root
    container: bool = False  # its logind may see that it runs in a container
    has_host_pids: bool = False  # it has no pid namespace of its own, so that kernel events have the pids of its /proc

    @property
    def kind(self) -> str:
        """Return the word of boot.sh for it."""
        if self.has_host_pids:
            return HOST_PIDS
        return "container" if self.container else "machine"

    def tree(self) -> str:
        """Return the directory that holds its root, made if need be.

        Raises:
            UnavailableError: it cannot be made here.
        """
        return "/" if self.suite is None else str(_debian(self.suite))

    def interpreter(self) -> set[str]:
        """Return what the tests' interpreter needs inside besides its own directories."""
        if self.suite is None:
            return set()
        paths = {sysconfig.get_path("stdlib")}
        link = sys.executable
        while os.path.islink(link):
            link = os.path.join(os.path.dirname(link), os.readlink(link))
            paths.add(link)
        return paths


SYSTEMS = (System("own root"), System("trixie machine", "trixie"), System("trixie container", "trixie", container=True))
SYSTEMS_WITH_HOST_PIDS = (
    System("own root, host pids", has_host_pids=True),
    System("trixie, host pids", "trixie", has_host_pids=True),
)


@functools.cache
def _debian(suite: str) -> Path:
    """Return the root of a Debian with the packages of its list, made once for each list."""
    lines = (LAB / f"{suite}.txt").read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    name = f"{suite}-{hashlib.sha256(' '.join(packages).encode()).hexdigest()[:12]}"
    path = cache().with_name(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be making it
        return tree(suite, DEBIAN, packages, path)
