"""Events as lines for people."""

from logonscope.answers.host_event import HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.display import count_text
from logonscope.faces.cli.text import for_terminal, format_time

UNKNOWN = "?"


def event_line(event: HostEvent) -> str:
    """Return an event as a line that begins with its time."""
    return f"{format_time(event.time, '%H:%M:%S')} {for_terminal(_event_text(event))}"


def _event_text(event: HostEvent) -> str:
    session, process = event.session, event.process
    if event.event == "LogonFailed":
        return _failed_text(event)
    if event.event == "UserChanged":
        return _change_text(event)
    if event.event == "Lost" and event.missed_all:
        return "all events since the cursor are lost: this host does not know it"
    if event.event == "Lost":
        if event.missed is None:
            return "events were lost"
        return f"{count_text(event.missed, 'event')} {'was' if event.missed == 1 else 'were'} lost"
    if process is not None:
        return f"{_user_of(process)}: {_process_text(event, process)}"
    if session is not None:
        return _session_text(event, session)
    return event.event


def _session_text(event: HostEvent, session: LogonSession) -> str:
    user = session.user or (UNKNOWN if session.uid is None else f"uid {session.uid}")
    if event.event == "LogonStarted":
        return f"{user} logged in{_origin_text(session)}{_method_text(session)}, LogonId {session.logon_id}"
    if event.event == "LoggedOut":
        return f"{user} logged out, LogonId {session.logon_id}"
    return f"{user}: the last process ended, LogonId {session.logon_id}"


def _origin_text(session: LogonSession) -> str:
    address, service = session.remote_address or session.remote_host, session.service
    origin = "" if address is None else f" from {_with_port(address, session.remote_port)}"
    if address is None and (seat_or_tty := session.seat or session.tty):
        origin = f" on {seat_or_tty}"
    return origin if service is None else f"{origin} through {service}"


def _with_port(address: str, port: int | None) -> str:
    if port is None:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _method_text(session: LogonSession) -> str:
    words = [word for word in (session.authentication_method, session.key_fingerprint) if word is not None]
    return f", {' '.join(words)}" if words else ""


def _failed_text(event: HostEvent) -> str:
    attempt = event.attempt
    if attempt is None:
        return event.event
    user = f"{attempt.user or UNKNOWN}{' (no account)' if attempt.is_known_user is False else ''}"
    address = attempt.remote_address or attempt.remote_host
    origin = "" if address is None else f" from {_with_port(address, attempt.remote_port)}"
    words = [word for word in (attempt.method, attempt.reason) if word is not None]
    details = f", {': '.join(words)}" if words else ""
    repeated = f", {attempt.attempts} times" if attempt.attempts > 1 else ""
    if attempt.by_user is not None:
        command = "" if attempt.command is None else f": {attempt.command}"
        return f"{attempt.by_user} failed to become {user} through {attempt.service}{details}{repeated}{command}"
    return f"{user} failed to log in{origin} through {attempt.service}{details}{repeated}"


def _change_text(event: HostEvent) -> str:
    change = event.change
    if change is None:
        return event.event
    user = change.from_user or (UNKNOWN if change.from_uid is None else f"uid {change.from_uid}")
    if change.command is not None:
        return f"{user}: {change.through or 'sudo'} {change.command}"
    through = change.through or change.program
    target = change.to_user or f"uid {change.to_uid}"
    return f"{user} became {target}" + ("" if through is None else f" through {through}")


def _process_text(event: HostEvent, process: SessionProcess) -> str:
    command = process.command_line or process.name or UNKNOWN
    if event.event == "ProcessStarted":
        return f"started {process.pid} {command}"
    if event.event == "ProcessEnded":
        return f"ended {process.pid} {process.name or UNKNOWN}{_status_text(event)}"
    before = event.before
    if before is not None and before.logon_id != process.logon_id:
        return f"{process.pid} {process.name or UNKNOWN} is now of LogonId {process.logon_id or UNKNOWN}"
    return f"{process.pid} runs {command}"


def _status_text(event: HostEvent) -> str:
    if event.signal is not None:
        return f", signal {event.signal}"
    return "" if event.exit_code in {None, 0} else f", exit {event.exit_code}"


def _user_of(process: SessionProcess) -> str:
    return process.user or (UNKNOWN if process.uid is None else f"uid {process.uid}")
