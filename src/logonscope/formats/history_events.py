"""Rows of the history as events. The end of a login or of a process has an event only if that end was observed."""

from collections.abc import Iterator
from datetime import datetime

from logonscope.answers.history import PastFailedLogon, PastLogin, PastProcess
from logonscope.answers.host_event import EventName, FailedAttempt, HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess


def login_events(login: PastLogin) -> Iterator[HostEvent]:
    """Yield the events of a login."""
    session = past_session(login)
    moments: list[tuple[EventName, datetime | None]] = [
        ("LogonStarted", login.start), ("LoggedOut", login.logout),
        ("LogonEnded", None if login.end_is_approximate else login.end),
    ]  # fmt: skip
    for name, moment in moments:
        if moment is not None:
            yield HostEvent(name, moment, None, session=session)


def process_events(process: PastProcess, session: LogonSession | None) -> Iterator[HostEvent]:
    """Yield the events of a process."""
    row = past_process(process, session)
    if process.start is not None:
        yield HostEvent("ProcessStarted", process.start, None, row, session=session)
    if process.end is not None and not process.end_is_approximate:
        yield HostEvent(
            "ProcessEnded", process.end, None, row, session=session, exit_code=process.exit_code, signal=process.signal
        )


def failed_logon_event(attempt: PastFailedLogon) -> HostEvent:
    """Return the event of a failed logon."""
    fields = {name: getattr(attempt, name) for name in FailedAttempt._fields}
    return HostEvent("LogonFailed", attempt.time, None, attempt=FailedAttempt(**fields))


def past_session(login: PastLogin) -> LogonSession:
    """Return a past login as a logon session."""
    return LogonSession(
        login.logon_id, login.user, login.uid, login.logon_type, login.logon_type_name, start=login.start,
        seat=login.seat, tty=login.tty, remote_host=login.remote_host, service=login.service, login=login.login,
        guid=login.guid, remote_address=login.remote_address, remote_port=login.remote_port,
        authentication_method=login.authentication_method, key_type=login.key_type,
        key_fingerprint=login.key_fingerprint,
    )  # fmt: skip


def past_process(process: PastProcess, session: LogonSession | None) -> SessionProcess:
    """Return a past process in its logon session; the evidence is "", because a PastProcess has none."""
    return SessionProcess(
        process.logon_id, "", process.pid, process.ppid, process.name, process.user, process.uid,
        session and session.uid, process.start, None, None, None, process.command_line, process.executable, {},
        process_guid=process.guid, logon_guid=session and session.guid,
    )  # fmt: skip
