"""OCSF: a logon session is an event of Authentication (3002), a process is one of Live Evidence Info (5040)."""

from datetime import datetime
from typing import Any

from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.formats.record import Record, without_unknown

VERSION = "1.5.0"

AUTHENTICATION, LOGON = 3002, 1
EVIDENCE, QUERY, EXISTS, PROCESS = 5040, 1, 1, 10
INFORMATIONAL, SUCCESS = 1, 1
OTHER_DEVICE = 99
SYSTEM_LOGON = 1
"""The logon_type_id of the System session. Its LogonType in Windows is 0; in OCSF, 0 means unknown."""

_REMOTE_LOGON_TYPES = {3, 8, 10}
"""Network, NetworkCleartext and RemoteInteractive."""


def ocsf_event(record: Record) -> dict[str, Any]:
    """Return the event of a process, or, for a record without a process, of its logon session."""
    event = logon_event(record, record.session) if record.process is None and record.session else _evidence(record)
    cleaned: dict[str, Any] = without_unknown(event)
    return cleaned


def logon_type_id(logon_type: int | None) -> int:
    """Return Windows' number of a LogonType, with OCSF's own numbers for System and unknown."""
    return 0 if logon_type is None else SYSTEM_LOGON if logon_type == 0 else logon_type


def logon_event(record: Record, session: LogonSession) -> dict[str, Any]:
    """Return the event that reports the start of a logon session."""
    return {
        **event_base(AUTHENTICATION, LOGON, session.start or record.time),
        # The same logon session has the same uid in every export: a data lake can drop duplicates.
        "metadata": {**product_metadata(), "uid": session.guid},
        # always: only a login that succeeded starts a logon session
        "status_id": SUCCESS,
        "user": user_object(session.uid, session.user) or {"name": "SYSTEM"},
        "session": session_object(session),
        "logon_type_id": logon_type_id(session.logon_type),
        "logon_type": session.logon_type_name,
        "is_remote": is_remote(session),
        # The class needs a service or dst_endpoint. Consumers that look for a service find one in every event.
        "service": {"name": session.service or "unknown"},
        "src_endpoint": {"ip": session.remote_address, "hostname": session.remote_host, "port": session.remote_port},
        "dst_endpoint": {"hostname": record.host.name, "uid": record.host.machine_id},
        "unmapped": {"logonscope": {"state": session.state, "authentication_method": session.authentication_method}},
    }


def _evidence(record: Record) -> dict[str, Any]:
    process = record.process
    assert process is not None  # noqa: S101 -- a record without a process is a logon
    return {
        **event_base(EVIDENCE, QUERY, record.time),
        "metadata": {**product_metadata(), "profiles": ["container", "linux/linux_users"]},
        "query_result_id": EXISTS,
        "device": device_object(record.host),
        "query_evidence": {
            "query_type_id": PROCESS,
            "query_type": "Process",
            "process": process_object(record, process),
        },
    }


def event_base(class_uid: int, activity_id: int, time: datetime) -> dict[str, Any]:
    """Return the attributes that every event has."""
    return {
        "time": int(time.timestamp() * 1000), "class_uid": class_uid, "category_uid": class_uid // 1000,
        "activity_id": activity_id, "type_uid": class_uid * 100 + activity_id, "severity_id": INFORMATIONAL,
    }  # fmt: skip


def product_metadata() -> dict[str, Any]:
    """Return the metadata of an event."""
    return {"version": VERSION, "product": {"name": "Logonscope", "vendor_name": "Logonscope"}}


def device_object(host: HostIdentity) -> dict[str, Any]:
    """Return the object "device" of a host."""
    return {
        "type_id": OTHER_DEVICE, "type": "Other", "hostname": host.name, "uid": host.machine_id,
        "boot_uid": host.boot_id,
    }  # fmt: skip


def process_object(record: Record, process: SessionProcess) -> dict[str, Any]:
    """Return the object "process" of a process, with its parent and its logon session."""
    parent = record.parent
    return {
        **process_entity(process),
        "parent_process": {"pid": process.ppid} if parent is None else process_entity(parent),
        "user": user_object(process.uid, process.user),
        "session": None if record.session is None else session_object(record.session),
        "container": {
            "uid": process.container_id, "runtime": process.container_runtime, "pod_uuid": process.pod_uid
        } if process.container_id else None,
        "euid": process.uid,
        "auid": process.login_uid,
    }  # fmt: skip


def process_entity(process: SessionProcess) -> dict[str, Any]:
    """Return what identifies a process."""
    return {
        "pid": process.pid, "uid": process.process_guid, "name": process.name, "path": process.executable,
        "cmd_line": process.command_line, "created_time": milliseconds(process.start),
    }  # fmt: skip


def session_object(session: LogonSession) -> dict[str, Any]:
    """Return the object "session" of a logon session."""
    return {
        "uid": session.logon_id, "uuid": session.guid, "uid_alt": session.login, "terminal": session.tty,
        "created_time": milliseconds(session.start), "is_remote": is_remote(session), "issuer": session.service,
        "credential_uid": session.key_fingerprint,
    }  # fmt: skip


def is_remote(session: LogonSession) -> bool | None:
    """Return whether a login came from another machine; None: not known."""
    if session.remote_host is not None or session.remote_address is not None:
        return True
    return None if session.logon_type is None else session.logon_type in _REMOTE_LOGON_TYPES


def user_object(uid: int | None, name: str | None) -> dict[str, Any] | None:
    """Return the object "user" of an account; None: neither uid nor name is known."""
    return None if uid is None and name is None else {"uid": None if uid is None else str(uid), "name": name}


def milliseconds(moment: datetime | None) -> int | None:
    """Return a time as milliseconds since the epoch."""
    return None if moment is None else int(moment.timestamp() * 1000)
