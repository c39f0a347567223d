"""Output of ``sessions``, ``ps``, ``whose`` and ``leftovers`` for other tools.

In ECS, OCSF, OpenTelemetry and Sysmon, each row is a JSON object on a line of its own. It is an event, which reports
that the logon session or the process exists. Parquet is a table.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any

from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.answers.whose import Whose
from logonscope.client import Host
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.exit_codes import FOUND, NOTHING_FOUND
from logonscope.faces.cli.listing import order_rows
from logonscope.faces.cli.messages import print_notice
from logonscope.faces.cli.parser import command_module
from logonscope.faces.cli.selector import logon_filter, no_match_message
from logonscope.formats.ecs import ecs_document
from logonscope.formats.ocsf import ocsf_event
from logonscope.formats.otel import otel_request
from logonscope.formats.parquet import write_parquet
from logonscope.formats.record import Record
from logonscope.formats.sysmon import sysmon_event

DOCUMENT_MAKERS: Mapping[str, Callable[[Record], dict[str, Any]]] = {
    "ecs": ecs_document, "ocsf": ocsf_event, "otel": otel_request, "sysmon": sysmon_event,
}  # fmt: skip


def print_records(host: Host, args: argparse.Namespace) -> int:
    """Print what a command lists in the format of another tool; return the exit code.

    Raises:
        InvalidParameterError: the format has no event for what the command lists; columns are chosen; or Parquet would
            be written to a terminal.
    """
    if getattr(args, "services", False):
        raise InvalidParameterError(f"cannot print services as {args.output}", "use -o json, jsonl or csv")
    check_options(args)
    if args.output == "sysmon" and args.command == "sessions":
        raise InvalidParameterError("Sysmon has no event for logon sessions", "use ps: each process has its LogonGuid")
    base = Record(host.identify_machine(), host.moment, None)
    if args.command == "whose":
        from logonscope.faces.cli.whose import find_answers  # noqa: PLC0415 -- only this command

        by_target, code = find_answers(host, args)
        _write_records(args, _whose_records([answer for answers in by_target for answer in answers], base))
        return code
    module = command_module(args.command)
    if _write_records(args, order_rows(args, _listed_records(host, args, base), module.COLUMNS, _row_of)):
        return FOUND
    print_notice(args, getattr(module, "empty_message", no_match_message)(host, args))
    return NOTHING_FOUND


def check_options(args: argparse.Namespace) -> None:
    """Check the options of a format before anything is read.

    Raises:
        InvalidParameterError: columns are chosen, or Parquet would be written to a terminal.
    """
    if getattr(args, "columns", None) is not None:
        raise InvalidParameterError(
            f"cannot choose columns of {args.output}: it has its own names", "leave out --columns, or use -o jsonl"
        )
    if args.output == "parquet" and sys.stdout.isatty():
        raise InvalidParameterError("cannot print Parquet on a terminal", "redirect the output to a file")


def _write_records(args: argparse.Namespace, records: Iterable[Record]) -> int:
    """Write records to standard output; return their number."""
    if args.output == "parquet":
        # a Parquet file has the columns of one type of row
        if args.command == "sessions":
            return write_parquet((record.session for record in records), LogonSession, sys.stdout.buffer)
        return write_parquet((record.process for record in records), SessionProcess, sys.stdout.buffer)
    make_document, count = DOCUMENT_MAKERS[args.output], 0
    for count, record in enumerate(records, 1):  # noqa: B007 -- the count is returned
        print(json.dumps(make_document(record), ensure_ascii=sys.stdout.isatty()))
    return count


def _listed_records(host: Host, args: argparse.Namespace, base: Record) -> list[Record]:
    """Return the logon sessions of ``sessions``; or the processes of ``ps`` or ``leftovers``, sorted by pid."""
    records = _tree_records(host, args, base)
    if args.command == "sessions":
        return [record for record in records if record.process is None]
    processes = [
        (record.process.pid, record)
        for record in records
        if record.process is not None and (args.command == "ps" or record.process.leftover is True)
    ]
    return [record for _, record in sorted(processes, key=itemgetter(0))]


def _row_of(record: Record) -> LogonSession | SessionProcess | None:
    return record.process or record.session


def _whose_records(answers: Iterable[Whose], base: Record) -> Iterator[Record]:
    for answer in answers:
        by_pid = {process.pid: process for process in answer.chain}
        leader, parent = by_pid.get(answer.session.leader or 0), by_pid.get(answer.process.ppid or 0)
        yield base._replace(session=answer.session, process=answer.process, parent=parent, leader=leader)


def _tree_records(host: Host, args: argparse.Namespace, base: Record) -> Iterator[Record]:
    """Yield each logon session, and each process with its logon session, parent and leader."""
    where = logon_filter(host, args)
    # A parent may be in another logon session, so all processes are read before the first record.
    trees = host.tree(args.which, where)
    by_pid = {process.pid: process for tree in trees for process in tree.processes}
    detailed_sessions = _sessions_with_details(host, args, where)
    for tree in trees:
        session = tree.session and detailed_sessions.get(tree.session.logon_id, tree.session)
        leader = None if session is None else by_pid.get(session.leader or 0)
        if session is not None:
            yield base._replace(session=session, leader=leader)
        for process in tree.processes:
            parent = by_pid.get(process.ppid or 0)
            yield base._replace(session=session, process=process, parent=parent, leader=leader)


def _sessions_with_details(host: Host, args: argparse.Namespace, where: LogonFilter | None) -> dict[str, LogonSession]:
    """Return the logon sessions by LogonId, if the command line asks for more than a tree has; else an empty dict."""
    if args.command != "sessions":
        return {}
    from logonscope.faces.cli.sessions import details_of  # noqa: PLC0415 -- only this command

    details = details_of(args)
    if not details:
        return {}
    return {session.logon_id: session for session in host.sessions(args.which, where, details)}
