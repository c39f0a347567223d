"""Events of every kind for the tests of formats, about the example host and with all that an event can have."""

from datetime import UTC, datetime

from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
from logonscope.formats.record import Record, event_record
from tests.formats.records import IDENTITY, process_of

MOMENT = datetime(2026, 1, 31, 13, 2, 11, 250000, tzinfo=UTC)

_OF_4312 = process_of(4312)
assert _OF_4312.process is not None
assert _OF_4312.session is not None
PROCESS = _OF_4312.process._replace(process_guid="bad1485c-6894-520e-b2d7-4f0d42edb85c", uid=0, user="root")
PARENT = _OF_4312.parent
SESSION = _OF_4312.session._replace(
    guid="bad1485c-6894-520e-b2d7-4f0d42edb85b", remote_address="203.0.113.7", remote_port=50312,
    authentication_method="publickey", key_fingerprint="SHA256:ab12",
)  # fmt: skip
SHELL = PROCESS._replace(executable="/bin/sh", command_line="sh", name="sh")
ATTEMPT = FailedAttempt(
    "sshd", "admin", is_known_user=False, remote_address="2001:db8::1", remote_port=4, remote_host=None,
    method="password", tty=None, by_user=None, command=None, reason="authentication failure", attempts=3, pid=9,
    source="journal",
)  # fmt: skip
BY_SUDO = ATTEMPT._replace(
    service="sudo", user="root", by_user="alice", remote_address=None, remote_port=None, command="/bin/x", attempts=1
)
CHANGE = ChangedUser(1000, "alice", 0, "root", True, "systemctl", "sudo", "systemctl restart nginx", "kernel")

EVENTS: dict[str, HostEvent] = {
    "started": HostEvent("ProcessStarted", MOMENT, "c1", PROCESS, session=SESSION),
    "executed": HostEvent("ProcessChanged", MOMENT, "c2", PROCESS, SHELL, session=SESSION),
    "executed again": HostEvent("ProcessChanged", MOMENT, "c2", PROCESS, PROCESS, session=SESSION),
    "moved": HostEvent("ProcessChanged", MOMENT, "c3", PROCESS, PROCESS._replace(logon_id="9"), session=SESSION),
    "ended": HostEvent("ProcessEnded", MOMENT, "c4", PROCESS, session=SESSION, exit_code=3),
    "killed": HostEvent("ProcessEnded", MOMENT, "c5", PROCESS, session=SESSION, signal=9),
    "unknown": HostEvent(
        "ProcessEnded", None, None, PROCESS._replace(name=None, executable=None, command_line=None, uid=None, ppid=None)
    ),
    "login": HostEvent("LogonStarted", MOMENT, "c6", session=SESSION),
    "logged out": HostEvent("LoggedOut", MOMENT, "c7", session=SESSION),
    "logon ended": HostEvent("LogonEnded", MOMENT, "c8", session=SESSION),
    "failed": HostEvent("LogonFailed", MOMENT, "c9", attempt=ATTEMPT),
    "failed sudo": HostEvent("LogonFailed", MOMENT, "c10", attempt=BY_SUDO),
    "changed user": HostEvent("UserChanged", MOMENT, "c11", PROCESS, session=SESSION, change=CHANGE),
    "lost": HostEvent("Lost", MOMENT, "c12", missed=4),
    "some lost": HostEvent("Lost", MOMENT, "c13"),
}  # fmt: skip


def record_of(name: str) -> Record:
    """Return the record of an event, with the parent of its process."""
    return event_record(IDENTITY, EVENTS[name], PARENT if EVENTS[name].process else None)
