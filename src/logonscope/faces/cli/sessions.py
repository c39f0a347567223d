"""``logonscope sessions``: logon sessions, one line each."""

import argparse
from collections.abc import Iterable
from datetime import datetime

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_service import SessionService
from logonscope.client import Host
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli import selector
from logonscope.faces.cli.columns import EXTRA, ON_REQUEST, Column
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.output import is_approximate
from logonscope.faces.cli.selector import add_selector, logon_filter, no_match_message
from logonscope.faces.cli.text import crop, format_time
from logonscope.faces.cli.times import shorten_time
from logonscope.faces.cli.whose_text import is_user_manager

EXAMPLES = (
    """\
A time after "~" is approximate: no login service has a record, so the earliest start of a process is shown. A user
manager, which all logins of a user share, is listed after the login that started it.
Other commands take the value of ID; the column logon_id has the LogonId, always decimal.

examples:
  logonscope sessions                  all logon sessions that you may see
  logonscope sessions alice            alice's logon sessions
  logonscope sessions --from 203.0.113.0/24 --since 2h
                                       logins from a network in the last two hours
  logonscope sessions --state logged-out --sort left --reverse
                                       logged-out logins, those with most leftovers first
  logonscope sessions --services       the services that the System session consists of
  logonscope sessions -o json          the source of every value too

"""
    + selector.EXAMPLES
)

LOGGED_OUT = "logged out"
SYSTEM_WORD = "system"

MAX_START_DIFFERENCE = 60
"""Most seconds between a login and the start of the user manager that it caused."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_selector(parser)
    parser.add_argument(
        "--services",
        action="store_true",
        help="list the System session by service instead: processes and start of each",
    )
    add_listing(parser, "sessions", COLUMNS)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the logon sessions; return the exit code."""
    if args.services:
        return _print_services(host, args)
    sessions = host.sessions(args.which, logon_filter(host, args))
    if args.output == "table":
        sessions = with_managers_behind(sessions)
    return print_listing(host, args, sessions, COLUMNS, no_match_message(args))


def _print_services(host: Host, args: argparse.Namespace) -> int:
    """Print the services of the System session; return the exit code."""
    if (args.which is not None and args.which.lower() != SYSTEM_WORD) or logon_filter(host, args) is not None:
        raise InvalidParameterError("--services lists the System session only", "leave out the other logon sessions")
    return print_listing(
        host, args, host.services(), SERVICE_COLUMNS, "no process of the System session is yours to see"
    )


def with_managers_behind(sessions: Iterable[LogonSession]) -> list[LogonSession]:
    """Return the logon sessions with each user manager moved behind the login that caused it.

    A user manager that no login caused (lingering is enabled) stays where it is.
    """
    ordered = list(sessions)
    for manager in [session for session in ordered if is_user_manager(session)]:
        cause = _find_cause(manager, ordered)
        if cause is not None:
            ordered.remove(manager)
            ordered.insert(ordered.index(cause) + 1, manager)
    return ordered


def _find_cause(manager: LogonSession, sessions: Iterable[LogonSession]) -> LogonSession | None:
    """Return the login that caused a user manager: the login of the same user with the nearest start; None: none."""
    # logind starts the manager shortly before or after it writes the record of the login
    differences = {
        session.logon_id: abs((session.start - manager.start).total_seconds())
        for session in sessions
        if session.uid == manager.uid and not is_user_manager(session) and session.start and manager.start
    }
    nearest_id = min(differences, key=differences.__getitem__, default=None)
    if nearest_id is None or differences[nearest_id] > MAX_START_DIFFERENCE:
        return None
    return next(session for session in sessions if session.logon_id == nearest_id)


def user_text(session: LogonSession) -> str:
    """Return the user who logged in: the account name, else the uid."""
    if session.logon_type == 0:
        return "System"
    return session.user or ("?" if session.uid is None else f"uid {session.uid}")


def start_text(session: LogonSession) -> str:
    """Return the start of a logon session, after "~" if it is approximate."""
    return ("~" if is_approximate(session) else "") + format_time(session.start)


def selecting_word(session: LogonSession) -> str:
    """Return the shortest word that selects a logon session: "system", logind's "c1", else its LogonId."""
    if session.logon_type == 0:
        return "system"
    # logind numbers sessions without an audit session id as c1, c2, ...; their LogonId is long
    login = session.login or ""
    return login if login[:1] == "c" and login[1:].isdecimal() else session.logon_id


def type_text(session: LogonSession, cells: int | None = None) -> str:
    """Return the name and the number of the LogonType; with fewer cells only the name is cut."""
    if session.logon_type is None:
        return "-"
    # the number identifies the LogonType, and is therefore never cut
    number = f" ({session.logon_type})"
    return crop(session.logon_type_name or "?", None if cells is None else cells - len(number)) + number


def _short_start_text(session: LogonSession, cells: int, present: datetime) -> str:
    mark = "~" if is_approximate(session) else ""
    return mark + shorten_time(session.start, cells - 1, present)


def _short_type_text(session: LogonSession, cells: int, _: datetime) -> str:
    return type_text(session, cells)


def is_logged_out(session: LogonSession) -> bool:
    """Return whether a logon session is logged out, so that its processes are leftovers."""
    return session.state == LOGGED_OUT


def _number_text(value: int | None) -> str:
    return "-" if value is None else str(value)


COLUMNS = (
    Column("ID", 10, selecting_word),
    Column("USER", 12, user_text, "user", rank=1, min_cells=8),
    Column("FROM", 15, lambda s: s.remote_host or s.seat or "-", "remote_host", rank=5, min_cells=15),
    Column("TYPE", 22, type_text, "logon_type", rank=6, min_cells=12, shorten=_short_type_text),
    Column("STATE", 10, lambda s: s.state or "-", "state", rank=2, is_highlighted=is_logged_out),
    Column("SINCE", 17, start_text, "start", rank=7, min_cells=12, shorten=_short_start_text),
    Column("PROCS", 5, lambda s: _number_text(s.processes), "processes", rank=4),
    Column("LEFT", 4, lambda s: _number_text(s.leftovers), "leftovers", rank=3, is_highlighted=is_logged_out),
    Column("TTY", 7, lambda s: s.tty or "-", "tty", rank=EXTRA),
    Column("SERVICE", 8, lambda s: s.service or "-", "service", rank=EXTRA + 1),
    Column("LOGON ID", 10, lambda s: s.logon_id, "logon_id", rank=EXTRA + 2),
    Column("LOGIN", 5, lambda s: s.login or "-", "login", rank=EXTRA + 3),
    Column("UID", 6, lambda s: _number_text(s.uid), "uid", rank=ON_REQUEST),
    Column("SEAT", 6, lambda s: s.seat or "-", "seat", rank=ON_REQUEST),
    Column("LEADER", 7, lambda s: _number_text(s.leader), "leader", rank=ON_REQUEST),
    Column("CLASS", 10, lambda s: s.login_class or "-", "login_class", rank=ON_REQUEST),
    Column("REMOTE USER", 11, lambda s: s.remote_user or "-", "remote_user", rank=ON_REQUEST),
    Column("PACKAGE", 9, lambda s: s.authentication_package or "-", "authentication_package", rank=ON_REQUEST),
    Column("SCOPE", 10, lambda s: s.scope or "-", "scope", rank=ON_REQUEST),
)


def _service_start_text(row: SessionService) -> str:
    return ("~" if row.start_is_approximate else "") + format_time(row.start)


def _short_service_start_text(row: SessionService, cells: int, present: datetime) -> str:
    return ("~" if row.start_is_approximate else "") + shorten_time(row.start, cells - 1, present)


SERVICE_COLUMNS = (
    Column("SERVICE", 32, lambda s: s.service or "-", "service", min_cells=12),
    Column("USER", 12, lambda s: s.user or "-", "user", rank=3, min_cells=8),
    Column("PROCS", 5, lambda s: _number_text(s.processes), "processes", rank=1),
    Column("SINCE", 17, _service_start_text, "start", rank=2, min_cells=12, shorten=_short_service_start_text),
    Column("PID", 7, lambda s: _number_text(s.pid), "pid", rank=4),
    Column("NAME", 15, lambda s: s.name or "-", "name", rank=5),
)
"""The columns of --services; PID and NAME are those of the process that started first."""
