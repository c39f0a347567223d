"""``logonscope sessions``: logon sessions, one line each."""

import argparse
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from logonscope.answers.logon_session import NO_DETAILS, Details, LogonSession
from logonscope.answers.session_service import SessionService
from logonscope.client import Host
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli import selector
from logonscope.faces.cli.columns import EXTRA, ON_REQUEST, ListColumn, default_columns, find_column, select_columns
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.selector import SYSTEM_WORD, add_selector, logon_filter, no_match_message
from logonscope.faces.cli.session_text import (
    is_approximate,
    is_logged_out,
    origin_text,
    selecting_word,
    start_text,
    type_text,
    user_text,
    with_managers_after_logins,
)
from logonscope.faces.cli.text import format_time
from logonscope.faces.cli.times import shorten_time

EPILOG = (
    """\
A time after "~" is approximate: no login service has a record of the login, so the time is the start of the
earliest process whose parent is outside the logon session. A user manager, which all logins of a user share, is listed
after the login that started it.
Other commands take the value of ID; the column logon_id has the LogonId, always decimal.
cpu, rss, private, read and written are sums over the running processes; unread is the number of processes
that are missing in a sum.

examples:
  logonscope sessions                  all logon sessions that you may see
  logonscope sessions alice            alice's logon sessions
  logonscope sessions --from 203.0.113.0/24 --since 2h
                                       logins from a network in the last two hours
  logonscope sessions --state logged-out --sort left --reverse
                                       logged-out logins, those with most leftovers first
  logonscope sessions --services       the services that the System session consists of
  logonscope sessions --auth           also the method, the key and the client's port of ssh logins
  logonscope sessions --key SHA256:mVPw
                                       logins with one ssh key, by the beginning of its fingerprint
  logonscope sessions --columns user,id,cpu,rss,private,read,written --sort cpu --reverse
                                       what the running processes of each use
  logonscope sessions -o json          the source of every value too

"""
    + selector.FILTER_NOTES
)

AUTH_HELP = (
    "also how ssh logins authenticated, and their client's port; reads the sockets of leaders, and systemd's journal, "
    "or without a journal /var/log/auth.log or /var/log/secure (where any user can add lines)"
)
AUTH_DETAILS: Details = frozenset({"origin", "authentication"})
"""The details that --auth reads."""

AUTH_COLUMNS = ("port", "auth", "key")
"""The columns that --auth adds to the table."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_selector(parser)
    parser.add_argument(
        "--services",
        action="store_true",
        help="list the System session by service instead: processes and start of each",
    )
    parser.add_argument("--auth", action="store_true", help=AUTH_HELP)
    add_listing(parser, "sessions", COLUMNS)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print the logon sessions; return the exit code."""
    if args.services:
        return _print_services(host, args)
    if args.auth and args.columns is None and args.output == "table":
        args.columns = [*(column.name for column in default_columns(COLUMNS) if column.rank < EXTRA), *AUTH_COLUMNS]
    sessions = host.sessions(args.which, logon_filter(host, args), details_of(args))
    if args.output == "table":
        sessions = with_managers_after_logins(sessions)
    return print_listing(host, args, sessions, COLUMNS, partial(no_match_message, host, args))


def details_of(args: argparse.Namespace) -> Details:
    """Return the details of logon sessions that the command line requests."""
    columns = select_columns(args.columns or (), COLUMNS)
    if args.sort is not None:
        columns.append(find_column(args.sort, COLUMNS))
    return frozenset(column.detail for column in columns if column.detail) | (AUTH_DETAILS if args.auth else NO_DETAILS)


def _print_services(host: Host, args: argparse.Namespace) -> int:
    """Print the services of the System session; return the exit code."""
    if (args.which is not None and args.which.lower() != SYSTEM_WORD) or logon_filter(host, args) is not None:
        raise InvalidParameterError(
            "--services takes no filters, and no LogonId or user other than `system`", "leave them out"
        )
    return print_listing(host, args, host.services(), SERVICE_COLUMNS, "you may see no process of the System session")


def _short_start_text(session: LogonSession, cells: int, now: datetime) -> str:
    mark = "~" if is_approximate(session) else ""
    return mark + shorten_time(session.start, cells - 1, now)


def _short_type_text(session: LogonSession, cells: int, _: datetime) -> str:
    return type_text(session, cells)


def _usage_value(name: str, session: LogonSession) -> Any:
    """Return a value of the usage of a logon session; None if unknown."""
    return None if session.usage is None else getattr(session.usage, name)


def _size_text(name: str, session: LogonSession) -> str:
    """Return a number of bytes in a unit that is a power of 1024: "512B", "1.5K", "23M"."""
    size = _usage_value(name, session)
    if size is None:
        return "-"
    number, units = float(size), iter("BKMGTPE")
    unit = next(units)
    while number >= 1023.5 and unit != "E":
        number, unit = number / 1024, next(units)
    return f"{number:.0f}{unit}" if unit == "B" or number >= 9.95 else f"{number:.1f}{unit}"


def _processor_time_text(session: LogonSession) -> str:
    """Return the processor time as hours:minutes:seconds, or below one hour as minutes:seconds."""
    seconds = _usage_value("processor_time", session)
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def _usage_column(heading: str, cells: int, text_of: Callable[[LogonSession], str], name: str) -> ListColumn:
    value_of = partial(_usage_value, name)
    return ListColumn(heading, cells, text_of, rank=ON_REQUEST, detail="usage", value_of=value_of)


def _size_column(heading: str, name: str) -> ListColumn:
    return _usage_column(heading, 7, partial(_size_text, name), name)


def _number_text(value: int | None) -> str:
    return "-" if value is None else str(value)


COLUMNS = (
    ListColumn("ID", 10, selecting_word),
    ListColumn("USER", 12, user_text, "user", rank=1, min_cells=8),
    ListColumn("FROM", 15, origin_text, "remote_host", rank=5, min_cells=15),
    ListColumn("TYPE", 22, type_text, "logon_type", rank=6, min_cells=12, shorten=_short_type_text),
    ListColumn("STATE", 10, lambda s: s.state or "-", "state", rank=2, is_highlighted=is_logged_out),
    ListColumn("SINCE", 17, start_text, "start", rank=7, min_cells=12, shorten=_short_start_text),
    ListColumn("PROCS", 5, lambda s: _number_text(s.processes), "processes", rank=4),
    ListColumn("LEFT", 4, lambda s: _number_text(s.leftovers), "leftovers", rank=3, is_highlighted=is_logged_out),
    ListColumn("TTY", 7, lambda s: s.tty or "-", "tty", rank=EXTRA),
    ListColumn("SERVICE", 8, lambda s: s.service or "-", "service", rank=EXTRA + 1),
    ListColumn("LOGON ID", 10, lambda s: s.logon_id, "logon_id", rank=EXTRA + 2),
    ListColumn("LOGIN", 5, lambda s: s.login or "-", "login", rank=EXTRA + 3),
    ListColumn("UID", 6, lambda s: _number_text(s.uid), "uid", rank=ON_REQUEST),
    ListColumn("SEAT", 6, lambda s: s.seat or "-", "seat", rank=ON_REQUEST),
    ListColumn("LEADER", 7, lambda s: _number_text(s.leader), "leader", rank=ON_REQUEST),
    ListColumn("CLASS", 10, lambda s: s.login_class or "-", "login_class", rank=ON_REQUEST),
    ListColumn("REMOTE USER", 11, lambda s: s.remote_user or "-", "remote_user", rank=ON_REQUEST),
    ListColumn("PACKAGE", 9, lambda s: s.authentication_package or "-", "authentication_package", rank=ON_REQUEST,
               detail="authentication"),
    ListColumn("ADDRESS", 15, lambda s: s.remote_address or "-", "remote_address", rank=ON_REQUEST, detail="origin"),
    ListColumn("PORT", 5, lambda s: _number_text(s.remote_port), "remote_port", rank=ON_REQUEST, detail="origin"),
    ListColumn("AUTH", 10, lambda s: s.authentication_method or "-", "authentication_method", rank=ON_REQUEST,
               detail="authentication"),
    ListColumn("KEY", 50, lambda s: s.key_fingerprint or "-", "key_fingerprint", rank=ON_REQUEST,
               detail="authentication"),
    ListColumn("KEY TYPE", 12, lambda s: s.key_type or "-", "key_type", rank=ON_REQUEST, detail="authentication"),
    ListColumn("CERTIFICATE", 12, lambda s: s.certificate_id or "-", "certificate_id", rank=ON_REQUEST,
               detail="authentication"),
    ListColumn("SERIAL", 6, lambda s: _number_text(s.certificate_serial), "certificate_serial", rank=ON_REQUEST,
               detail="authentication"),
    ListColumn("AUTHORITY", 50, lambda s: s.certificate_authority or "-", "certificate_authority", rank=ON_REQUEST,
               detail="authentication"),
    ListColumn("LOG", 7, lambda s: s.authentication_source or "-", "authentication_source", rank=ON_REQUEST,
               detail="authentication"),
    ListColumn("SCOPE", 10, lambda s: s.scope or "-", "scope", rank=ON_REQUEST),
    _usage_column("CPU", 8, _processor_time_text, "processor_time"),
    _size_column("RSS", "resident"),
    _size_column("PRIVATE", "private"),
    _size_column("READ", "read"),
    _size_column("WRITTEN", "written"),
    _usage_column("UNREAD", 6, lambda s: _number_text(_usage_value("unread_count", s)), "unread_count"),
)  # fmt: skip


def _service_start_text(row: SessionService) -> str:
    return ("~" if row.start_is_approximate else "") + format_time(row.start)


def _short_service_start_text(row: SessionService, cells: int, current_time: datetime) -> str:
    return ("~" if row.start_is_approximate else "") + shorten_time(row.start, cells - 1, current_time)


SERVICE_COLUMNS = (
    ListColumn("SERVICE", 32, lambda s: s.service or "-", "service", min_cells=12),
    ListColumn("USER", 12, lambda s: s.user or "-", "user", rank=3, min_cells=8),
    ListColumn("PROCS", 5, lambda s: _number_text(s.processes), "processes", rank=1),
    ListColumn("SINCE", 17, _service_start_text, "start", rank=2, min_cells=12, shorten=_short_service_start_text),
    ListColumn("PID", 7, lambda s: _number_text(s.pid), "pid", rank=4),
    ListColumn("NAME", 15, lambda s: s.name or "-", "name", rank=5),
)
"""The columns of --services; USER, PID and NAME are values of the process that started first."""
