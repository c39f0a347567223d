"""Where is the command as people install it? A virtual environment with this checkout installed, not editable."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple

from bench.tools import ENVIRONMENT, UnavailableError, first_line

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Installed(NamedTuple):
    """The command, and the interpreter that runs it."""

    python: str
    logonscope: str


def installed(folder: str) -> Installed:
    """Install the checkout into a virtual environment in this folder, unless this very one is there already.

    Raises:
        UnavailableError: pip cannot, for want of a network, say.
    """
    binaries = os.path.join(folder, "venv", "bin")
    found = Installed(os.path.join(binaries, "python"), os.path.join(binaries, "logonscope"))
    stamp, print_of = os.path.join(folder, "installed"), _fingerprint()
    if _read(stamp) == print_of and os.path.exists(found.logonscope):
        return found
    _run([sys.executable, "-m", "venv", "--clear", os.path.join(folder, "venv")])
    _run([found.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", CHECKOUT])
    with open(stamp, "w", encoding="ascii") as file:
        file.write(print_of)
    return found


def _fingerprint() -> str:
    """Return what tells this checkout, under this interpreter, from another."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _files():
        with open(path, "rb") as file:
            digest.update(path.encode() + b"\0" + file.read())
    return digest.hexdigest()


def _files() -> Iterator[str]:
    yield os.path.join(CHECKOUT, "pyproject.toml")
    for folder, folders, names in os.walk(os.path.join(CHECKOUT, "src")):
        folders.sort()
        yield from (os.path.join(folder, name) for name in sorted(names) if not name.endswith(".pyc"))


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if done.returncode:
        raise UnavailableError(f"`{' '.join(words[:4])} ...` failed: {first_line(done.stderr)}")
