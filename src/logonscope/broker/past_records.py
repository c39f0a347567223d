"""Records of the history as far as a caller may see them, and the answers made from them.

A caller that is no administrator sees only its own past logon sessions: those of its uid, if the uid had the same
account name as it has now. It sees the details of a process only if all uids of the process were its own; the same rule
holds for running processes.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import TypeVar

from logonscope.answers.history import (
    PastChange,
    PastFailedLogon,
    PastLogin,
    PastProcess,
    PastProgram,
    PastUserChange,
)
from logonscope.answers.logon_session import LOGON_TYPES
from logonscope.broker.access import owns_past_logon, sees_failed_logons
from logonscope.broker.event_rows import make_attempt, make_changed_user
from logonscope.broker.record_keys import RecordKeys, number_key
from logonscope.broker.request import Request
from logonscope.facts import Machine, Process
from logonscope.facts.history import (
    ChangeRecord,
    FailedLogonRecord,
    LogonRecord,
    ProcessRecord,
    ProgramCount,
    UserChangeRecord,
)
from logonscope.machine.history import (
    ChangeRecordQuery,
    FailedLogonQuery,
    History,
    LogonRecordQuery,
    ProcessRecordQuery,
    UserChangeQuery,
)
from logonscope.machine.identity import logon_guid, process_guid
from logonscope.machine.kernel_numbers import datetime_of_microseconds, split_status
from logonscope.providers.helpers.text import clean, command_line

CHUNK = 1000
"""Number of records whose logon sessions are read together."""

Owned = TypeVar("Owned", bound=ProcessRecord | ChangeRecord | UserChangeRecord)
"""A record that names its logon session."""

OwnedProcess = tuple[ProcessRecord, LogonRecord | None]
OwnedChange = tuple[ChangeRecord, LogonRecord | None]
OwnedUserChange = tuple[UserChangeRecord, LogonRecord | None]
"""Pairs of a record and its logon session; None: the logon session is not known."""


class PastRecords:
    """The records that the caller of a request may see."""

    def __init__(self, request: Request, history: History) -> None:
        self._request, self._history = request, history
        self.keys = RecordKeys(history, shows_numbers=request.caller.administrator)
        self._logons: dict[int, LogonRecord | None] = {}  # by id; None: deleted, or hidden from the caller
        self._machines: dict[str, Machine] = {}

    def __repr__(self) -> str:
        return f"<PastRecords of {self._request.caller.name}>"

    @cached_property
    def _current_account_name(self) -> str | None:
        caller = self._request.caller
        return None if caller.uid is None else self._request.accounts.name(caller.uid)

    def logons(self, query: LogonRecordQuery) -> Iterator[LogonRecord]:
        """Yield logon sessions that the caller may see."""
        caller = self._request.caller
        if not caller.administrator:
            # The caller's uid replaces the uids of the query, so that an index finds the caller's own records. So the
            # calling function must test the login uids itself.
            query = query._replace(login_uids=frozenset(() if caller.uid is None else (caller.uid,)))
        for record in self._history.logons(self._request.look, query):
            if owns_past_logon(caller, self._current_account_name, record.login_uid, record.user):
                yield record

    def processes(self, query: ProcessRecordQuery) -> Iterator[OwnedProcess]:
        """Yield processes, each with its logon session, as far as the caller may see the logon session.

        An administrator also gets processes whose logon session is not known.
        """
        is_narrow = query.ids is not None or query.pids is not None
        if not self._request.caller.administrator and not is_narrow:
            # the query names the caller's own logon sessions, so that an index finds their processes
            own_records = {record.id for record in self.logons(LogonRecordQuery())}
            if query.logon_records is not None:
                own_records &= query.logon_records
            query = query._replace(logon_records=frozenset(own_records))
        return self._with_logons(self._history.processes(self._request.look, query))

    def changes(self, query: ChangeRecordQuery) -> Iterator[OwnedChange]:
        """Yield changes, each with the logon session of the process after the change; access as in ``processes``."""
        return self._with_logons(self._history.changes(self._request.look, query))

    def user_changes(self, query: UserChangeQuery) -> Iterator[OwnedUserChange]:
        """Yield changes of user, each with its logon session; access as in ``processes``."""
        return self._with_logons(self._history.user_changes(self._request.look, query))

    def failed_logons(self, query: FailedLogonQuery) -> Iterator[FailedLogonRecord]:
        """Yield failed logons; none for callers other than administrators."""
        if sees_failed_logons(self._request.caller):
            yield from self._history.failed_logons(self._request.look, query)

    def _with_logons(self, records: Iterator[Owned]) -> Iterator[tuple[Owned, LogonRecord | None]]:
        is_administrator = self._request.caller.administrator
        while chunk := [*islice(records, CHUNK)]:
            self._read_logons({record.logon_record for record in chunk if record.logon_record is not None})
            for record in chunk:
                logon = None if record.logon_record is None else self._logons[record.logon_record]
                if logon is not None or (is_administrator and record.logon_record is None):
                    yield record, logon

    def _read_logons(self, numbers: set[int]) -> None:
        missing_numbers = numbers.difference(self._logons)
        if missing_numbers:
            self._logons.update(dict.fromkeys(missing_numbers))
            visible_logons = self.logons(LogonRecordQuery(ids=frozenset(missing_numbers)))
            self._logons.update({record.id: record for record in visible_logons})

    def make_login(self, record: LogonRecord, programs: Iterable[ProgramCount] = ()) -> PastLogin:
        """Return a logon session with the programs that it ran."""
        past_programs = tuple(map(_make_program, programs))
        start, logout, end = map(datetime_of_microseconds, (record.start, record.logout, record.end))
        return PastLogin(
            self.keys.key("logon", record.id), record.logon_id,
            logon_guid(self._machine(record.boot_id), record.logon_id, record.generation), clean(record.user),
            record.login_uid, record.logon_type,
            None if record.logon_type is None else LOGON_TYPES.get(record.logon_type), start, logout, end,
            record.end_is_approximate, clean(record.service), clean(record.tty), clean(record.seat),
            clean(record.login), clean(record.remote_host),
            clean(record.remote_address), record.remote_port, clean(record.method), clean(record.key_type),
            clean(record.key), sum(program.runs for program in past_programs),
            sum(program.failed for program in past_programs), past_programs, record.boot_id,
        )  # fmt: skip

    def visible_programs(self, programs: Iterable[ProgramCount]) -> list[ProgramCount]:
        """Return programs as the caller may see them.

        The counts include processes of other users in the logon session, whose name and path only an administrator may
        see. So other callers get only the kernel's short name (comm) of each program.
        """
        if self._request.caller.administrator:
            return list(programs)
        count_by_comm: dict[str | None, ProgramCount] = {}
        for program in programs:
            count, sum_before = program._replace(name=program.comm, executable=None), count_by_comm.get(program.comm)
            count_by_comm[program.comm] = count if sum_before is None else _add_counts(sum_before, count)
        return sorted(count_by_comm.values(), key=most_runs_first)

    def make_process(self, record: ProcessRecord, logon: LogonRecord | None) -> PastProcess:
        """Return the answer for a process, with the values that the caller may see."""
        process, (code, signal) = self.masked(record.process), split_status(record.status)
        start, end = map(datetime_of_microseconds, (record.start, record.end))
        return PastProcess(
            self.keys.key("process", record.id), self.keys.key("process", record.parent_record),
            self.keys.key("logon", record.logon_record), logon and logon.logon_id,
            process_guid(self._machine(record.boot_id), process), process.pid, process.ppid,
            clean(process.name or process.comm), clean(process.exe), command_line(process.cmdline), clean(record.user),
            process.uids and process.uids[1], start, record.start_is_approximate, end,
            record.end_is_approximate, None if record.lasted_ms is None else record.lasted_ms / 1000,
            code, signal, record.boot_id,
        )  # fmt: skip

    def make_change(self, record: ChangeRecord, logon: LogonRecord | None) -> PastChange:
        """Return the answer for a change, with the values of the process after the change that the caller may see."""
        process = self.masked(record.process)
        # as in make_user_change, only administrators get the command: it is the command line of another user's process
        sudo = clean(record.sudo) if self._request.caller.administrator else None
        return PastChange(
            self.keys.key("change", record.id), self.keys.key("process", record.process_record),
            self.keys.key("logon", record.logon_record), logon and logon.logon_id,
            datetime_of_microseconds(record.time), process.pid, clean(process.name or process.comm), clean(process.exe),
            command_line(process.cmdline), clean(record.user), process.uids and process.uids[1], sudo,
        )  # fmt: skip

    @staticmethod
    def make_failed_logon(record: FailedLogonRecord) -> PastFailedLogon:
        """Return a failed logon."""
        attempt = make_attempt(record.attempt)
        return PastFailedLogon(
            number_key(record.id), datetime_of_microseconds(record.time), **attempt._asdict(), boot_id=record.boot_id
        )

    def make_user_change(self, record: UserChangeRecord, logon: LogonRecord | None) -> PastUserChange:
        """Return a change of user; only administrators get the command line, which is another user's."""
        change = make_changed_user(record.change)
        if not self._request.caller.administrator:
            change = change._replace(command=None)
        return PastUserChange(
            self.keys.key("user change", record.id), self.keys.key("process", record.process_record),
            self.keys.key("logon", record.logon_record), logon and logon.logon_id,
            datetime_of_microseconds(record.time), record.pid, **change._asdict(), boot_id=record.boot_id,
        )  # fmt: skip

    def masked(self, process: Process) -> Process:
        """Return a process as the caller may see it.

        Unless all of its uids were the caller's, only administrators get its full name, path and command line. Other
        callers get the short name (comm).
        """
        caller = self._request.caller
        if caller.administrator or self._request.ownership.runs_as(process, caller.uid, wholly=True):
            return process
        return process._replace(name=process.comm, exe=None, cmdline=None)

    def _machine(self, boot_id: str) -> Machine:
        if boot_id not in self._machines:
            self._machines[boot_id] = self._request.machine._replace(boot_id=boot_id)
        return self._machines[boot_id]


def _add_counts(count: ProgramCount, added_count: ProgramCount) -> ProgramCount:
    first_starts = [time for time in (count.first, added_count.first) if time is not None]
    last_starts = [time for time in (count.last, added_count.last) if time is not None]
    return count._replace(
        runs=count.runs + added_count.runs, failed=count.failed + added_count.failed,
        first=min(first_starts, default=None), last=max(last_starts, default=None),
    )  # fmt: skip


def most_runs_first(program: ProgramCount) -> tuple[int, str]:
    """Return the key that sorts programs by their number of runs, the highest first, then by name."""
    return -program.runs, str(program.name)


def _make_program(count: ProgramCount) -> PastProgram:
    first, last = map(datetime_of_microseconds, (count.first, count.last))
    return PastProgram(clean(count.name), clean(count.executable), count.runs, count.failed, first, last)
