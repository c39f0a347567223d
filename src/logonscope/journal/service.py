"""The history of a running service: the keeper, the feeder, and the source of both."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

from logonscope.answers.logon_session import LogonSession
from logonscope.errors import InvalidParameterError
from logonscope.facts import Process
from logonscope.journal.cursor_cipher import CursorCipher
from logonscope.journal.event_log import JournalEventLog
from logonscope.journal.feeder import FACTS, Feeder
from logonscope.journal.history import JournalHistory
from logonscope.journal.keeper import Keeper
from logonscope.journal.policy import CommandLines, Policy, parse_keep, parse_size
from logonscope.machine import NO_FACTS, NO_PARTS, Facts, Look, Owner, Ownership, ProcessQuery, Source
from logonscope.machine.logon_describer import LogonDescriber


class HistoryService:
    """Keeps the history while the service runs."""

    def __init__(self, folder: str, direct: Source, ownership: Ownership, policy: Policy, version: str) -> None:
        """Open the journal.

        Args:
            folder: of the journal.
            direct: reads the machine itself.
            ownership: the rules that determine owners.
            policy: what is kept.
            version: of Logonscope.
        """
        self._folder, self._direct, self._ownership, self._policy = folder, direct, ownership, policy
        self._source = direct
        machine = direct.machine(Look(), NO_PARTS)
        self.keeper = Keeper(folder, machine, ownership, policy, account_name=self._account_name, version=version)
        self._feeder: Feeder | None = None

    def __repr__(self) -> str:
        return f"<HistoryService in {self._folder}>"

    def start(self, source: Source) -> JournalHistory:
        """Keep the events of a source from now on; return the history."""
        self._source = source
        describer = LogonDescriber(source, self._ownership)
        self._feeder = Feeder(source, describer, self.keeper.put)
        # first the events, then the comparison: what starts in between is seen twice, not never
        self._feeder.start()
        self.keeper.start(self._read_running, partial(self._describe_logons, describer))
        history = JournalHistory(
            self._folder, self._policy.command_lines, self.keeper.open_reader, self._problem, self.stop
        )
        history.event_log = self._open_event_log(history)
        return history

    def _open_event_log(self, history: JournalHistory) -> JournalEventLog:
        """Return the event log, whose cursors this journal alone can read."""
        cipher = CursorCipher(self.keeper.writer.cursor_key, self.keeper.writer.journal_id)
        return JournalEventLog(history.lend_reader, cipher, self._log_state)

    def _log_state(self) -> tuple[int, int]:
        return self.keeper.writer.epoch, self.keeper.written_position

    def stop(self) -> None:
        """Write what is queued, and close the journal."""
        if self._feeder is not None:
            self._feeder.stop()
        self.keeper.stop()

    def _problem(self) -> str:
        return self.keeper.state.problem

    def _read_running(self, more_facts: Facts = NO_FACTS) -> list[tuple[Process, Owner]]:
        """Return the processes that run, with their owners."""
        look = Look()
        # what decides the owner is read with the rest: one reading of each process
        facts = FACTS | more_facts | self._ownership.owner_facts | self._ownership.access_facts | {"ppid"}
        processes = [part for part in self._direct.processes(look, ProcessQuery(facts)) if part.start is not None]
        index = self._ownership.index(self._source.logins(look), self._direct.machine(look, NO_PARTS))
        return [(process, index.owner(process)) for process in processes]

    def _describe_logons(self, describer: LogonDescriber) -> list[tuple[LogonSession, Owner]]:
        """Return the logon sessions that exist."""
        members: dict[str, list[tuple[Process, Owner]]] = {}
        for process, owner in self._read_running(self._ownership.description_facts):
            members.setdefault(owner.logon_id or "", []).append((process, owner))
        members.pop("", None)
        # each from all of its processes: one without a record is described by its earliest member
        described = []
        for pairs in members.values():
            owner = self._ownership.strongest_owner(owner for _, owner in pairs)
            described.append((describer.describe(owner, [process for process, _ in pairs]), owner))
        return described

    def _account_name(self, uid: int) -> str | None:
        account = self._direct.account(Look(), uid)
        return account and account.name


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
