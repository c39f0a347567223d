"""The history of a running service.

It starts the thread that writes the journal (the keeper) and the thread that passes events to it (the feeder), and
opens the journal again after a failure.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

from logonscope.answers.logon_session import LogonSession
from logonscope.errors import InvalidParameterError, LogonscopeError, RecordingError
from logonscope.facts import Login, Process
from logonscope.journal.cursor_cipher import CursorCipher
from logonscope.journal.event_log import JournalEventLog
from logonscope.journal.feeder import FACTS, Feeder
from logonscope.journal.files import JournalFiles
from logonscope.journal.history import JournalHistory
from logonscope.journal.keeper import COMPARE_SECONDS, JournalFault, Keeper
from logonscope.journal.policy import MIN_BYTES, CommandLines, Policy, parse_keep, parse_size
from logonscope.journal.reader import Reader
from logonscope.machine import NO_FACTS, NO_PARTS, Facts, Look, Owner, Ownership, ProcessQuery, Source
from logonscope.machine.logon_describer import LogonDescriber

_log = logging.getLogger(__name__)

RETRY_SECONDS = 60.0


class HistoryService:
    """Keeps the history while the service runs.

    If the journal cannot be opened, for example because the disk is full or read-only, the service answers without new
    history, and tries to open the journal again every minute.
    """

    def __init__(
        self,
        folder: str,
        direct: Source,
        ownership: Ownership,
        policy: Policy,
        version: str,
        *,
        retry_seconds: float = RETRY_SECONDS,
        compare_seconds: float = COMPARE_SECONDS,
    ) -> None:
        """Open the journal.

        Args:
            folder: the folder of the journal.
            direct: the source that reads the machine itself.
            ownership: the rules that determine owners.
            policy: what is kept.
            version: the version of Logonscope.
            retry_seconds: seconds between two attempts to open the journal.
            compare_seconds: seconds between two comparisons of the processes while the source has no events.

        Raises:
            LogonscopeError: another process writes the files, or they cannot be used for a reason that ``open_writer``
                lists. (Damaged files are no error: they are set aside.)
        """
        self._folder, self._direct, self._ownership, self._policy = folder, direct, ownership, policy
        self._version, self._retry_seconds, self._compare_seconds = version, retry_seconds, compare_seconds
        self._has_events: Callable[[], bool] | None = None
        self._source = direct
        self._keeper: Keeper | None = None
        self._failure = ""
        self._fault: JournalFault | None = None
        self._feeder: Feeder | None = None
        self._stopping = threading.Event()
        self._retry_thread: threading.Thread | None = None
        self._open_keeper()

    def __repr__(self) -> str:
        return f"<HistoryService in {self._folder}>"

    def remembered_logins(self) -> list[Login]:
        """Return the login records of this boot whose logon sessions had not ended when the service stopped."""
        return [] if self._keeper is None else self._keeper.remembered_logins()

    def start(self, source: Source, has_events: Callable[[], bool] | None = None) -> JournalHistory:
        """Keep the events of a source from now on; return the history.

        Args:
            source: has the events.
            has_events: returns whether the source has events now; None: it always has.
        """
        self._source, self._has_events = source, has_events
        history = JournalHistory(self._folder, self._policy.command_lines, self._open_reader, self._problem, self.stop)
        if self._keeper is not None:
            self._begin(self._keeper, history)
        else:
            self._start_retrying(history, self._retry_seconds)
        return history

    def _start_retrying(self, history: JournalHistory, pause: float) -> None:
        self._retry_thread = threading.Thread(target=self._retry, args=(history, pause), name="history", daemon=True)
        self._retry_thread.start()

    def stop(self) -> None:
        """Write what is queued, and close the journal."""
        self._stopping.set()
        if self._retry_thread is not None:
            self._retry_thread.join(30)
        if self._feeder is not None:
            self._feeder.stop()
        if self._keeper is not None:
            self._keeper.stop()

    def _open_keeper(self) -> None:
        """Open the journal. If the disk does not allow this, log the reason, unless the last attempt logged it."""
        try:
            machine = self._direct.machine(Look(), NO_PARTS)
            self._keeper = Keeper(
                self._folder, machine, self._ownership, self._policy,
                account_name=self._account_name, version=self._version, fault=self._fault,
            )  # fmt: skip
        except (OSError, sqlite3.Error) as error:
            failure = f"cannot open {self._folder}: {getattr(error, 'strerror', None) or error}"
            if failure != self._failure:
                _log.error("history: %s; nothing is kept until that is possible", failure)
            self._failure = failure
        else:
            self._failure, self._fault = "", None

    def _begin(self, keeper: Keeper, history: JournalHistory) -> None:
        describer = LogonDescriber(self._source, self._ownership)
        self._feeder = Feeder(self._source, describer, keeper.put)
        # first, so that a process which starts between this and the comparison is seen twice, not missed
        self._feeder.start()
        keeper.start(
            self._read_running, partial(self._describe_logons, describer), self._has_events, self._compare_seconds,
            partial(self._start_retrying, history, 0.0),
        )  # fmt: skip
        # a cursor is valid in this journal only
        cipher = CursorCipher(keeper.writer.cursor_key, keeper.writer.journal_id)
        history.event_log = JournalEventLog(history.lend_reader, cipher, partial(_written_up_to, keeper))

    def _close_faulty(self, keeper: Keeper, history: JournalHistory) -> None:
        """Close a journal that cannot be written any more, or for which the processes could not be read."""
        self._fault = keeper.fault
        self._failure = "" if keeper.fault is None else keeper.fault.reason
        if self._feeder is not None:
            self._feeder.stop()
        self._keeper = None
        keeper.stop()
        history.close_readers()

    def _retry(self, history: JournalHistory, pause: float) -> None:
        if self._keeper is not None:
            self._close_faulty(self._keeper, history)
        while not self._stopping.wait(pause):
            pause = self._retry_seconds
            try:
                self._open_keeper()
            except LogonscopeError as error:
                self._failure = error.message
                _log.error("history: %s; nothing is kept until the service is restarted", error)
                return
            if self._keeper is not None and self._try_to_begin(self._keeper, history):
                _log.info("history: kept from now on in %s", self._folder)
                return

    def _try_to_begin(self, keeper: Keeper, history: JournalHistory) -> bool:
        """Begin to use an open journal; return whether it began. If the processes cannot be read, close the journal."""
        try:
            self._begin(keeper, history)
        except (LogonscopeError, OSError) as error:
            self._close_faulty(keeper, history)
            self._failure = f"cannot read the processes: {error}"
            _log.error("history: %s; nothing is kept until that is possible", self._failure)
            return False
        return True

    def _open_reader(self) -> Reader:
        """Open a reader. If there is no keeper, it reads the journal as an earlier run left it."""
        if self._keeper is not None:
            return self._keeper.open_reader()
        try:
            reader = Reader(JournalFiles(self._folder))
            # the file has no tables if they could not be created because of the failure
            reader.database.execute("SELECT id FROM boot LIMIT 1")
        except (OSError, sqlite3.Error):
            raise RecordingError(f"cannot read the history: {self._failure}", "free the disk, or remount it") from None
        return reader

    def _problem(self) -> str:
        return self._failure if self._keeper is None else self._keeper.state.problem

    def _read_running(self, more_facts: Facts = NO_FACTS) -> list[tuple[Process, Owner]]:
        """Return the processes that run, with their owners."""
        look = Look()
        # the facts that decide the owner are read together with the others: each process is read once
        facts = FACTS | more_facts | self._ownership.owner_facts | self._ownership.access_facts | {"ppid"}
        processes = self._direct.processes(look, ProcessQuery(facts))
        with_start = [process for process in processes if process.start is not None]
        index = self._ownership.index(self._source.logins(look), self._direct.machine(look, NO_PARTS))
        return [(process, index.owner(process)) for process in with_start]

    def _describe_logons(self, describer: LogonDescriber) -> list[tuple[LogonSession, Owner]]:
        """Return the logon sessions that exist, each with its owner."""
        members: dict[str, list[tuple[Process, Owner]]] = {}
        for process, owner in self._read_running(self._ownership.description_facts):
            members.setdefault(owner.logon_id or "", []).append((process, owner))
        members.pop("", None)
        # a description needs all processes: without a login record, the earliest one decides
        described = []
        for pairs in members.values():
            owner = self._ownership.strongest_owner(owner for _, owner in pairs)
            described.append((describer.describe(owner, [process for process, _ in pairs]), owner))
        return described

    def _account_name(self, uid: int) -> str | None:
        account = self._direct.account(Look(), uid)
        return account and account.name


def _written_up_to(keeper: Keeper) -> tuple[int, int]:
    """Return the epoch of a journal, and the position up to which everything is committed; see WrittenUpTo."""
    return keeper.writer.epoch, keeper.written_position


def make_policy(
    keep: Mapping[str, str], size: str, command_lines: str, exclusions: Sequence[str], redactions: Sequence[str]
) -> Policy:
    """Return the policy of the settings ``history_*``.

    Raises:
        InvalidParameterError: a value is invalid.
    """
    try:
        logins_ms, system_ms = parse_keep(keep)
        max_bytes = parse_size(size)
    except ValueError as error:
        raise InvalidParameterError(
            f"invalid span or size {error} for the history", 'write "400 days", "2 GB"'
        ) from None
    if max_bytes < MIN_BYTES:
        raise InvalidParameterError(f"invalid size {size!r} for the history: expected at least 16 MB")
    excluded: dict[str, set[str]] = {"user": set(), "program": set(), "unit": set()}
    for exclusion in exclusions:
        kind, _, name = exclusion.partition(":")
        if kind not in excluded:
            raise InvalidParameterError(f"invalid exclusion {exclusion!r}: expected user:, program: or unit:")
        excluded[kind].add(name)
    defaults = Policy()
    return Policy(
        cast("CommandLines", command_lines), (*defaults.redactions, *redactions), logins_ms, system_ms, max_bytes,
        frozenset(excluded["user"]), frozenset(excluded["program"]), frozenset(excluded["unit"]),
    )  # fmt: skip
