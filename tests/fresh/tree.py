"""Root file systems of new installations, made by debootstrap and kept below the user's cache directory."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SCRIPTS = Path("/usr/share/debootstrap/scripts")
KEYRINGS = "usr/share/keyrings"
WGETRC = Path(__file__).with_name("wgetrc")
PATIENCE = 900.0
"""Seconds that debootstrap may take."""
PACKAGES = ("python3", "python3-venv", "make", "ca-certificates")
"""What a new user has, beside what every installation has."""


class UnavailableError(Exception):
    """A system that cannot be had on this machine."""


class Archive(NamedTuple):
    """Where a distribution's packages come from."""

    url: str
    variable: str
    """The environment variable that names another mirror."""
    components: str
    script: str
    """debootstrap's script for suites that it does not know yet."""
    keyring: str


DEBIAN = Archive("http://deb.debian.org/debian", "DEBIAN_MIRROR", "main", "sid", "debian-archive-keyring.gpg")
UBUNTU = Archive(
    "http://archive.ubuntu.com/ubuntu", "UBUNTU_MIRROR", "main,universe", "gutsy", "ubuntu-archive-keyring.gpg"
)


def cache() -> Path:
    """Return the directory in which trees are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "logonscope" / "fresh"


def tree(suite: str, archive: Archive, packages: Sequence[str] = PACKAGES, path: Path | None = None) -> Path:
    """Return the tree of a suite, which is made where it is not in the cache.

    Args:
        suite: the suite.
        archive: where its packages come from.
        packages: what it has beside what every installation has.
        path: where it is kept, if not by its suite alone.

    Raises:
        UnavailableError: it cannot be made; the message has debootstrap's last line.
    """
    path = path or cache() / suite
    if path.exists():
        return path
    if not shutil.which("debootstrap"):
        raise UnavailableError("no debootstrap here: apt install debootstrap")
    script = [] if (SCRIPTS / suite).exists() else [str(SCRIPTS / archive.script)]
    keyring = _keyring(archive)
    packages = [*packages, *(["ubuntu-keyring"] if suite == "trixie" else [])]
    unfinished = path.with_name(f"{path.name}.unfinished")
    _remove(unfinished)
    unfinished.mkdir(parents=True)
    # In namespaces of its own, so that what debootstrap mounts in the tree ends with it, however it ends.
    argv = [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation=private"),
        *("debootstrap", "--variant=minbase", f"--components={archive.components}", f"--keyring={keyring}"),
        *(f"--include={','.join(packages)}", suite, str(unfinished)),
        *(os.environ.get(archive.variable) or archive.url, *script),
    ]
    environment = {**os.environ, "WGETRC": str(WGETRC)}
    try:
        done = subprocess.run(
            argv,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"debootstrap was not done after {PATIENCE:g} s") from None
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        raise UnavailableError(f"debootstrap failed: {lines[-1]}")
    unfinished.rename(path)
    return path


def _keyring(archive: Archive) -> Path:
    """Return the keys of an archive: this machine's, else those that Debian 13 has of Ubuntu's."""
    for root in (Path("/"), cache() / "trixie"):
        if (path := root / KEYRINGS / archive.keyring).exists():
            return path
    raise UnavailableError(f"no {archive.keyring} here: make the tree of trixie first")


def _remove(path: Path) -> None:
    """Remove a tree; nothing can be mounted in it, and rm would not follow it there."""
    if path.exists():
        subprocess.run(["rm", "-r", "--one-file-system", str(path)], check=True)
