"""``logonscope history``: past logins, with what they ran."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from logonscope.answers.history import HistoryFilter, PastFailedLogon, PastLogin, PastProcess, PastUserChange
from logonscope.client import Host
from logonscope.client.history_reports import SYSTEM_LOGON_ID, read_boots, read_failed_logons, read_user_changes
from logonscope.display import count_text
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.columns import EXTRA, ON_REQUEST, ListColumn
from logonscope.faces.cli.exit_codes import DAMAGED_DATA, FOUND, NOTHING_FOUND
from logonscope.faces.cli.listing import add_listing, print_listing
from logonscope.faces.cli.messages import print_notice
from logonscope.faces.cli.output import print_object, print_rows
from logonscope.faces.cli.parser import TOOL_FORMATS
from logonscope.faces.cli.selector import add_origin_and_times, parse_times
from logonscope.faces.cli.session_text import selecting_word
from logonscope.faces.cli.text import crop, for_terminal, format_time, terminal_width
from logonscope.faces.cli.times import shorten_time

EPILOG = """\
The history is kept by `logonscope serve` with history = true. Without an argument, every login is listed. A number is a
LogonId, or else a pid; another argument is a user, or else a process name. user:41, pid:41 and name:41 say which one it
is. The System session has the processes that no login started: --processes and --failed show them only if the argument
is system, a pid or a process name. "~" marks an approximate time: the event itself was not observed.

examples:
  logonscope history                        every login, with the programs that it ran most often
  logonscope history alice --since yesterday
                                            alice's logins since yesterday
  logonscope history 41 --processes         all processes of login 41, as a tree
  logonscope history --failed --since 2h    which programs of logins, and which logons, failed in the last two hours
  logonscope history make                   the logins that ran make
  logonscope history --last                 logins in the form of last(1), from the history
  logonscope history -f --since today       logins of today, then logins and logouts as they happen
  logonscope history --since 1d --processes -o ocsf
                                            the starts and ends of processes of logins, as OCSF events
  logonscope history system --since 1d --processes -o ocsf
                                            the same of processes that no login started
  sudo logonscope history verify            check that no row was edited
  sudo logonscope history forget bob        delete the past logins of bob, and what they ran
"""

MAX_PROGRAMS = 4
"""Maximum number of programs that the line of a login names; the others are counted."""

NO_FAILED_LOGON = "no failed logon in the history"

VERIFY, FORGET = "verify", "forget"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "which",
        nargs="?",
        metavar="LOGONID|USER|PID|NAME",
        help="only this login, the logins of this user, or the logins that ran this process; or: verify, forget USER",
    )
    parser.add_argument("user", nargs="?", metavar="USER", help=argparse.SUPPRESS)
    add_origin_and_times(
        parser, "only logins and processes that existed at this time or later", "only those that began before this time"
    )
    parser.add_argument("--processes", action="store_true", help="list the processes of the logins as trees")
    failed_help = "only processes that ended with another status than 0 or by a signal, and the logins that ran them"
    parser.add_argument(
        "--failed", action="store_true", help=f"{failed_help}; for administrators, the table also has failed logons"
    )
    parser.add_argument(
        "--logons-only", action="store_true", help="with --failed: only failed logons, also with -o json, jsonl or csv"
    )
    follow_help = "go on with what happens from now on, a line an event, until Ctrl-C; not for a pid or a process name"
    parser.add_argument("-f", "--follow", action="store_true", help=follow_help)
    parser.add_argument("--last", action="store_true", help="list logins in the form of last(1), the newest first")
    add_listing(parser, "history", COLUMNS)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print past logins, or run `verify` or `forget`; return the exit code."""
    if args.which in {VERIFY, FORGET} and args.output in TOOL_FORMATS:
        raise InvalidParameterError(f"cannot print the result of {args.which} as {args.output}", "use -o json")
    if args.which == FORGET and args.user is not None:
        return _forget(host, args)
    if args.user is not None:
        raise InvalidParameterError(f"unexpected argument {args.user!r}", "give one argument, or: forget USER")
    if args.which == VERIFY:
        return _verify(host, args)
    if args.which == FORGET:
        raise InvalidParameterError("forget needs the name of a user", "write user:forget for a user of that name")
    where = _history_filter(host, args)
    if args.logons_only and not args.failed:
        reason = "cannot use --logons-only without --failed: in `history`, it limits --failed to failed logons"
        raise InvalidParameterError(reason, "without both options all logins are listed")
    if args.follow:
        return _follow(host, args, where)
    code, _ = _print_history(host, args, where)
    return code


def _follow(host: Host, args: argparse.Namespace, where: HistoryFilter) -> int:
    """Print the history, and what happens after it, until Ctrl-C."""
    from logonscope.faces.cli.history_follow import follow, open_watch  # noqa: PLC0415 -- only this option

    try:
        with open_watch(host, args, where) as watch:
            _, rows = _print_history(host, args, where)
            sys.stdout.flush()
            follow(watch, args, rows)
    except KeyboardInterrupt:
        pass
    return FOUND


def _print_history(host: Host, args: argparse.Namespace, where: HistoryFilter) -> tuple[int, Sequence[Any]]:
    """Print what the command line requests; return the exit code and, if --follow needs them, the rows."""
    columns = LAST_COLUMNS if args.last else COLUMNS
    if args.output in TOOL_FORMATS:
        return _print_format(host, args, where, columns), ()
    if args.logons_only:
        rows = read_failed_logons(host, where)
        # --follow needs the rows again after they are printed, when an iterator would be exhausted
        kept_rows = list(rows) if args.follow else ()
        code = print_listing(host, args, kept_rows if args.follow else rows, FAILED_LOGON_COLUMNS, NO_FAILED_LOGON)
        return code, kept_rows
    if args.processes:
        return _print_processes(host, args, where)
    logins = host.history(where)
    if args.last:
        logins = _newest_first([*reversed(logins), *read_boots(host, where)])
    code = print_listing(host, args, logins, columns, _no_match_message(args))
    if args.failed and args.output == "table" and args.columns is None and args.sort is None:
        attempts = list(read_failed_logons(host, where))
        # FOUND is the lower code: it is enough if logins or failed logons were found
        code = min(code, _print_failed_logons(host, args, attempts))
        return code, [*logins, *attempts]
    return code, logins


def _print_format(host: Host, args: argparse.Namespace, where: HistoryFilter, columns: Sequence[ListColumn]) -> int:
    """Print the history in a format of another tool; return the exit code."""
    from logonscope.faces.cli.history_formats import print_history  # noqa: PLC0415 -- only these formats

    count = print_history(host, args, where, columns)
    if not count:
        print_notice(args, NO_FAILED_LOGON if args.logons_only else _no_match_message(args))
    return FOUND if count else NOTHING_FOUND


def _print_failed_logons(host: Host, args: argparse.Namespace, attempts: Sequence[PastFailedLogon]) -> int:
    """Print the failed logons below the logins, if there are any; return the exit code."""
    if not attempts:
        return NOTHING_FOUND
    print("\nFailed logons:")
    return print_listing(host, args, attempts, FAILED_LOGON_COLUMNS, "")


def _history_filter(host: Host, args: argparse.Namespace) -> HistoryFilter:
    since, until = parse_times(host, args)
    origins, keys = getattr(args, "from"), args.key
    return HistoryFilter(
        args.which, since, until, None if origins is None else frozenset(origins),
        None if keys is None else frozenset(keys), args.failed,
    )  # fmt: skip


def _no_match_message(args: argparse.Namespace) -> str:
    noun = "process" if args.processes else "login"
    if args.failed:
        # --failed looks only for failed processes, and for the logins that ran them
        noun = "failed process" if args.processes else "login with a failed process"
    condition = " that matches" if (args.since or args.until or args.key or getattr(args, "from")) else ""
    subject = "" if args.which is None else f" of {args.which!r}"
    return f"no {noun}{subject}{condition} in the history"


def _verify(host: Host, args: argparse.Namespace) -> int:
    result = host.verify_history()
    if args.output != "table":
        print_object(args, {**result._asdict(), "is_intact": result.is_intact})
    elif result.first_bad is not None:
        first, last = result.first_bad
        print(f"rows {first} to {last} do not fit the hash chain: {result.reason}")
    else:
        print(
            f"intact: {result.rows:,} rows, hash chain of {result.seals:,} links; {result.removed:,} were deleted by"
            f" retention or `history forget`, {result.unsealed:,} are not in the chain yet"
        )
        print(f"last link: {result.link or '-'}")
    return FOUND if result.is_intact else DAMAGED_DATA


def _forget(host: Host, args: argparse.Namespace) -> int:
    result = host.forget_user(args.user)
    counts = {
        "login": result.logins, "process": result.processes, "failed login": result.failed_logons,
        "user change": result.user_changes,
    }  # fmt: skip
    if args.output != "table":
        print_object(args, result._asdict())
    else:
        deleted = ", ".join(count_text(count, noun) for noun, count in counts.items() if count)
        print(f"deleted of {for_terminal(args.user)}: {deleted or 'nothing'}")
        if result.kept_logins:
            print(f"logins that still exist are kept, without their ended processes: {result.kept_logins}")
    return FOUND if any(counts.values()) else NOTHING_FOUND


def _print_processes(host: Host, args: argparse.Namespace, where: HistoryFilter) -> tuple[int, Sequence[Any]]:
    """Print processes as trees, or in another format; return the exit code and, if --follow needs them, the rows."""
    processes = host.past_processes(where)
    # rows are printed as they arrive; --follow keeps them, because it leaves out the events that these rows show
    if args.output != "table" and not args.follow:
        return print_rows(args, processes, (), _no_match_message(args)), ()
    rows = list(processes)
    if args.output != "table":
        return print_rows(args, rows, (), _no_match_message(args)), rows
    room = terminal_width()
    changes = list(read_user_changes(host, (row.logon_record for row in rows if row.logon_record is not None)))
    for line in tree_lines(rows, changes):
        print(crop(for_terminal(line), room))
    if not rows:
        print_notice(args, _no_match_message(args))
    return FOUND if rows else NOTHING_FOUND, [*rows, *changes]


def tree_lines(rows: Iterable[PastProcess], changes: Iterable[PastUserChange] = ()) -> Iterator[str]:
    """Yield a line for each process, indented below its parent, and after it a line for each of its changes of user.

    If there are several logins, the trees of each login have a heading.

    Args:
        rows: the processes.
        changes: changes of user; those of processes that are not among ``rows`` are ignored.
    """
    by_record = {row.record: row for row in rows}
    changes_of: dict[str | None, list[PastUserChange]] = {}
    for change in changes:
        changes_of.setdefault(change.process_record, []).append(change)
    children: dict[str | None, list[PastProcess]] = {}
    for row in by_record.values():
        parent = row.parent_record if row.parent_record in by_record else None
        children.setdefault(parent, []).append(row)
    # the trees of one login are together; the logins are in the order of their first processes
    roots_by_login: dict[str | None, list[PastProcess]] = {}
    for row in children.get(None, []):
        roots_by_login.setdefault(row.logon_record, []).append(row)
    for roots in roots_by_login.values():
        if len(roots_by_login) > 1:
            yield _heading(roots[0])
        yield from _indented_lines(roots, children, changes_of)


def _heading(row: PastProcess) -> str:
    return "logon session not known:" if row.logon_id is None else f"logon session {row.logon_id}:"


def _indented_lines(
    roots: Sequence[PastProcess],
    children: Mapping[str | None, Sequence[PastProcess]],
    changes_of: Mapping[str | None, Sequence[PastUserChange]],
) -> Iterator[str]:
    # a stack rather than recursion: a chain of processes can be deeper than Python's recursion limit
    stack = [(row, 0) for row in reversed(roots)]
    while stack:
        row, depth = stack.pop()
        times = f"{_process_start_text(row)}  {_process_duration_text(row):>8}  {_status_text(row):<7}"
        yield f"{times}  {'  ' * min(depth, 30)}{row.pid} {_command_text(row)}"
        for change in changes_of.get(row.record, ()):
            yield f"{' ' * len(times)}  {'  ' * min(depth, 30)}{_change_text(change)}"
        stack += [(child, depth + 1) for child in reversed(children.get(row.record, []))]


def _process_start_text(row: PastProcess) -> str:
    return ("~" if row.start_is_approximate else " ") + format_time(row.start, "%Y-%m-%d %H:%M:%S")


def _command_text(row: PastProcess) -> str:
    text = row.command_line or row.name or "?"
    return f"{text} ({row.user})" if row.user else text


def _change_text(change: PastUserChange) -> str:
    user = change.from_user or _number_text(change.from_uid)
    through = f" through {change.through}" if change.through else ""
    command = f": {change.command}" if change.command else ""
    return f"= {user} became {change.to_user or change.to_uid}{through}{command}"


def _status_text(row: PastProcess) -> str:
    if row.signal is not None:
        return f"sig {row.signal}"
    if row.exit_code is not None:
        return str(row.exit_code)
    return "running" if row.end is None else "?"


def _process_duration_text(row: PastProcess) -> str:
    return "-" if row.seconds is None else ("~" if row.end_is_approximate else "") + duration_text(row.seconds)


def duration_text(seconds: float) -> str:
    """Return a duration: 20ms, 1.5s, 3:20, 2:10:00, 3d4h."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{hours // 24}d{hours % 24}h"


def _programs_text(row: PastLogin) -> str:
    shown = [f"{program.name or '?'} {program.runs}" for program in row.programs[:MAX_PROGRAMS]]
    rest = len(row.programs) - MAX_PROGRAMS
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def _newest_first(rows: list[PastLogin]) -> list[PastLogin]:
    """Return logins and boots in the order of last(1); those whose start is not known come last."""
    with_start = [row for row in rows if row.start is not None]
    with_start.sort(key=attrgetter("start"), reverse=True)
    return with_start + [row for row in rows if row.start is None]


def _is_boot(row: PastLogin) -> bool:
    """Return whether a row is the System session of a boot, which read_boots() adds to the logins."""
    return row.logon_id == SYSTEM_LOGON_ID


def _last_user_text(row: PastLogin) -> str:
    return "reboot" if _is_boot(row) else _user_text(row)


def _last_terminal_text(row: PastLogin) -> str:
    return "system boot" if _is_boot(row) else row.tty or row.service or "-"


def _end_text(row: PastLogin) -> str:
    if row.end is None and _is_boot(row):
        return "still running"
    if row.end is None:
        return "logged out" if row.logout else "still on"
    return ("~" if row.end_is_approximate else "") + format_time(row.end)


def _short_end_text(row: PastLogin, cells: int, now: datetime) -> str:
    if row.end is None:
        return _end_text(row)
    mark = "~" if row.end_is_approximate else ""
    return mark + shorten_time(row.end, cells - len(mark), now)


def _login_start_text(row: PastLogin) -> str:
    return format_time(row.start)


def _short_login_start_text(row: PastLogin, cells: int, now: datetime) -> str:
    return shorten_time(row.start, cells, now)


def _length_text(row: PastLogin) -> str:
    end = row.logout or row.end
    return "-" if row.start is None or end is None else duration_text(max(0.0, (end - row.start).total_seconds()))


def _number_text(value: int | None) -> str:
    return "-" if value is None else str(value)


def _user_text(row: PastLogin) -> str:
    return row.user or ("-" if row.uid is None else f"uid {row.uid}")


def _origin_text(row: PastLogin) -> str:
    return row.remote_host or row.remote_address or row.seat or row.tty or "-"


COLUMNS = (
    ListColumn("ID", 10, selecting_word, "logon_id"),
    ListColumn("USER", 12, _user_text, "user", rank=1, min_cells=8),
    ListColumn("FROM", 15, _origin_text, "remote_host", rank=5, min_cells=12),
    ListColumn("START", 17, _login_start_text, "start", rank=2, min_cells=12, shorten=_short_login_start_text),
    ListColumn("END", 17, _end_text, "end", rank=3, min_cells=12, shorten=_short_end_text),
    ListColumn("PROCS", 6, lambda row: str(row.runs), "runs", rank=4),
    ListColumn("FAILED", 6, lambda row: str(row.failed), "failed", rank=6),
    ListColumn("TYPE", 17, lambda row: row.logon_type_name or "-", "logon_type", rank=EXTRA),
    ListColumn("SERVICE", 8, lambda row: row.service or "-", "service", rank=EXTRA + 1),
    ListColumn("TTY", 7, lambda row: row.tty or "-", "tty", rank=EXTRA + 2),
    ListColumn("AUTH", 10, lambda row: row.authentication_method or "-", "authentication_method", rank=ON_REQUEST),
    ListColumn("KEY", 50, lambda row: row.key_fingerprint or "-", "key_fingerprint", rank=ON_REQUEST),
    ListColumn("LOGON ID", 10, lambda row: row.logon_id, "logon_id", rank=ON_REQUEST),
    ListColumn("UID", 6, lambda row: _number_text(row.uid), "uid", rank=ON_REQUEST),
    ListColumn("LENGTH", 9, _length_text, rank=ON_REQUEST),
    ListColumn("PROGRAMS", 0, _programs_text, "programs", rank=1),
)  # fmt: skip

FAILED_LOGON_COLUMNS = (
    ListColumn("TIME", 17, lambda row: format_time(row.time), "time"),
    ListColumn("USER", 12, lambda row: row.user or "?", "user", min_cells=8),
    ListColumn("FROM", 16, lambda row: row.remote_address or row.remote_host or row.by_user or row.tty or "-",
               "remote_address", rank=1, min_cells=12),
    ListColumn("SERVICE", 8, lambda row: row.service, "service", rank=2),
    ListColumn("METHOD", 10, lambda row: row.method or "-", "method", rank=3),
    ListColumn("TIMES", 5, lambda row: str(row.attempts), "attempts", rank=4),
    ListColumn("REASON", 0, lambda row: row.reason or "-", "reason", rank=1),
)  # fmt: skip

LAST_COLUMNS = (
    ListColumn("USER", 12, _last_user_text, "user", min_cells=8),
    ListColumn("TTY", 11, _last_terminal_text, "tty", rank=2),
    ListColumn("FROM", 16, _origin_text, "remote_host", rank=3, min_cells=12),
    ListColumn("START", 17, _login_start_text, "start"),
    ListColumn("END", 17, _end_text, "end", rank=1),
    ListColumn("LENGTH", 9, _length_text, rank=1),
)
"""The columns of --last."""
