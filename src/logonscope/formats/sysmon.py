"""Sysmon for Linux: process creation (event 1), with the fields that Sigma rules test."""

from datetime import UTC, datetime
from typing import Any

from logonscope.facts import UNSET
from logonscope.formats.record import Record


def sysmon_event(record: Record) -> dict[str, Any]:
    """Return an event; a value that is not known is "-", as Sysmon writes it.

    Sysmon's LogonId is the uid that a process runs as; Sigma rules compare it with 0. TerminalSessionId is the
    kernel's audit session id. The LogonGuid identifies the logon session.
    """
    process, parent = record.process, record.parent
    if process is None:
        raise ValueError("Sysmon has no event for logon sessions")
    event = {
        "EventID": 1,
        "UtcTime": _time(process.start),
        "ProcessGuid": _guid(process.process_guid),
        "ProcessId": process.pid,
        "Image": process.executable,
        "CommandLine": process.command_line,
        "User": process.user if process.user is not None or process.uid is None else str(process.uid),
        "LogonGuid": _guid(process.logon_guid),
        # Not the LogonId of WMI: rules test this field for the uid 0.
        "LogonId": process.uid,
        "TerminalSessionId": UNSET if record.kernel_id is None else record.kernel_id,
        "ParentProcessGuid": _guid(parent and parent.process_guid),
        "ParentProcessId": process.ppid,
        "ParentImage": parent and parent.executable,
        "ParentCommandLine": parent and parent.command_line,
        "ParentUser": parent and parent.user,
        "Computer": record.host.name,
    }
    return {name: "-" if value is None else value for name, value in event.items()}


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="milliseconds")


def _guid(guid: str | None) -> str | None:
    return None if guid is None else f"{{{guid}}}"
