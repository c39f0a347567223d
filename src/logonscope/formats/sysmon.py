"""Sysmon for Linux: process creation (event 1).

CurrentDirectory, IntegrityLevel and hashes are missing: they are not known.
"""

from datetime import UTC, datetime
from typing import Any

from logonscope.answers.session_process import SessionProcess
from logonscope.facts import UNSET
from logonscope.formats.record import Record


def sysmon_event(record: Record) -> dict[str, Any]:
    """Return an event; a value that is not known is "-", as Sysmon writes it.

    Sysmon's LogonId is the uid that a process runs as; Sigma rules compare it with 0. TerminalSessionId is the
    kernel id that the logon session owns, 4294967295 if it owns none. The LogonGuid identifies the logon session.

    Raises:
        ValueError: the record has no process.
    """
    process, parent = record.process, record.parent
    if process is None:
        raise ValueError("Sysmon has no event for logon sessions")
    event = {
        "EventID": 1,
        "UtcTime": time_text(process.start),
        "ProcessGuid": guid_text(process.process_guid),
        "ProcessId": process.pid,
        "Image": process.executable,
        "CommandLine": process.command_line,
        "User": user_text(process),
        "LogonGuid": guid_text(process.logon_guid),
        # Not the LogonId of WMI: rules test this field for the uid 0.
        "LogonId": process.uid,
        "TerminalSessionId": terminal_session_id(record),
        "ParentProcessGuid": guid_text(parent and parent.process_guid),
        "ParentProcessId": process.ppid,
        "ParentImage": parent and parent.executable,
        "ParentCommandLine": parent and parent.command_line,
        "ParentUser": parent and user_text(parent),
        "Computer": record.host.name,
    }
    return with_dashes(event)


def with_dashes(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event with "-" for what is not known, as Sysmon writes it."""
    return {name: "-" if value is None else value for name, value in event.items()}


def terminal_session_id(record: Record) -> int | None:
    """Return the kernel id that the logon session owns; 4294967295 if it owns none; None if it is not known."""
    if record.logon_id is None:
        return None
    return UNSET if record.kernel_id is None else record.kernel_id


def user_text(process: SessionProcess) -> str | None:
    """Return the account that a process runs as, or its uid; None if both are unknown."""
    return process.user if process.user is not None or process.uid is None else str(process.uid)


def time_text(moment: datetime | None) -> str | None:
    """Return a time in UTC, as Sysmon writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", timespec="milliseconds")


def guid_text(guid: str | None) -> str | None:
    """Return a GUID in braces."""
    return None if guid is None else f"{{{guid}}}"
