"""Events as OpenTelemetry log records: one export request of OTLP's JSON for any number of events."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from logonscope.answers.host_event import HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.formats.ecs_event import ACTIONS
from logonscope.formats.otel import key_values, log_attributes, nanoseconds
from logonscope.formats.record import event_record

_INFO, _WARNING = 9, 13
"""Severity numbers, as in OpenTelemetry's data model of logs."""


def otel_export(host: HostIdentity, events: Iterable[HostEvent]) -> dict[str, Any]:
    """Return an export request with a log record for each event; the resource is the host."""
    resource = {"host.name": host.name, "host.id": host.machine_id, "logonscope.boot.id": host.boot_id}
    records = [_log_record(host, event) for event in events]
    scope_logs = {"scope": {"name": "logonscope"}, "logRecords": records}
    return {"resourceLogs": [{"resource": {"attributes": key_values(resource)}, "scopeLogs": [scope_logs]}]}


def _log_record(host: HostIdentity, event: HostEvent) -> dict[str, Any]:
    record = event_record(host, event)
    attributes = log_attributes(record) | _event_attributes(event)
    _, _, action = ACTIONS[event.event]
    is_warning = event.event in {"LogonFailed", "Lost"} or (event.change is not None and event.change.to_uid == 0)
    return {
        "timeUnixNano": nanoseconds(record.time), "observedTimeUnixNano": nanoseconds(datetime.now(UTC)),
        "severityNumber": _WARNING if is_warning else _INFO,
        "eventName": f"logonscope.{action.replace('-', '_')}",
        "body": {"stringValue": event.event}, "attributes": key_values(attributes),
    }  # fmt: skip


def _event_attributes(event: HostEvent) -> dict[str, Any]:
    attributes: dict[str, Any] = {"process.exit.code": event.exit_code, "logonscope.missed": event.missed}
    if event.attempt is not None:
        attempt = event.attempt
        attributes |= {
            "source.address": attempt.remote_address, "source.port": attempt.remote_port,
            "user.name": attempt.user, "process.pid": attempt.pid, "process.executable.name": attempt.service,
        }  # fmt: skip
        attributes |= {
            f"logonscope.attempt.{name}": value
            for name, value in attempt._asdict().items()
            if name not in {"remote_address", "remote_port", "user", "pid"}
        }
    if event.change is not None:
        attributes |= {f"logonscope.change.{name}": value for name, value in event.change._asdict().items()}
    return attributes
