"""Events as documents of the Elastic Common Schema."""

from collections.abc import Mapping
from typing import Any

from logonscope.answers.host_event import HostEvent
from logonscope.formats.ecs import ecs_document
from logonscope.formats.record import Record, utc_text, without_unknown

ACTIONS: Mapping[str, tuple[str, str, str]] = {
    "ProcessStarted": ("process", "start", "process-started"),
    "ProcessChanged": ("process", "change", "process-changed"),
    "ProcessEnded": ("process", "end", "process-ended"),
    "LogonStarted": ("authentication", "start", "logged-in"),
    "LoggedOut": ("session", "end", "logged-out"),
    "LogonEnded": ("session", "end", "logon-session-ended"),
    "LogonFailed": ("authentication", "start", "logon-failed"),
    "UserChanged": ("process", "change", "user-changed"),
    "Lost": ("host", "info", "events-lost"),
}
"""Category, type and action of each event."""


def ecs_event(record: Record, event: HostEvent) -> dict[str, Any]:
    """Return the document of an event; ``record`` is what ``event_record`` returns for it."""
    document = ecs_document(record)
    category, event_type, action = ACTIONS[event.event]
    document["event"] = {
        "kind": "event", "category": [category], "type": [event_type], "action": action, "module": "logonscope",
        "outcome": "failure" if event.event == "LogonFailed" else "success",
    }  # fmt: skip
    if event.event == "ProcessEnded":
        document["process"] |= {"exit_code": event.exit_code, "end": utc_text(event.time)}
    if event.attempt is not None:
        attempt = event.attempt
        document |= {
            "user": {"name": attempt.by_user or attempt.user, "target": {"name": attempt.user}},
            "source": {"ip": attempt.remote_address, "port": attempt.remote_port},
            "process": {"name": attempt.service, "pid": attempt.pid},
        }
        document["event"]["reason"] = attempt.reason
    if event.change is not None:
        change = event.change
        document["user"] = {
            "id": _text(change.from_uid), "name": change.from_user,
            "effective": {"id": _text(change.to_uid), "name": change.to_user},
        }  # fmt: skip
    if event.event == "Lost":
        document["logonscope"] = {"missed": event.missed}
    cleaned: dict[str, Any] = without_unknown(document)
    return cleaned


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
