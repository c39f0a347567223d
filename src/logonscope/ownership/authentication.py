"""Authentication of a login: which line of sshd's log is about a login, and what this line says.

sshd logs one such line in each connection: the leader of the login writes it, before the login is recorded. If the
leader has logged no line, a line of its parent that names the same client counts.

In systemd's journal, the first line after the start of the leader counts, even if it names another user or client:
before sshd writes its line, only root can write one. In auth.log, to which any user can add lines, the first line that
fits counts. If the leader has ended, its start is not known: then the fitting line that is closest in time to the login
record counts, in both logs.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Authentication
from logonscope.machine import Leader
from logonscope.ownership.sessions import address_of, plain_address

MAX_TICKS_BEFORE = 60_000
"""Maximum clock ticks from the line to the record of a login whose leader has ended.

This is 10 minutes; the default of sshd's LoginGraceTime is 2 minutes.
"""

TOLERANCE = 500
"""Maximum clock ticks by which a line can come after the record (5 seconds): journald may be busy."""

_PACKAGES = {
    "publickey": "PublicKey", "hostbased": "HostBased", "password": "PAM", "keyboard-interactive": "PAM",
    "gssapi-with-mic": "Kerberos", "gssapi-keyex": "Kerberos", "gssapi": "Kerberos",
}  # fmt: skip
"""sshd's method, without its submethod -> AuthenticationPackage."""

_MAX_USER_CHARACTERS = 100
"""Maximum characters of an account name that sshd logs (auth_log() of auth.c)."""


def with_authentication(session: LogonSession, leader: Leader, lines: Iterable[Authentication]) -> LogonSession:
    """Return a logon session with what sshd logged about it; unchanged if there is no line about it."""
    line = find_line(session, leader, lines)
    if line is None:
        return session
    sources = dict(session.sources)
    source = f"sshd's line, {line.source}"
    values: dict[str, Any] = {
        "authentication_package": _PACKAGES.get(line.method.partition("/")[0]),
        "authentication_method": line.method,
        "key_type": line.key_type,
        "key_fingerprint": line.fingerprint,
        "certificate_id": line.certificate_id,
        "certificate_serial": line.certificate_serial,
        "certificate_authority": line.authority,
        "authentication_source": line.source,
    }
    sources |= {name: source for name, value in values.items() if value is not None}
    return session._replace(**values, sources=sources)


def find_line(session: LogonSession, leader: Leader, lines: Iterable[Authentication]) -> Authentication | None:
    """Return the line about a login; None: there is no such line, or several readings of it fit.

    A line that can be read in several ways is in ``lines`` once for each reading.
    """
    timely = [line for line in lines if _is_timely(line, leader)]
    leader_lines = [line for line in timely if line.pid == leader.pid]
    candidates = leader_lines or [
        line for line in timely if line.pid == leader.parent and _is_same_client(line, session)
    ]
    lines_by_number: dict[int, list[Authentication]] = {}
    for line in candidates:
        lines_by_number.setdefault(line.number, []).append(line)
    groups = [readings for _, readings in sorted(lines_by_number.items(), reverse=leader.start is None)]
    if leader.start is None:
        # other connections can have had the same pid, earlier and later: sshd logs shortly before the record is written
        groups.sort(key=lambda readings: _ticks_from_record(readings[0], leader))
    for readings in groups:
        line_about_login = _only_fitting_reading(session, leader, readings)
        # only root can write a trusted line before sshd itself does: if the first line does not fit, no line does
        if line_about_login is not None or (readings[0].is_trusted and leader.start is not None):
            return line_about_login
    return None


def _only_fitting_reading(
    session: LogonSession, leader: Leader, readings: Sequence[Authentication]
) -> Authentication | None:
    fitting = [line for line in readings if line.user == (session.user or "")[:_MAX_USER_CHARACTERS]]
    if len(fitting) == 1:
        return fitting[0] if fitting[0].is_trusted or _is_same_client(fitting[0], session) else None
    # an account can have several names, so the line may have another name than the login: as long as the leader lives,
    # its pid proves that the line is about this login
    is_proved = len(readings) == 1 and leader.start is not None and readings[0].is_trusted
    return readings[0] if is_proved else None


def _is_timely(line: Authentication, leader: Leader) -> bool:
    if leader.recorded_at is not None and line.earliest > leader.recorded_at + TOLERANCE:
        return False
    if leader.start is not None:
        return line.latest >= leader.start
    return leader.recorded_at is not None and line.latest >= leader.recorded_at - MAX_TICKS_BEFORE


def _ticks_from_record(line: Authentication, leader: Leader) -> int:
    """Return the clock ticks between a line and the login record; 0 if the record's time is in the line's range."""
    recorded_at = leader.recorded_at or 0
    return max(line.earliest - recorded_at, recorded_at - line.latest, 0)


def _is_same_client(line: Authentication, session: LogonSession) -> bool:
    """Return whether a line names the client of a login, as far as the login's address and port are known."""
    address = session.remote_address or address_of(session.remote_host)
    if address is not None and plain_address(line.address) != address:
        return False
    return session.remote_port is None or line.port == session.remote_port
