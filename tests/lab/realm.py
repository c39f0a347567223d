"""A Kerberos realm for tests: MIT's KDC on loopback, with all files in one folder.

It runs where ``run`` runs: on this computer, or inside the laboratory's machine.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from tests.lab.systemd import free_port
from tests.lab.systems import PATH

PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
PASSWORD = "correct-horse"  # noqa: S105 -- every user's here
SERVICES = ("HTTP/", "WSMAN/", "host/")
CONFIG = """[libdefaults]
default_realm = {name}
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
udp_preference_limit = 1
{more}
[realms]
"""
KDC = """[kdcdefaults]
kdc_listen = ""
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{name} = {{
    database_name = {folder}/principals
    key_stash_file = {folder}/stash
}}
[logging]
kdc = FILE:{folder}/log
"""


class Run(Protocol):
    """Runs commands."""

    def __call__(self, argv: Sequence[str], *, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002 -- as subprocess.run calls it
        """Run one to its end; a failure is an error."""


def here(argv: Sequence[str], *, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002 -- so
    """Run a command on this computer; a failure shows what it said."""
    done = subprocess.run(argv, input=input or "", capture_output=True, text=True, check=False, env={"PATH": PATH})
    assert done.returncode == 0, f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done


def missing() -> str | None:
    """Say which programs a realm lacks here, if so."""
    lacking = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    return f"a realm needs {', '.join(lacking)}: install tests/lab/packages.txt" if lacking else None


class Realm:
    """A realm with a KDC that answers: `with Realm(here, "/tmp/realm") as realm: realm.add("alice")`."""

    def __init__(self, run: Run, folder: str, name: str = "LAB.TEST") -> None:
        self.name, self.folder, self.port = name, folder, free_port()
        self.config = f"{folder}/krb5.conf"
        self._run = run
        self._others: list[Realm] = []

    def __enter__(self) -> Self:
        """Make its database, and start its KDC, which listens when that returns."""
        self._run(["install", "-d", "-m", "711", self.folder])
        self.configure(self.config)
        self._write(f"{self.folder}/kdc.conf", KDC.format(name=self.name, port=self.port, folder=self.folder))
        self._mit("kdb5_util", "create", "-s", "-r", self.name, "-P", PASSWORD)
        self._mit("krb5kdc", "-r", self.name, "-P", f"{self.folder}/pid")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop the KDC."""
        self._run(["sh", "-c", f"kill $(cat {self.folder}/pid)"])

    def configure(self, path: str, more: str = "") -> str:
        """Write what clients and servers have to know of this realm and of those that it trusts; return where."""
        kdcs = [f"{one.name} = {{\n    kdc = 127.0.0.1:{one.port}\n}}\n" for one in (self, *self._others)]
        self._write(path, CONFIG.format(name=self.name, more=more) + "".join(kdcs))
        return path

    def add(self, *principals: str) -> None:
        """Add people, with the password of all, and services, with random keys."""
        for one in principals:
            key = "-randkey" if one.startswith(SERVICES) else f"-pw {PASSWORD}"
            self._administer(f"add_principal {key} {one}", "created")

    def keytab(self, path: str, *principals: str) -> str:
        """Write the keys of services to a file, made anew, and return where."""
        self._run(["rm", "-f", path])
        self._administer(f"ktadd -norandkey -k {path} {' '.join(principals)}", "added to keytab")
        return path

    def renew(self, *principals: str) -> None:
        """Change keys."""
        for one in principals:
            self._administer(f"change_password -randkey {one}", "randomized")

    def trust(self, other: "Realm") -> None:
        """Let the other realm's principals have tickets here: both know one key."""
        for realm in (self, other):
            realm._administer(f"add_principal -pw {PASSWORD} krbtgt/{self.name}@{other.name}", "created")  # noqa: SLF001 -- of its own kind
        self._others.append(other)
        other._others.append(self)  # noqa: SLF001 -- the same
        for realm in (self, other):
            realm.configure(realm.config)

    def ticket(self, principal: str, cache: str, life: str = "1h") -> str:
        """Log in as kinit does, and return where the ticket is kept."""
        self._run([*self._environment(), "kinit", "-l", life, "-c", cache, principal], input=f"{PASSWORD}\n")
        return cache

    def _administer(self, command: str, said: str) -> None:
        done = self._mit("kadmin.local", "-r", self.name, "-q", command)
        assert re.search(said, done.stdout), done.stdout + done.stderr

    def _mit(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return self._run([*self._environment(), *argv])

    def _environment(self) -> list[str]:
        return ["env", f"KRB5_CONFIG={self.config}", f"KRB5_KDC_PROFILE={self.folder}/kdc.conf"]

    def _write(self, path: str, text: str) -> None:
        self._run(["install", "-D", "-m", "644", "/dev/stdin", path], input=text)
