"""Events in the form of Sysmon for Linux: process creation (1), process terminated (5), and error (255) for Lost."""

from typing import Any

from logonscope.answers.host_event import HostEvent
from logonscope.formats.record import Record, is_execution
from logonscope.formats.sysmon import guid_text, sysmon_event, time_text, user_text, with_dashes

TERMINATED, ERROR = 5, 255
LOST = "EVENTS_LOST"


def sysmon_activity(record: Record, event: HostEvent) -> dict[str, Any] | None:
    """Return the Sysmon event for a host event; None: Sysmon has no such event.

    The execution of a program is a process creation (1), as in Sysmon.
    """
    process = event.process
    if event.event == "Lost":
        return {
            "EventID": ERROR,
            "UtcTime": time_text(record.time),
            "ID": LOST,
            "Description": event.lost_text,
            "Computer": record.host.name,
        }
    if process is None:
        return None
    if event.event == "ProcessStarted":
        return sysmon_event(record)
    if is_execution(event):
        # the time of the execution, not that of the start
        return {**sysmon_event(record), "UtcTime": time_text(record.time)}
    if event.event != "ProcessEnded":
        return None
    return with_dashes({
        "EventID": TERMINATED,
        "UtcTime": time_text(event.time),
        "ProcessGuid": guid_text(process.process_guid),
        "ProcessId": process.pid,
        "Image": process.executable,
        "User": user_text(process),
        "Computer": record.host.name,
    })  # fmt: skip
