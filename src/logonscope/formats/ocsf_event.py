"""Events as OCSF: Authentication (3002) for logons, Process Activity (1007) for processes, Base Event (0) for Lost."""

from collections.abc import Mapping
from typing import Any

from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.formats.ocsf import (
    AUTHENTICATION,
    LOGON,
    SUCCESS,
    device_object,
    event_base,
    logon_event,
    milliseconds,
    process_entity,
    process_object,
    product_metadata,
    session_object,
    user_object,
)
from logonscope.formats.record import Record, is_execution, without_unknown

LOGOFF, OTHER = 2, 99
PROCESS_ACTIVITY, LAUNCH, TERMINATE, SET_USER_ID = 1007, 1, 2, 5
BASE_EVENT = 0
FAILURE = 2

_SESSION_ACTIVITIES: Mapping[str, tuple[int, str | None]] = {
    "LogonStarted": (LOGON, None), "LoggedOut": (LOGOFF, None), "LogonEnded": (OTHER, "Logon Session Ended"),
}  # fmt: skip
"""The activity of each event of a logon session; for OTHER, also the name of the activity."""


def ocsf_activity(record: Record, event: HostEvent) -> dict[str, Any]:
    """Return the OCSF event for an event; ``record`` is what ``event_record`` returns for it."""
    cleaned: dict[str, Any] = without_unknown(_activity(record, event))
    return cleaned


def _activity(record: Record, event: HostEvent) -> dict[str, Any]:
    # an attempt has no logon session, and Lost has nothing but the number of lost events
    if event.attempt is not None:
        return _failed_logon(record, event.attempt)
    if event.event in _SESSION_ACTIVITIES and event.session is not None:
        return _session_activity(record, event, event.session)
    if event.process is not None:
        return _process_activity(record, event, event.process)
    return _base_event(record, event)


def _session_activity(record: Record, event: HostEvent, session: LogonSession) -> dict[str, Any]:
    activity_id, activity_name = _SESSION_ACTIVITIES[event.event]
    logon = logon_event(record, session)
    # an event of a logon session has the same uid in every export
    uid = session.guid if activity_id == LOGON or session.guid is None else f"{session.guid}/{event.event}"
    return {
        **logon,
        **event_base(AUTHENTICATION, activity_id, record.time),
        "activity_name": activity_name,
        "metadata": {**logon["metadata"], "uid": uid},
    }


def _failed_logon(record: Record, attempt: FailedAttempt) -> dict[str, Any]:
    has_origin = attempt.remote_address is not None or attempt.remote_host is not None
    return {
        **event_base(AUTHENTICATION, LOGON, record.time),
        "metadata": product_metadata(),
        "status_id": FAILURE,
        "status_detail": attempt.reason,
        "count": attempt.attempts if attempt.attempts > 1 else None,
        # the class needs a user, also where the program did not log the user's name
        "user": {"name": attempt.user or "unknown"},
        "actor": {
            "user": {"name": attempt.by_user},
            "process": {"pid": attempt.pid, "name": attempt.service} if attempt.pid is not None else None,
        },
        "is_remote": True if has_origin else None,
        "service": {"name": attempt.service},
        "src_endpoint": {
            "ip": attempt.remote_address, "hostname": attempt.remote_host, "port": attempt.remote_port
        },
        "dst_endpoint": {"hostname": record.host.name, "uid": record.host.machine_id},
        "unmapped": {"logonscope": {
            "authentication_method": attempt.method, "terminal": attempt.tty, "command": attempt.command,
            "is_known_user": attempt.is_known_user,
        }},
    }  # fmt: skip


def _process_activity(record: Record, event: HostEvent, process: SessionProcess) -> dict[str, Any]:
    target, unmapped = process_object(record, process), dict[str, Any]()
    activity_id, activity_name = LAUNCH, None
    # the actor of a start is the parent; of an end, an execution or a change of user, the process itself
    actor: dict[str, Any] = {"process": process_entity(process)}
    if event.event == "ProcessStarted":
        actor["process"] = target["parent_process"]
    elif event.event == "ProcessEnded":
        activity_id, unmapped["signal"] = TERMINATE, event.signal
        target["terminated_time"] = milliseconds(event.time)
    elif event.change is not None:
        activity_id = SET_USER_ID
        actor["user"] = user_object(event.change.from_uid, event.change.from_user)
        target |= {"user": user_object(event.change.to_uid, event.change.to_user), "euid": event.change.to_uid}
        unmapped |= _change_details(event.change)
    elif event.before is not None:
        # the program that the process ran before: it executed the new one
        actor["process"] = process_entity(event.before)
        if not is_execution(event):
            activity_id, activity_name = OTHER, "Process Changed"
    if record.session is not None:
        actor["session"] = session_object(record.session)
        actor.setdefault("user", user_object(record.session.uid, record.session.user))
    return {
        **event_base(PROCESS_ACTIVITY, activity_id, record.time),
        "activity_name": activity_name,
        "metadata": {**product_metadata(), "profiles": ["container", "linux/linux_users"]},
        "status_id": SUCCESS,
        "device": device_object(record.host),
        "actor": actor,
        "process": target,
        "exit_code": event.exit_code,
        "unmapped": {"logonscope": {"logon_id": process.logon_id, **unmapped}},
    }


def _change_details(change: ChangedUser) -> dict[str, Any]:
    return {
        "through": change.through, "program": change.program, "command": change.command,
        "is_complete": change.is_complete,
    }  # fmt: skip


def _base_event(record: Record, event: HostEvent) -> dict[str, Any]:
    return {
        **event_base(BASE_EVENT, OTHER, record.time),
        "activity_name": event.event,
        "metadata": product_metadata(),
        "message": event.lost_text,
        "device": device_object(record.host),
    }
