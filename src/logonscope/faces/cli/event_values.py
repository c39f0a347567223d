"""The values of an event by name, for a line of CSV and for the commands of ``watch --exec``."""

from typing import TYPE_CHECKING, Any

from logonscope.answers.host_event import HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.faces.cli.output import flatten

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance


def event_values(event: HostEvent) -> dict[str, Any]:
    """Return the values of an event that fit into one line, by name; all kinds of events have the same names."""
    session, process, attempt, change = event.session, event.process, event.attempt, event.change
    return {
        "event": event.event,
        "time": jsonable(event.time),
        "logon_id": session.logon_id if session else process and process.logon_id,
        "user": (process and process.user) or (session and session.user) or (attempt and attempt.user),
        "remote_address": (session and session.remote_address) or (attempt and attempt.remote_address),
        "remote_port": (session and session.remote_port) or (attempt and attempt.remote_port),
        "service": (session and session.service) or (attempt and attempt.service),
        "method": (session and session.authentication_method) or (attempt and attempt.method),
        "key_fingerprint": session and session.key_fingerprint,
        "pid": process and process.pid,
        "name": process and process.name,
        "command_line": process and process.command_line,
        "exit_code": event.exit_code,
        "signal": event.signal,
        "from_user": change and change.from_user,
        "to_user": change and change.to_user,
        "command": (change and change.command) or (attempt and attempt.command),
        "reason": attempt and attempt.reason,
        "missed": event.missed,
        "cursor": event.cursor,
    }


def instance_values(event: "Instance") -> dict[str, Any]:
    """Return the values of an event of a WQL query by name; a property of TargetInstance is TargetInstance_Name."""
    return {"class": event.cim_class.name, **flatten(jsonable(event))}


VALUE_NAMES = tuple(event_values(HostEvent("Lost", None, None)))
"""The names of the values of an event."""
