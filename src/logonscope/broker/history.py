"""The history operations: read past logins and processes, as far as the caller may see them; verify; forget a user.

A caller that is no administrator sees only its own past logon sessions: those of its uid, if the account name of the
uid was the same then. As with running processes, it sees the details of a process only if all uids were its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from logonscope.answers.history import NO_HISTORY_FILTER, HistoryFilter, PastLogin, PastProcess
from logonscope.broker.access import check_may_act
from logonscope.broker.past_records import PastRecords, most_runs_first
from logonscope.broker.request import Request
from logonscope.broker.session_selector import MAX_DIGITS, numbers_among
from logonscope.errors import AccessDeniedError, Hint, HintCode, InvalidParameterError
from logonscope.facts.history import LogonRecord, ProcessRecord, ProgramCount
from logonscope.machine.history import Forgotten, History, LogonRecordQuery, ProcessRecordQuery, Verification
from logonscope.machine.source import no_history_error

_PREFIXED = re.compile(r"(user|pid|name):(.+)")

MAX_SHOWN = 20
"""Maximum number of characters of an invalid pid that a message shows."""


class WordSelection(NamedTuple):
    """The logins or processes that the word of a history filter selects; all fields None: every login."""

    logon_ids: frozenset[str] | None = None
    users: frozenset[str] | None = None
    uids: frozenset[int] | None = None
    pids: frozenset[int] | None = None
    names: frozenset[str] | None = None

    @property
    def names_processes(self) -> bool:
        """Return whether it selects processes, not logins."""
        return self.pids is not None or self.names is not None


def history_of(request: Request) -> History:
    """Return the history of the host.

    Raises:
        AccessDeniedError: the caller is not authenticated.
        NotSupportedError: no history of the host is kept, or this process cannot read it.
    """
    request.admit()
    if request.source.history is None:
        raise no_history_error(request.source)
    return request.source.history


def history(request: Request, where: HistoryFilter = NO_HISTORY_FILTER) -> list[PastLogin]:
    """Return past and present logins, each with its programs and how often they ran, in the order of their records.

    Raises:
        InvalidParameterError: the word of the filter is invalid.
        AccessDeniedError, NotSupportedError: as ``history_of``.
    """
    past = history_of(request)
    records = PastRecords(request, past)
    selection = _parse_word(request, records, where.word)
    logons = _visible_logons(request, records, where, selection)
    if selection.names_processes or where.failed:
        processes = _process_records(request, past, [record.id for record in logons], where, selection)
        selected_processes = (process for process in processes if process.status or not where.failed)
        return list(_logins_of_processes(records, logons, selected_processes))
    programs = past.programs(request.look, [record.id for record in logons])
    return [
        records.make_login(record, records.visible_programs(programs.get(record.id, ())))
        for record in logons
        # A logon record without user and processes is left out: its processes were assigned to another logon session a
        # moment after they started.
        if record.login_uid is not None or record.user is not None or record.id in programs
    ]


def past_processes(request: Request, where: HistoryFilter = NO_HISTORY_FILTER) -> Iterator[PastProcess]:
    """Yield past and present processes with exit status and duration, nearly in the order of their starts.

    The errors are those of ``history``.
    """
    past = history_of(request)
    records = PastRecords(request, past)
    selection = _parse_word(request, records, where.word)
    by_id = {record.id: record for record in _visible_logons(request, records, where, selection)}
    for record in _process_records(request, past, by_id.keys(), where, selection):
        logon = by_id.get(record.logon_record or 0)
        # A process that ended at once may have no known logon session: only administrators may see such a process.
        is_unowned = record.logon_record is None and selection.names_processes and request.caller.administrator
        if logon is not None or is_unowned:
            process = records.make_process(record, logon)
            if process.is_failed or not where.failed:
                yield process


def verify_history(request: Request) -> Verification:
    """Verify the hash chain of the history.

    Raises:
        AccessDeniedError: the caller is not an administrator.
        NotSupportedError: as ``history_of``.
    """
    _check_administrator(request, "verify the history")
    return history_of(request).verify()


def forget_user(request: Request, user: str) -> Forgotten:
    """Delete the past logins of a user, and what they ran.

    Raises:
        AccessDeniedError: the caller is not an administrator, or may only read.
        NotSupportedError: as ``history_of``.
    """
    _check_administrator(request, "delete from the history")
    check_may_act(request.caller)
    return history_of(request).forget(user, request.caller.uid)


def _check_administrator(request: Request, action: str) -> None:
    # Called before ``history_of``: a caller without the right must get this error, not the error that this process
    # cannot read the files of the history.
    request.admit()
    if not request.caller.administrator:
        raise AccessDeniedError(f"only an administrator may {action}", Hint(HintCode.GET_RIGHTS))


def _parse_word(request: Request, records: PastRecords, word: str | None) -> WordSelection:
    """Parse the word of a history filter.

    A prefix "user:", "pid:" or "name:" with a text after it says what the word is. Without a prefix, it is the first of
    these that it can be: a LogonId of the history; a pid, which is a number of at most MAX_DIGITS digits; a user of the
    history; the name of a process.

    Raises:
        InvalidParameterError: the text after "pid:" is not a number of at most MAX_DIGITS digits.
    """
    if word is None:
        return WordSelection()
    match = _PREFIXED.fullmatch(word)
    prefix, text = match.groups() if match else ("", word)
    if prefix == "user":
        return _user_selection(text)
    if prefix == "pid":
        pids = numbers_among([text])
        if not pids:
            reason = f"invalid pid {text[:MAX_SHOWN]!r}: expected a number of at most {MAX_DIGITS} digits"
            raise InvalidParameterError(reason, "to select processes by name, give name:NAME")
        return WordSelection(pids=pids)
    if prefix == "name":
        return WordSelection(names=frozenset({text}))
    logon_id = request.ownership.parse_logon_id(text)
    # A word is a LogonId or a user only if the caller may see a record of it. Otherwise the answer would reveal past
    # logins of other users.
    by_logon_id = LogonRecordQuery(logon_ids=frozenset() if logon_id is None else frozenset({logon_id}))
    if logon_id is not None and any(record.logon_id == logon_id for record in records.logons(by_logon_id)):
        return WordSelection(logon_ids=frozenset({logon_id}))
    if pids := numbers_among([text]):
        return WordSelection(pids=pids)
    user_selection = _user_selection(text)
    by_user = LogonRecordQuery(users=user_selection.users, login_uids=user_selection.uids)
    if any(record.user == text for record in records.logons(by_user)):
        return user_selection
    return WordSelection(names=frozenset({text}))


def _user_selection(text: str) -> WordSelection:
    uids = numbers_among([text])
    return WordSelection(uids=uids) if uids else WordSelection(users=frozenset({text}))


def _visible_logons(
    request: Request, records: PastRecords, where: HistoryFilter, selection: WordSelection
) -> list[LogonRecord]:
    """Return the selected logon sessions that the caller may see."""
    query = LogonRecordQuery(
        logon_ids=selection.logon_ids, users=selection.users, login_uids=selection.uids, keys=where.keys,
        since=where.since, until=where.until,
    )  # fmt: skip
    system_id = request.ownership.system_owner.logon_id
    wants_system = selection.names_processes or (selection.logon_ids is not None and system_id in selection.logon_ids)
    return [
        record
        for record in records.logons(query)
        if (wants_system or record.logon_id != system_id)
        and (selection.uids is None or record.login_uid in selection.uids)
        and where.may_come_from(record.remote_host, record.remote_address)
    ]


def _process_records(
    request: Request, past: History, logons: Iterable[int], where: HistoryFilter, selection: WordSelection
) -> Iterator[ProcessRecord]:
    """Yield the processes of the selected logins; if the word selects processes, yield these processes of any login."""
    # processes are found faster by pid or name than by logon session
    is_narrow = selection.names_processes
    query = ProcessRecordQuery(
        logon_records=None if is_narrow else frozenset(logons), pids=selection.pids, names=selection.names,
        since=where.since, until=where.until,
    )  # fmt: skip
    return past.processes(request.look, query)


def _logins_of_processes(
    records: PastRecords, logons: Sequence[LogonRecord], processes: Iterable[ProcessRecord]
) -> Iterator[PastLogin]:
    """Yield the logins that ran the given processes, each with the programs of these processes only."""
    counts: dict[int, dict[tuple[str | None, str | None], list[ProcessRecord]]] = {}
    for process in processes:
        masked_process = records.masked(process.process)
        key = masked_process.name or masked_process.comm, masked_process.exe
        counts.setdefault(process.logon_record or 0, {}).setdefault(key, []).append(process)
    for record in logons:
        if record.id in counts:
            programs = [_count_runs(name, exe, runs) for (name, exe), runs in counts[record.id].items()]
            yield records.make_login(record, sorted(programs, key=most_runs_first))


def _count_runs(name: str | None, executable: str | None, runs: Sequence[ProcessRecord]) -> ProgramCount:
    # the first and the last record need not have the first and the last start: the record of a process that was found
    # running after a gap can come after the records of processes that started later
    starts = [run.start for run in runs if run.start is not None]
    failed = sum(bool(run.status) for run in runs)
    return ProgramCount(name, executable, len(runs), failed, min(starts, default=None), max(starts, default=None))
