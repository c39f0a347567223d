"""What the kernel's audit log says of the processes of a login: those that executed a program, and how they ended.

A real auditd runs in the machine, and writes its log there. A kernel has one audit for all machines: its rule names
the login uid, and is removed afterwards.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.lab.systemd import Account, Machine, wait_until
from tests.lab.systems import PATH

LOG = "/var/log/audit/audit.log"
SETTINGS = f"""log_file = {LOG}
log_group = root
log_format = RAW
flush = NONE
local_events = yes
write_logs = yes
max_log_file_action = IGNORE
space_left = 75
admin_space_left = 50
space_left_action = IGNORE
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
"""
KEY = "logonscope-lab"
EXECVE, EXIT_GROUP = "59", "231"
_FIELD = re.compile(r'(\w+)=("[^"]*"|\S+)')


class Audited(NamedTuple):
    """A process by the audit log."""

    programs: list[str]  # that it executed, in their order
    exit_code: int | None  # None: it did not end by itself


def unavailable() -> str | None:
    """Say why auditd cannot run, if so."""
    if not shutil.which("auditd", path=PATH):
        return "the machine needs auditd: install tests/lab/packages.txt"
    return None


def is_running(machine: Machine) -> bool:
    """Return whether the kernel sends its records to an auditd that runs; it keeps the pid of one that was killed."""
    pid = _status(machine)["pid"]
    return machine.run(["cat", f"/proc/{pid}/comm"], check=False).stdout.strip() == "auditd"


def _status(machine: Machine) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in machine.run(["auditctl", "-s"]).stdout.splitlines() if " " in line)


@contextmanager
def audited(machine: Machine, account: Account) -> Iterator[None]:
    """Record what the logins of an account execute, and their ends."""
    machine.run(["mkdir", "-p", "/etc/audit", "/var/log/audit"])
    machine.run(["tee", "/etc/audit/auditd.conf"], input=SETTINGS)
    rule = ["-F", "arch=b64", "-S", "execve,exit_group", "-F", f"auid={account.uid}", "-k", KEY]
    # -s: it does not change whether audit is enabled, so that it can be disabled here
    daemon = machine.spawn(["auditd", "-n", "-s", "nochange"])
    try:
        wait_until(lambda: is_running(machine) or daemon.poll() is not None, what="auditd runs")
        machine.run(["auditctl", "-a", "always,exit", *rule])
        machine.run(["auditctl", "-e", "1"])
        yield
    finally:
        machine.run(["auditctl", "-e", "0"], check=False)
        machine.run(["auditctl", "-d", "always,exit", *rule], check=False)
        with daemon:
            daemon.terminate()


def processes(machine: Machine, session: str) -> dict[int, Audited]:
    """Return the processes of an audit session that executed a program or ended, by their pid."""
    found: dict[int, Audited] = {}
    for line in machine.run(["cat", LOG]).stdout.splitlines():
        fields = {name: value.strip('"') for name, value in _FIELD.findall(line)}
        if fields.get("type") != "SYSCALL" or fields.get("ses") != session:
            continue
        pid = int(fields["pid"])
        process = found.setdefault(pid, Audited([], None))
        if fields["syscall"] == EXECVE and fields.get("success") == "yes":
            process.programs.append(fields["exe"])
        elif fields["syscall"] == EXIT_GROUP:
            found[pid] = process._replace(exit_code=int(fields["a0"], 16) & 0xFF)
    return found
