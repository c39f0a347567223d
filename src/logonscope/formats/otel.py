"""OpenTelemetry: log records in OTLP's JSON, one export request a line, for the collector's receiver otlpjsonfile."""

from datetime import datetime
from typing import Any

from logonscope.formats.record import Record, is_interactive, utc_text

PROCESS_EVENT, LOGON_EVENT = "logonscope.process", "logonscope.logon_session"


def otel_request(record: Record) -> dict[str, Any]:
    """Return an export request with one log record; the resource is the host."""
    host = record.host
    moment = nanoseconds(record.time)
    # severity 9 is INFO
    log = {
        "timeUnixNano": moment, "observedTimeUnixNano": moment, "severityNumber": 9,
        "eventName": PROCESS_EVENT if record.process else LOGON_EVENT,
        "attributes": key_values(log_attributes(record)),
    }  # fmt: skip
    resource = {"host.name": host.name, "host.id": host.machine_id, "logonscope.boot.id": host.boot_id}
    scope_logs = {"scope": {"name": "logonscope"}, "logRecords": [log]}
    return {"resourceLogs": [{"resource": {"attributes": key_values(resource)}, "scopeLogs": [scope_logs]}]}


def nanoseconds(moment: datetime) -> str:
    """Return a time as nanoseconds since the epoch: a text, as 64-bit integers are in the JSON of Protocol Buffers."""
    # A float of nanoseconds would lose digits.
    return str(int(moment.timestamp() * 1_000_000) * 1000)


def log_attributes(record: Record) -> dict[str, Any]:
    """Return the attributes of a record: of its process, if it has one, and of its logon session."""
    return {**_process(record), **_source(record), **_logon(record)}


def _process(record: Record) -> dict[str, Any]:
    process = record.process
    if process is None:
        return {}
    return {
        "process.pid": process.pid, "process.creation.time": utc_text(process.start),
        "process.parent_pid": process.ppid, "process.executable.name": _base_name(process.executable),
        "process.executable.path": process.executable, "process.command_line": process.command_line,
        "process.user.id": process.uid, "process.user.name": process.user,
        "process.interactive": is_interactive(process), "container.id": process.container_id,
    }  # fmt: skip


def _base_name(path: str | None) -> str | None:
    return path and path.rpartition("/")[2]


def _source(record: Record) -> dict[str, Any]:
    session = record.session
    return {} if session is None else {"source.address": session.remote_address, "source.port": session.remote_port}


def _logon(record: Record) -> dict[str, Any]:
    process, session = record.process, record.session
    attributes: dict[str, Any] = {
        "logonscope.logon.id": record.logon_id,
        "logonscope.logon.kernel_id": record.kernel_id,
    }
    if session is not None:
        attributes |= {
            "logonscope.logon.guid": session.guid, "logonscope.logon.type": session.logon_type,
            "logonscope.logon.start": utc_text(session.start), "logonscope.logon.user.id": session.uid,
            "logonscope.logon.user.name": session.user, "logonscope.logon.state": session.state,
            "logonscope.logon.service": session.service, "logonscope.logon.leader.pid": session.leader,
        }  # fmt: skip
    if process is not None:
        attributes |= {
            "logonscope.logon.evidence": process.evidence or None,
            "logonscope.process.guid": process.process_guid,
        }
    return attributes


def key_values(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Return attributes as OTLP's list of keys and values; attributes that are None are left out."""
    return [{"key": name, "value": _value(value)} for name, value in attributes.items() if value is not None]


def _value(value: bool | int | str) -> dict[str, Any]:  # noqa: FBT001 -- a value of any of these types
    if isinstance(value, bool):
        return {"boolValue": value}
    # 64-bit integers are texts in the JSON of Protocol Buffers.
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
