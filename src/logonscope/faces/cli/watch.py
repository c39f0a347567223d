"""``logonscope watch``: what happens on the host, one line an event."""

import argparse
import csv
import json
import re
import select
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from logonscope.answers.host_event import LOGON_EVENTS, HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.client import Host
from logonscope.errors import InvalidParameterError, TransportFailureError
from logonscope.faces.cli.cim import add_namespace
from logonscope.faces.cli.event_text import event_line
from logonscope.faces.cli.exit_codes import FOUND, NOTHING_FOUND
from logonscope.faces.cli.messages import print_notice
from logonscope.faces.cli.output import flatten
from logonscope.faces.cli.selector import FILTER_NOTES, add_selector, logon_filter
from logonscope.faces.cli.text import for_terminal

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance

_EXAMPLES = """\
Without the service of this machine, events are read directly: from the kernel as root, else by comparing /proc every
second, which misses what begins and ends in between. A line on standard error says which.

examples:
  logonscope watch                     logins, changes of user, and processes
  logonscope watch --logons-only       logins and logouts, with address and key
  logonscope watch --failed -o jsonl   failed logins, one JSON object a line
  logonscope watch alice --type RemoteInteractive
                                       what happens in alice's logins from other machines
  logonscope watch "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_Process'"
  logonscope watch --count 1 --for 1m "SELECT * FROM LS_LogonEvent WHERE User = 'root'" -n root/logonscope

"""

EPILOG = f"{_EXAMPLES}{FILTER_NOTES}"

CHECK_SECONDS = 0.5
"""Seconds between two checks whether the output was closed."""

_QUERY = re.compile(r"\s*select\s", re.IGNORECASE)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_selector(parser, "LOGONID|USER|QUERY", "; or a WQL event query")
    group = parser.add_argument_group("options of a watch")
    group.add_argument("--logons-only", action="store_true", help="only logins, logouts and failed logins")
    group.add_argument("--failed", action="store_true", help="only failed logins; for administrators")
    group.add_argument("--count", metavar="N", type=_parse_count, help="end after so many events")
    group.add_argument("--for", dest="duration", metavar="DURATION", type=_parse_duration, help="end after 30s, 5m, 1h")
    add_namespace(parser)


def run(host: Host, args: argparse.Namespace) -> int:
    """Print events until Ctrl-C; return the exit code."""
    end = None if args.duration is None else time.monotonic() + args.duration
    write = _make_writer(host, args)
    count = 0
    with host.watch(**_watch_options(host, args)) as watch:
        if not args.quiet:
            print_notice(args, f"watching: {watch.description}")
        try:
            while (args.count is None or count < args.count) and (end is None or time.monotonic() < end):
                # short waits: the end of a pipe, and --for, are noticed without an event
                left = CHECK_SECONDS if end is None else min(CHECK_SECONDS, max(0.0, end - time.monotonic()))
                event = watch.wait(left)
                if event is not None:
                    write(event)
                    sys.stdout.flush()
                    # that events were lost is none of those that are counted
                    count += not (isinstance(event, HostEvent) and event.event == "Lost")
                elif watch.is_closed:
                    raise TransportFailureError("the events have ended", "watch again")
                elif _is_output_closed():
                    raise BrokenPipeError
        except KeyboardInterrupt:
            return FOUND
    return FOUND if count else NOTHING_FOUND


def _watch_options(host: Host, args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the watch.

    Raises:
        InvalidParameterError: a query has filters beside it, or there are no such events.
    """
    word = args.which
    if word is not None and _QUERY.match(word):
        if logon_filter(host, args) is not None or args.logons_only or args.failed:
            raise InvalidParameterError("a query has conditions of its own", "leave the other filters out")
        return {"query": word, "namespace": args.namespace}
    names = frozenset({"LogonFailed"}) if args.failed else LOGON_EVENTS if args.logons_only else None
    is_ecs = args.output == "ecs"
    return {"which": word, "where": logon_filter(host, args), "events": names, "with_sessions": is_ecs}


def _make_writer(host: Host, args: argparse.Namespace) -> "Callable[[HostEvent | Instance], object]":
    """Return the function that prints an event in the format of the command line.

    Raises:
        InvalidParameterError: events have no such format.
    """
    if args.output == "table":
        return _print_line
    if args.output in {"json", "jsonl"}:
        return _print_json
    if args.output == "csv":
        return CsvWriter(is_query=bool(args.which and _QUERY.match(args.which))).write
    if args.output == "ecs":
        from logonscope.faces.cli.event_documents import EcsWriter  # noqa: PLC0415 -- only this format

        return EcsWriter(host.identify_machine()).write
    raise InvalidParameterError(f"cannot print events as {args.output}", "use -o jsonl, csv or ecs")


def _print_line(event: "HostEvent | Instance") -> None:
    if isinstance(event, HostEvent):
        print(event_line(event))
        return
    values = flatten(jsonable(event))
    shown = (f"{name}={value}" for name, value in values.items() if value is not None)
    print(for_terminal(f"{event.cim_class.name} {', '.join(shown)}"))


def _print_json(event: "HostEvent | Instance") -> None:
    values = jsonable(event)
    row = values if isinstance(event, HostEvent) else {"class": event.cim_class.name, **values}
    print(json.dumps(row, ensure_ascii=sys.stdout.isatty()))


class CsvWriter:
    """Prints events as CSV, with the columns of the first one. Beside instances, Lost is a line on the error output."""

    def __init__(self, *, is_query: bool = False) -> None:
        self._is_query = is_query
        self._writer = csv.writer(sys.stdout, lineterminator="\n")
        self._columns: list[str] | None = None

    def write(self, event: "HostEvent | Instance") -> None:
        """Print an event."""
        if self._is_query and isinstance(event, HostEvent):
            count = "an unknown number of" if event.missed is None else event.missed
            print(f"logonscope: {count} events were lost", file=sys.stderr)
            return
        values: Mapping[str, Any] = flatten_event(event) if isinstance(event, HostEvent) else flatten(jsonable(event))
        if self._columns is None:
            self._columns = list(values)
            self._writer.writerow(self._columns)
        cells = ("" if (value := values.get(name)) is None else value for name in self._columns)
        is_terminal = sys.stdout.isatty()
        self._writer.writerow([for_terminal(cell) if is_terminal and isinstance(cell, str) else cell for cell in cells])


def flatten_event(event: HostEvent) -> dict[str, Any]:
    """Return the values of an event that fit into one line for every kind of event."""
    session, process, attempt, change = event.session, event.process, event.attempt, event.change
    return {
        "event": event.event,
        "time": jsonable(event.time),
        "logon_id": session.logon_id if session else process and process.logon_id,
        "user": (process and process.user) or (session and session.user) or (attempt and attempt.user),
        "remote_address": (session and session.remote_address) or (attempt and attempt.remote_address),
        "remote_port": (session and session.remote_port) or (attempt and attempt.remote_port),
        "service": (session and session.service) or (attempt and attempt.service),
        "method": (session and session.authentication_method) or (attempt and attempt.method),
        "key_fingerprint": session and session.key_fingerprint,
        "pid": process and process.pid,
        "name": process and process.name,
        "command_line": process and process.command_line,
        "exit_code": event.exit_code,
        "signal": event.signal,
        "from_user": change and change.from_user,
        "to_user": change and change.to_user,
        "reason": attempt and attempt.reason,
        "missed": event.missed,
        "cursor": event.cursor,
    }


def _is_output_closed() -> bool:
    """Return whether the reader of a pipe has gone: without that, it is noticed only when the next event is written."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(mask & (select.POLLERR | select.POLLHUP) for _, mask in poll.poll(0))
    except (OSError, ValueError, AttributeError):
        return False


def _parse_count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) < 1 << 31):
        raise argparse.ArgumentTypeError(f"invalid count {text!r}: expected a number greater than 0")
    return int(text)


def _parse_duration(text: str) -> float:
    match = _DURATION.fullmatch(text)
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= 366 * 86_400:
        raise argparse.ArgumentTypeError(f"invalid duration {text!r}: expected 30s, 5m, 1h or 1d")
    return seconds
