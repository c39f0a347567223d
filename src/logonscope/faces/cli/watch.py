"""``logonscope watch``: what happens on the host, one line an event."""

import argparse
import os
import re
import select
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from logonscope.answers.host_event import LOGON_EVENTS, PROCESS_EVENTS, HostEvent
from logonscope.client import Host
from logonscope.errors import InvalidParameterError, TransportFailureError
from logonscope.faces.cli.cim import add_namespace
from logonscope.faces.cli.event_writers import CsvWriter, EventWriter, JsonWriter, LineWriter
from logonscope.faces.cli.exit_codes import FOUND, NOTHING_FOUND
from logonscope.faces.cli.messages import is_other_machine, print_notice
from logonscope.faces.cli.parser import TOOL_FORMATS, set_completion
from logonscope.faces.cli.selector import FILTER_NOTES, add_selector, logon_filter

if TYPE_CHECKING:
    from logonscope.client.watch import Watch

_EXAMPLES = """\
If no service runs on this machine, the command reads the events itself: root reads them from the kernel, and so do
other users from Linux 6.6 on. If the kernel gives no events, /proc is compared every second, and what begins and ends
between two comparisons is missed. A line on standard error says which of the two is used.

examples:
  logonscope watch                     logins, changes of user, and processes
  logonscope watch --logons-only       logins and logouts, with address and key
  logonscope watch --failed -o jsonl   failed logins, one JSON object a line
  logonscope watch -o ocsf             events for a security lake; also ecs, otel, sysmon, and parquet for a file
  logonscope watch alice --type RemoteInteractive
                                       what happens in alice's logins from other machines
  logonscope watch "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_Process'"
  logonscope watch --count 1 --for 1m "SELECT * FROM LS_LogonEvent WHERE User = 'root'" -n root/logonscope
  logonscope watch --logons-only --exec 'logger -t logins -- {event} {user} {remote_address}'
                                       run a command for each event

--exec runs COMMAND without a shell, in place of printing: it is split into words once, and {user}, {remote_address} and
the other columns of -o csv are replaced by values of the event, in which characters that could be code are replaced.
The environment has the values with these characters: LOGONSCOPE_EVENT (the kind of event), LOGONSCOPE_EVENT_USER, ...
At most 4 commands run at once, for 30 seconds each, and 64 events wait; more are dropped and counted. What the
commands start raises no events in this watch.

"""

EPILOG = f"{_EXAMPLES}{FILTER_NOTES}"

_QUERY = re.compile(r"\s*select\s", re.IGNORECASE)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_selector(parser, "LOGONID|USER|QUERY", "; or a WQL event query")
    group = parser.add_argument_group("options of a watch")
    group.add_argument("--logons-only", action="store_true", help="only logins, logouts and failed logins")
    group.add_argument("--failed", action="store_true", help="only failed logins; for administrators")
    group.add_argument("--count", metavar="N", type=_parse_count, help="end after N events")
    group.add_argument("--for", dest="duration", metavar="DURATION", type=_parse_duration, help="end after 30s, 5m, 1h")
    exec_help = "run a command for each event, without a shell; {user} is the user of the event"
    set_completion(group.add_argument("--exec", dest="event_command", metavar="COMMAND", help=exec_help), "commands")
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Write events until Ctrl-C, or as long as --count and --for say; return the exit code."""
    end = None if args.duration is None else time.monotonic() + args.duration
    writer = _make_writer(host, args)
    try:
        with host.watch(**_watch_options(host, args)) as watch:
            if not args.quiet:
                print_notice(args, f"watching: {watch.description}")
            with writer:
                count = write_events(watch, writer, args.count, end)
    except KeyboardInterrupt:
        return FOUND
    return FOUND if count else NOTHING_FOUND


def write_events(watch: "Watch", writer: EventWriter, limit: int | None, end: float | None) -> int:
    """Write events until ``limit`` are written, or until ``end``; return their number. Events Lost are not counted.

    Args:
        watch: the watch to read.
        writer: writes the events.
        limit: the number of events; None: no limit.
        end: a moment of time.monotonic(); None: no end.

    Raises:
        TransportFailureError: the watch was closed.
        BrokenPipeError: the reader of standard output has gone.
    """
    count = 0
    while (limit is None or count < limit) and (end is None or time.monotonic() < end):
        # each wait is short, so that a closed pipe and the end of --for are noticed without an event
        seconds = writer.wait_seconds
        event = watch.wait(seconds if end is None else min(seconds, max(0.0, end - time.monotonic())))
        if event is not None:
            writer.write(event)
            count += not (isinstance(event, HostEvent) and event.event == "Lost")
        elif watch.is_closed:
            raise TransportFailureError("the events have ended", "watch again")
        elif _is_output_closed():
            raise BrokenPipeError
        writer.step()
    return count


def _watch_options(host: Host, args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the watch.

    Raises:
        InvalidParameterError: a query is given together with filters, or a time of a filter is invalid.
    """
    options: dict[str, Any] = {}
    # a pid of this machine has no meaning on another one
    if args.event_command is not None and not is_other_machine(args.host):
        options["without_descendants_of"] = os.getpid()
    if _is_query(args):
        if logon_filter(host, args) is not None or args.logons_only or args.failed:
            raise InvalidParameterError("a query has conditions of its own", "leave the other filters out")
        return {**options, "query": args.which, "namespace": args.namespace}
    names = frozenset({"LogonFailed"}) if args.failed else LOGON_EVENTS if args.logons_only else None
    # Sysmon's schema has events of processes only
    if args.output == "sysmon":
        names = PROCESS_EVENTS
    has_sessions = args.output in TOOL_FORMATS
    return {
        **options, "which": args.which, "where": logon_filter(host, args), "events": names,
        "with_sessions": has_sessions,
    }  # fmt: skip


def _is_query(args: argparse.Namespace) -> bool:
    """Return whether the argument is a WQL query."""
    return args.which is not None and _QUERY.match(args.which) is not None


def _make_writer(host: Host, args: argparse.Namespace) -> EventWriter:
    """Return the writer of the format that was requested, or the one that runs a command for each event.

    Raises:
        InvalidParameterError: events cannot be written in this format, or the command cannot be run.
    """
    if args.event_command is not None:
        return _make_exec_writer(args)
    if args.output == "table":
        return LineWriter()
    if args.output in {"json", "jsonl"}:
        return JsonWriter()
    if args.output == "csv":
        return CsvWriter(is_query=_is_query(args))
    return _make_format_writer(host, args)


def _make_format_writer(host: Host, args: argparse.Namespace) -> EventWriter:
    """Return the writer of a format of another tool.

    Raises:
        InvalidParameterError: the format cannot hold these events, or Parquet would be written to a terminal.
    """
    if args.output not in TOOL_FORMATS:
        raise InvalidParameterError(f"cannot print events as {args.output}", "use -o jsonl, csv or ecs")
    if _is_query(args):
        raise InvalidParameterError(f"cannot print the results of a query as {args.output}", "use -o jsonl or csv")
    if args.output == "parquet":
        from logonscope.faces.cli.event_parquet import ParquetWriter  # noqa: PLC0415 -- only this format

        if sys.stdout.isatty():
            raise InvalidParameterError("cannot print Parquet on a terminal", "redirect the output to a file")
        return ParquetWriter()
    if args.output == "sysmon" and (args.failed or args.logons_only):
        raise InvalidParameterError("Sysmon has no event for logons", "use another format, such as ecs or ocsf")
    from logonscope.faces.cli.event_documents import DocumentWriter  # noqa: PLC0415 -- only these formats

    if args.failed or args.logons_only:
        # no processes are read: this watch would get no event of their ends
        return DocumentWriter(args.output, host.identify_machine(), tuple)
    return DocumentWriter(
        args.output, host.identify_machine(), partial(host.processes, args.which, logon_filter(host, args))
    )


def _make_exec_writer(args: argparse.Namespace) -> EventWriter:
    if args.output != "table":
        hint = "leave out -o: values are passed to the command"
        raise InvalidParameterError(f"cannot print events as {args.output}: --exec runs a command instead", hint)
    from logonscope.faces.cli.event_exec import ExecWriter  # noqa: PLC0415 -- seldom needed

    return ExecWriter(args.event_command, partial(print_notice, args), is_query=_is_query(args))


def _is_output_closed() -> bool:
    """Return whether the reader of the pipe has gone. A failed write would show this, but only at the next event."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(mask & (select.POLLERR | select.POLLHUP) for _, mask in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False


def _parse_count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 11 and 0 < int(text) < 1 << 31):
        raise argparse.ArgumentTypeError(f"invalid count {text!r}: expected a number greater than 0")
    return int(text)


def _parse_duration(text: str) -> float:
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= 366 * 86_400:
        raise argparse.ArgumentTypeError(f"invalid duration {text!r}: expected 30s, 5m, 1h or 1d")
    return seconds
