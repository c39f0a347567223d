"""Reader of unit requests: which sudo command requested the start of a service of systemd, from the journal.

systemd's manager does not log who requests the start of a unit. But pam_unix logs when a command that sudo runs as root
begins and ends. To these lines, journald adds facts of the sudo process that the kernel reports: the command line,
kernel id, cgroup and gid. The gid is 0; without sudo, only members of the group root can have this gid. If exactly one
sudo command that names the unit was running at the last start of the unit, and has ended since, this command is the
requester. Otherwise the requester is not known.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from logonscope.facts import UNSET, Machine, UnitRequest
from logonscope.machine import Look
from logonscope.sources.linux.journal import boot_term, has_journal, read_json_lines
from logonscope.sources.linux.sudo_command import requested_services

SOURCE = "journal, sudo"

_STARTED = "39f53479d3a045ac8e11786248231fbf"
"""SD_MESSAGE_UNIT_STARTED (sd-messages.h): a job has started a unit."""

_FIELDS = (
    "MESSAGE", "MESSAGE_ID", "UNIT", "_PID", "_UID", "_GID", "_EXE", "_CMDLINE", "_AUDIT_SESSION", "_AUDIT_LOGINUID",
    "_SYSTEMD_CGROUP", "_SOURCE_REALTIME_TIMESTAMP",
)  # fmt: skip
_PROGRAMS = ("sudo", "sudo-rs")
_OPENED = re.compile(r"pam_unix\(sudo(?:-i)?:session\): session opened for user root(?:\(uid=0\))? by ")
_CLOSED = re.compile(r"pam_unix\(sudo(?:-i)?:session\): session closed for user root\Z")


class _Command(NamedTuple):
    """A command of sudo that has ended."""

    opened: int  # microseconds since the epoch, as all times here
    closed: int
    services: frozenset[str]
    request: UnitRequest  # without the unit and its start


def read_unit_requests(root: str, look: Look, machine: Machine) -> Iterator[UnitRequest]:
    """Yield the request that led to the last start of each service in this boot, as far as it is known."""
    if machine.boot_id is None or not has_journal(root):
        return
    boot = boot_term(machine.boot_id)
    sudo_terms = [boot, "_GID=0", *(f"_COMM={name}" for name in _PROGRAMS)]
    terms = [*sudo_terms, "+", boot, "_PID=1", "_UID=0", f"MESSAGE_ID={_STARTED}"]
    # newest first: if there are too many lines, the oldest are left out
    lines = read_json_lines(root, look, terms, ["--reverse", f"--output-fields={','.join(_FIELDS)}"])
    yield from find_requests(filter(None, map(_parse_entry, lines)))


def _parse_entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def find_requests(entries: Iterable[dict[str, Any]]) -> Iterator[UnitRequest]:
    """Yield the request of each service whose requester is known, from entries of the journal, newest first."""
    start_of_unit: dict[str, int] = {}
    end_of_pid: dict[int, int] = {}
    commands: list[_Command] = []
    for entry in entries:
        pid, moment = _number(entry, "_PID"), _number(entry, "_SOURCE_REALTIME_TIMESTAMP")
        message = _text(entry, "MESSAGE") or ""
        if pid is None or moment is None:
            continue
        if pid == 1:
            unit = _text(entry, "UNIT")
            # the first entry of a unit is its last start
            if unit is not None and _text(entry, "MESSAGE_ID") == _STARTED and _number(entry, "_UID") == 0:
                start_of_unit.setdefault(unit, moment)
        elif _number(entry, "_GID") != 0 or os.path.basename(_text(entry, "_EXE") or "") not in _PROGRAMS:
            continue
        elif _CLOSED.match(message):
            end_of_pid[pid] = moment
        elif _OPENED.match(message) and pid in end_of_pid:
            request = _make_request(pid, moment, entry)
            commands.append(_Command(moment, end_of_pid.pop(pid), requested_services(request.command), request))
    for unit, moment in start_of_unit.items():
        requests = [
            command.request
            for command in commands
            if unit in command.services and command.opened <= moment <= command.closed
        ]
        # if several commands were running at that moment, it is not known which of them started the unit
        if len(requests) == 1:
            yield requests[0]._replace(unit=unit, started=moment)


def _make_request(pid: int, moment: int, entry: dict[str, Any]) -> UnitRequest:
    """Return the request of the process that wrote an entry, with facts that journald got from the kernel."""
    ses, loginuid = _number(entry, "_AUDIT_SESSION"), _number(entry, "_AUDIT_LOGINUID")
    return UnitRequest(
        unit="",
        started=0,
        requested=moment,
        pid=pid,
        ses=UNSET if ses is None else ses,
        loginuid=UNSET if loginuid is None else loginuid,
        cgroup=_text(entry, "_SYSTEMD_CGROUP"),
        command=_text(entry, "_CMDLINE") or "",
        source=SOURCE,
    )


def _text(entry: dict[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return value if isinstance(value, str) else None


def _number(entry: dict[str, Any], name: str) -> int | None:
    value = _text(entry, name) or ""
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 20 else None
