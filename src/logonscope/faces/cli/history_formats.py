"""The history in the formats of other tools: logins, processes or failed logons as events, or as rows of Parquet."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence

from logonscope.answers.history import HistoryFilter, PastFailedLogon, PastLogin, PastProcess
from logonscope.answers.host_event import HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.client import Host
from logonscope.client.history_reports import read_failed_logons
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.columns import ListColumn
from logonscope.faces.cli.event_documents import EVENT_DOCUMENTS, print_document
from logonscope.faces.cli.event_formats import check_options
from logonscope.faces.cli.listing import order_rows
from logonscope.formats.history_events import (
    failed_logon_event,
    login_events,
    past_process,
    past_session,
    process_events,
)
from logonscope.formats.parquet import write_parquet
from logonscope.formats.record import event_record

PRUNE_ROWS = 10_000
"""After so many additions to ``Parents``, processes that ended too early to be parents are removed."""


def print_history(host: Host, args: argparse.Namespace, where: HistoryFilter, columns: Sequence[ListColumn]) -> int:
    """Print logins, processes or failed logons in the format of the command line; return how many there were.

    Raises:
        InvalidParameterError: Sysmon has no event for logons; columns are chosen; or Parquet would be written to a
            terminal.
    """
    check_options(args)
    if args.processes and not args.logons_only:
        return _print_processes(host, args, where)
    if args.output == "sysmon":
        raise InvalidParameterError("Sysmon has no event for logons", "use --processes alone")
    if args.logons_only:
        return _print_failed_logons(host, args, read_failed_logons(host, where))
    logins = host.history(where)
    if args.last:
        logins.reverse()
    return _print_logins(host, args, order_rows(args, logins, columns))


def _print_logins(host: Host, args: argparse.Namespace, logins: Iterable[PastLogin]) -> int:
    if args.output == "parquet":
        return write_parquet(logins, PastLogin, sys.stdout.buffer)
    identity, count = host.identify_machine(), 0
    for count, login in enumerate(logins, 1):  # noqa: B007 -- the count is returned
        _print_events(args, identity._replace(boot_id=login.boot_id), login_events(login))
    return count


def _print_processes(host: Host, args: argparse.Namespace, where: HistoryFilter) -> int:
    processes = host.past_processes(where)
    if args.output == "parquet":
        return write_parquet(processes, PastProcess, sys.stdout.buffer)
    sessions = {login.record: past_session(login) for login in host.history(where)}
    identity, count = host.identify_machine(), 0
    parents = Parents()
    for count, process in enumerate(processes, 1):  # noqa: B007 -- the count is returned
        # None where the login of the process was not recorded
        session = _session_of(process, sessions)
        boot_identity = identity._replace(boot_id=process.boot_id)
        _print_events(args, boot_identity, process_events(process, session), parents.find(process.parent_record))
        parents.add(process, past_process(process, session))
    return count


def _print_failed_logons(host: Host, args: argparse.Namespace, attempts: Iterable[PastFailedLogon]) -> int:
    if args.output == "parquet":
        return write_parquet(attempts, PastFailedLogon, sys.stdout.buffer)
    identity, count = host.identify_machine(), 0
    for count, attempt in enumerate(attempts, 1):  # noqa: B007 -- the count is returned
        _print_events(args, identity._replace(boot_id=attempt.boot_id), iter((failed_logon_event(attempt),)))
    return count


class Parents:
    """Past processes that can still be the parent of a later process, by their records."""

    def __init__(self) -> None:
        self._by_record: dict[str, tuple[PastProcess, SessionProcess]] = {}
        self._limit = PRUNE_ROWS

    def __repr__(self) -> str:
        return f"<Parents: {len(self._by_record)}>"

    def find(self, record: str | None) -> SessionProcess | None:
        """Return the process of a record; None: it is not known."""
        pair = None if record is None else self._by_record.get(record)
        return None if pair is None else pair[1]

    def add(self, process: PastProcess, session_process: SessionProcess) -> None:
        """Add a process; processes must come nearly in the order of their starts, as the history returns them."""
        self._by_record[process.record] = process, session_process
        if len(self._by_record) > self._limit and process.start is not None:
            # a process that ended before this start is hardly ever the parent of a later process
            self._by_record = {
                record: pair
                for record, pair in self._by_record.items()
                if pair[0].end is None or pair[0].end >= process.start
            }
            self._limit = len(self._by_record) + PRUNE_ROWS


def _session_of(process: PastProcess, sessions: dict[str, LogonSession]) -> LogonSession | None:
    return None if process.logon_record is None else sessions.get(process.logon_record)


def _print_events(
    args: argparse.Namespace,
    host: HostIdentity,
    events: Iterator[HostEvent],
    parent: SessionProcess | None = None,
) -> None:
    for event in events:
        print_document(EVENT_DOCUMENTS[args.output](event_record(host, event, parent), event))
