"""Items of the classes about the history: logon sessions, processes, changes, failed logons and changes of user.

Without a history there are no items, and the reason is reported to the request's Look.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from logonscope.answers.history import PastChange, PastFailedLogon, PastLogin, PastProcess, PastUserChange
from logonscope.broker.item_query import ItemQuery
from logonscope.broker.past_records import PastRecords
from logonscope.broker.request import Request
from logonscope.facts import Process
from logonscope.facts.history import LogonRecord
from logonscope.machine import Owner, ProcessQuery, Trouble
from logonscope.machine.history import (
    ChangeRecordQuery,
    FailedLogonQuery,
    History,
    LogonRecordQuery,
    ProcessRecordQuery,
    UserChangeQuery,
)
from logonscope.machine.source import no_history_error
from logonscope.providers.helpers.provider import COMMAND_LINES
from logonscope.wql.ranges import ColumnRange

STARTED, ENDED, CHANGED, NAME, KEY = "started", "ended", "changed", "name", "key"
"""Names of the limits of an ItemQuery: ranges of times, and beginnings of a process name and of an ssh key."""

SLACK = timedelta(milliseconds=20)
"""Tolerance of comparisons of times: the times of rows are rounded."""

SLACK_TICKS = 2
"""Tolerance, in clock ticks, of the comparison of the start of a process with that in its record."""

NO_RANGE = ColumnRange()
NO_LOGIN = PastLogin(
    "", "", None, None, None, None, None, None, None, None, False, None, None, None, None, None, None, None, None,
    None, None, 0, 0, (),
)  # fmt: skip
"""Placeholder for the logon session of a process whose logon session is not known."""


def read_logon_records(request: Request, query: ItemQuery) -> Iterator[tuple[PastLogin]]:
    """Yield past and present logon sessions."""
    history = _history_of(request)
    if history is not None:
        records = PastRecords(request, history)
        yield from ((records.make_login(record),) for record in records.logons(_logon_query(query, records)))


def read_process_records(request: Request, query: ItemQuery) -> Iterator[tuple[PastProcess, PastLogin]]:
    """Yield past and present processes with their logon sessions; NO_LOGIN: the logon session is not known."""
    history = _history_of(request)
    if history is None:
        return
    records = PastRecords(request, history)
    yield from _owned_processes(request, records, _process_query(query, records))


def read_change_records(request: Request, query: ItemQuery) -> Iterator[tuple[PastChange]]:
    """Yield changes of processes."""
    history = _history_of(request)
    if history is not None:
        records = PastRecords(request, history)
        for record, logon in records.changes(_change_query(query, records)):
            yield (records.make_change(record, logon),)


def read_failed_logon_records(request: Request, query: ItemQuery) -> Iterator[tuple[PastFailedLogon]]:
    """Yield failed logons; none for callers other than administrators."""
    history = _history_of(request)
    if history is not None:
        records, time_range = PastRecords(request, history), query.limits.get(CHANGED, NO_RANGE)
        record_query = FailedLogonQuery(
            records.keys.numbers("failed logon", query.selection.records), query.selection.users,
            _time_before(time_range.low), _time_after(time_range.high),
        )  # fmt: skip
        yield from ((records.make_failed_logon(record),) for record in records.failed_logons(record_query))


def read_user_change_records(request: Request, query: ItemQuery) -> Iterator[tuple[PastUserChange]]:
    """Yield changes of user."""
    history = _history_of(request)
    if history is None:
        return
    records, selection = PastRecords(request, history), query.selection
    time_range = query.limits.get(CHANGED, NO_RANGE)
    record_query = UserChangeQuery(
        records.keys.numbers("user change", selection.records),
        records.keys.numbers("process", selection.process_records),
        records.keys.numbers("logon", selection.logon_records),
        _time_before(time_range.low), _time_after(time_range.high),
    )  # fmt: skip
    for record, logon in records.user_changes(record_query):
        yield (records.make_user_change(record, logon),)


def read_changes_of_processes(
    request: Request, query: ItemQuery
) -> Iterator[tuple[PastChange, PastProcess, PastLogin]]:
    """Yield changes, each with the process and the process's logon session, where the caller may see these."""
    history = _history_of(request)
    if history is None:
        return
    records = PastRecords(request, history)
    changes = list(records.changes(_change_query(query, records)))
    process_records = frozenset(record.process_record for record, _ in changes)
    record_query = ProcessRecordQuery(ids=process_records, command_lines=COMMAND_LINES in query.facts)
    processes = {
        process.record: (process, login) for process, login in _owned_processes(request, records, record_query)
    }
    for record, logon in changes:
        process = processes.get(records.keys.key("process", record.process_record))
        if process is not None:
            yield records.make_change(record, logon), *process


def read_present_logon_records(request: Request, query: ItemQuery) -> Iterator[tuple[PastLogin]]:
    """Yield the records of the logon sessions that exist, and that the caller may see."""
    history = _history_of(request)
    if history is None:
        return
    records = PastRecords(request, history)
    boot_id = request.machine.boot_id
    open_records = [
        record
        for record in records.logons(_logon_query(query, records))
        if record.end is None and record.boot_id == boot_id
    ]  # fmt: skip
    # The host is asked whether the logon sessions still exist: the history learns of an end later.
    present = {logon_id for logon_id, _ in request.logon_groups()} if open_records else set()
    yield from ((records.make_login(record),) for record in open_records if record.logon_id in present)


def read_present_process_records(
    request: Request, query: ItemQuery
) -> Iterator[tuple[Process, Owner, PastProcess, PastLogin]]:
    """Yield each running process with its record and its past logon session, where the caller may see these."""
    history = _history_of(request)
    if history is None:
        return
    records = PastRecords(request, history)
    record_query = _process_query(query, records)._replace(is_running=True)
    boot_id = request.machine.boot_id
    past_by_pid = {
        past_process.pid: (start, past_process, login)
        for start, past_process, login in _running_processes(records, record_query, boot_id)
    }  # fmt: skip
    if not past_by_pid:
        return
    facts = (query.facts - {COMMAND_LINES}) | {"start"}
    pids = query.selection.pids if query.selection.pids is not None else frozenset(past_by_pid)
    for process, owner in request.read(ProcessQuery(facts, pids=pids)).pairs:
        recorded_start, past_process, login = past_by_pid.get(process.pid, (None, None, None))
        if past_process is not None and login is not None and _is_near(recorded_start, process.start):
            yield process, owner, past_process, login


def _running_processes(
    records: PastRecords, query: ProcessRecordQuery, boot_id: str | None
) -> Iterator[tuple[int | None, PastProcess, PastLogin]]:
    for record, logon in records.processes(query):
        if record.lasted_ms is None and record.boot_id == boot_id:
            login = NO_LOGIN if logon is None else records.make_login(logon)
            yield record.process.start, records.make_process(record, logon), login


def _is_near(first: int | None, second: int | None) -> bool:
    return first is not None and second is not None and abs(first - second) <= SLACK_TICKS


def _owned_processes(
    request: Request, records: PastRecords, query: ProcessRecordQuery
) -> Iterator[tuple[PastProcess, PastLogin]]:
    logins: dict[int, PastLogin] = {}
    for record, logon in records.processes(query):
        request.look.check()
        yield records.make_process(record, logon), _login_of(records, logon, logins)


def _login_of(records: PastRecords, logon: LogonRecord | None, logins: dict[int, PastLogin]) -> PastLogin:
    if logon is None:
        return NO_LOGIN
    if logon.id not in logins:
        logins[logon.id] = records.make_login(logon)
    return logins[logon.id]


def _history_of(request: Request) -> History | None:
    """Return the history of the host; if there is none, report that as a Trouble."""
    history = request.source.history
    if history is None:
        error = no_history_error(request.source)
        request.look.report(Trouble("history", error.message, str(error.hint or "")))
    return history


def _logon_query(query: ItemQuery, records: PastRecords) -> LogonRecordQuery:
    selection, limits = query.selection, query.limits
    prefix = limits.get(KEY, NO_RANGE).prefix
    return LogonRecordQuery(
        ids=records.keys.numbers("logon", _intersection(selection.records, selection.logon_records)),
        logon_ids=selection.logon_ids,
        users=selection.login_users,
        login_uids=selection.login_uids,
        keys=selection.ssh_keys if selection.ssh_keys is not None or not prefix else frozenset({prefix}),
        since=_earliest(limits),
        until=_latest(limits),
        fold_case=True,
    )


def _process_query(query: ItemQuery, records: PastRecords) -> ProcessRecordQuery:
    selection, limits = query.selection, query.limits
    logon_records = records.keys.numbers("logon", selection.logon_records)
    if selection.names_sessions:
        selected_logons = records.logons(LogonRecordQuery(
            ids=logon_records, logon_ids=selection.logon_ids, users=selection.login_users,
            login_uids=selection.login_uids, fold_case=True,
        ))  # fmt: skip
        logon_records = frozenset(record.id for record in selected_logons)
    start_range = limits.get(STARTED, NO_RANGE)
    return ProcessRecordQuery(
        ids=records.keys.numbers("process", selection.records),
        logon_records=logon_records,
        pids=selection.pids,
        users=selection.process_users,
        names=selection.process_names,
        name_prefix=limits.get(NAME, NO_RANGE).prefix or None,
        since=_time_before(limits.get(ENDED, NO_RANGE).low),
        until=_latest(limits),
        started_since=_time_before(start_range.low),
        command_lines=COMMAND_LINES in query.facts,
    )


def _change_query(query: ItemQuery, records: PastRecords) -> ChangeRecordQuery:
    time_range = query.limits.get(CHANGED, NO_RANGE)
    selection = query.selection
    return ChangeRecordQuery(
        records.keys.numbers("change", selection.records),
        records.keys.numbers("process", selection.process_records),
        _time_before(time_range.low), _time_after(time_range.high), COMMAND_LINES in query.facts,
    )  # fmt: skip


def _earliest(limits: Any) -> datetime | None:
    """Return a time that is not after the end of any matching item; None if the condition gives none."""
    times = [limits.get(name, NO_RANGE).low for name in (STARTED, ENDED)]
    return _time_before(max((time for time in times if time is not None), default=None))


def _latest(limits: Any) -> datetime | None:
    """Return a time that is not before the start of any matching item; None if the condition gives none."""
    times = [limits.get(name, NO_RANGE).high for name in (STARTED, ENDED)]
    return _time_after(min((time for time in times if time is not None), default=None))


def _time_before(time: datetime | None) -> datetime | None:
    return None if time is None else time - SLACK


def _time_after(time: datetime | None) -> datetime | None:
    return None if time is None else time + SLACK


def _intersection(first: frozenset[str] | None, second: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second
