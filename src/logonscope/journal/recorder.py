"""Recorder: turns events into rows of the journal, in memory.

If a process starts, executes a program and ends within one batch, it still has only one row. The recorder holds the row
of each running process, so that hardly any event needs a reading of the database.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Machine, Process
from logonscope.journal import rows
from logonscope.journal.clock import ClockMap, Reading
from logonscope.journal.credentials import Credentials
from logonscope.journal.dictionaries import COMMAND_SPAN, CommandLines, Dictionary
from logonscope.journal.event_codes import EventCodes
from logonscope.journal.login_terminals import LoginTerminals
from logonscope.journal.logon_rows import LogonRows, StoredLogons
from logonscope.journal.policy import Policy, command_line_filter
from logonscope.journal.reports import Reports
from logonscope.journal.rows import (
    CHANGES,
    CLASS,
    COMMAND,
    CREDENTIAL,
    ID,
    LASTED,
    PLACE,
    PROGRAM,
    SOURCE,
    STATUS,
    TICKS,
    Batch,
    Row,
    duration_class,
)
from logonscope.journal.schema import FOUND, SWEPT
from logonscope.machine import Owner, Ownership
from logonscope.machine.events import (
    Event,
    EventsLost,
    LoggedOut,
    LogonEnded,
    LogonFailed,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
    UserChanged,
)

MAX_PLACES = 100_000
"""Number of places in memory beyond which those without a running process are dropped."""

UNREPORTED_MS = 10_000
"""A logon session without a login record is reported by an event only after 2 s. If the logon session ends earlier, no
event reports it, and the recorder ends it so many ms after the end of its last process."""

SLACK_TICKS = 2
"""Clock ticks by which the start of a process may change: a source can estimate it first and read it later."""


State = tuple[int, int | None, int | None, int | None]
"""Place, program, credential and command line of a process."""

Extras = tuple[int | None, int | None, bool | None]
"""Facts in a row of ``place`` that do not decide the owner: terminal, pid namespaces, and whether the root directory is
the host's."""


class StoredState(NamedTuple):
    """What the recorder needs of the database to continue from there."""

    next_seq: int
    boot: int  # id of the row of the boot
    programs: Dictionary
    credentials: Dictionary
    places: Dictionary
    logons: StoredLogons
    alive: list[Row]
    extras: dict[int, Extras]  # by the number of the place
    read_command: Callable[[int], bytes | None]  # reads a command line by its number


class Recorder:
    """Collects rows of events until ``take_batch``."""

    def __init__(
        self,
        state: StoredState,
        machine: Machine,
        ownership: Ownership,
        policy: Policy,
        account_name: Callable[[int], str | None],
    ) -> None:
        self._seq = state.next_seq
        self._first_seq = state.next_seq
        self._boot = state.boot
        self._programs, self._places = state.programs, state.places
        self._credentials = Credentials(state.credentials, machine, ownership, account_name)
        self._logons = LogonRows(state.logons, state.boot, ownership)
        self._commands = CommandLines()
        self._read_command = state.read_command
        self.alive: dict[int, Row] = {row[rows.PID]: row for row in state.alive}
        self._terminals = LoginTerminals(self._logons, machine, self.alive, self._program_of)
        self._tick_ms = 1000 // machine.ticks
        self._policy = policy
        self._reduce_argv = command_line_filter(policy)
        self._reports = Reports(policy)
        self._codes = EventCodes()
        self._account_name = account_name
        self._executed: set[int] = set()  # rows of this batch that have executed a program
        # rows of processes that have executed no program since they were forked, or since they entered a login
        self._without_own_program: set[int] = set()
        self._extras = state.extras
        self.max_places = MAX_PLACES
        self._clock_map = ClockMap()
        self.losses_of_events = 0
        self._ms = 0
        self._start_batch()
        self._handlers: dict[type, Callable[[Any], None]] = {
            ProcessStarted: self._add_start, ProcessChanged: self._add_change, ProcessEnded: self._add_end,
            LogonStarted: self._add_logon, LoggedOut: self._add_logout, LogonEnded: self._add_logon_end,
            EventsLost: self._add_loss, LogonFailed: self._add_failed_logon, UserChanged: self._add_user_change,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<Recorder of {len(self.alive)} running processes, next {self._seq}>"

    def _start_batch(self) -> None:
        self._first_seq = self._seq
        self._rows: list[Row] = []
        self._changes: list[tuple[Any, ...]] = []
        self._changed_ids: list[int] = []
        self._ends: list[tuple[int, int, int | None, int | None, int | None, int]] = []
        self._moments: list[tuple[Any, ...]] = []
        self._losses: list[tuple[Any, ...]] = []
        self._events: array[int] = array("q")
        self._executed.clear()

    @property
    def place_count(self) -> int:
        """Return the number of places in memory."""
        return len(self._extras)

    @property
    def next_seq(self) -> int:
        """Return the next number: that of the next event or other row."""
        return self._seq

    @property
    def position(self) -> int:
        """Return the position of the last event that was added."""
        return self._codes.position

    def skip_to(self, seq: int) -> None:
        """Continue with this number, if it is greater than the next number: other rows have the numbers before it.

        Called between two batches.
        """
        self._seq = self._first_seq = max(self._seq, seq)

    def drop_values(self, deleted: Mapping[str, AbstractSet[int]]) -> None:
        """Forget values whose rows were deleted (by table: their numbers), so that new rows do not use them.

        Called between two batches.
        """
        self._programs.drop(deleted.get("program", frozenset()))
        self._credentials.drop(deleted.get("credential", frozenset()))
        self._places.drop(deleted.get("place", frozenset()))
        self.drop_command_lines(self._seq)

    def drop_command_lines(self, number: int) -> None:
        """Forget command lines with smaller numbers, so that new rows do not use them; called between two batches."""
        self._commands.drop_below(number)

    def add(self, event: Event) -> None:
        """Add an event."""
        # numbers that were taken since the last event belong to rows without an event: ``compare`` adds such rows
        self._codes.add_found(self._events)
        self._ms = event.head.kernel_ns // 1_000_000
        self._handlers[type(event)](event)
        self._codes.add_event(self._events, event.head.position)

    def add_clock(self, reading: Reading) -> None:
        """Add a row to the clock map if one is due, and end unreported logon sessions; called before each batch."""
        self._ms = max(self._ms, reading.ms)
        self._end_unreported()
        step = self._clock_map.step(reading)
        if step is not None:
            self._moments.append((self._take_seq(0), self._boot, reading.ms, reading.wall, reading.utc_offset, *step))

    def _end_unreported(self) -> None:
        due = self._logons.unreported_before(self._ms - UNREPORTED_MS)
        if not due:
            return
        places = {self._current_state(row)[0] for row in self.alive.values()}
        existing = {self._logons.logon_of_place(place) for place in places}
        for number in due:
            if number in existing:
                self._logons.note_process(number, self._ms)
            else:
                self._logons.end_unreported(number, self._take_seq(0))

    def take_batch(self) -> Batch:
        """Return what was collected since the last batch."""
        # _exclude has removed the place of rows of excluded processes. In memory, CHANGES has the state after the last
        # change: the database stores 1
        kept_rows = [(*row[:CHANGES], row[CHANGES] and 1, *row[CLASS:]) for row in self._rows if row[PLACE] is not None]
        batch = Batch(
            self._first_seq, self._seq, self._ms, kept_rows, self._changes, self._changed_ids, self._ends,
            self._programs.take_new_rows(), self._credentials.take_new_rows(), self._commands.take_new_rows(),
            self._places.take_new_rows(), self._logons.take_changed_rows(), self._moments, self._losses,
            *self._reports.take(), self._events, self._codes.take(self._events),
        )  # fmt: skip
        self._start_batch()
        return batch

    def _take_seq(self, event_row: int) -> int:
        """Return the next number. ``event_row`` (8 * row + kind, see rows.py) goes to the event log; 0: no event."""
        seq = self._seq
        self._seq = seq + 1
        self._events.append(event_row)
        return seq

    def _add_start(self, event: ProcessStarted) -> None:
        self._start_process(event.process, event.owner, event.parent, None)

    def _start_process(
        self, process: Process, owner: Owner, parent: tuple[int, int] | None, source: int | None
    ) -> None:
        # without a start, a process cannot be distinguished from a later one with the same pid
        pid, ticks = process.pid, process.start
        if ticks is None:
            return
        earlier = self.alive.get(pid)
        if earlier is not None:
            if abs(earlier[TICKS] - ticks) <= SLACK_TICKS:
                return
            # the end of the earlier process was not seen, and its pid is used again
            self._end_row(earlier, None, SWEPT)
        parent_row = None if parent is None else self.alive.get(parent[0])
        if parent_row is not None and parent is not None and abs(parent_row[TICKS] - parent[1]) > SLACK_TICKS:
            parent_row = None
        # before anything is numbered: no program, user, command line or cgroup of an excluded process is stored
        if self._policy.excludes and self._is_excluded(process):
            return
        program: int | None
        if process.comm is not None or parent_row is None:
            program, credential = self._program_number(process), self._credential_number(process, owner)
            # a new command line takes a number: ``seq`` is read only after it
            command, extras = self._command_number(process), _extras_of(process)
        else:
            # no file of the process was read: it is a copy of its parent until it executes a program
            parent_place, program, credential, parent_command = self._current_state(parent_row)
            command = self._inherited_command(parent_command)
            extras = self._extras.get(parent_place, _extras_of(process))
        seq = self._seq
        row: Row = [
            seq, self._place_number(process, owner, extras), pid, ticks,
            None if parent_row is None else parent_row[ID],
            program, credential, command, None, None, None, None, source, None,
        ]  # fmt: skip
        self._seq = seq + 1
        self._events.append(seq << 3 | rows.STARTED)
        self.alive[pid] = row
        self._rows.append(row)
        if parent_row is not None and program is not None and program == self._program_of(parent_row):
            self._without_own_program.add(seq)
        self._terminals.note(process, row, row[PLACE], extras[0])

    def _is_excluded(self, process: Process) -> bool:
        uid = process.uids[1] if process.uids else None
        user = None if uid is None else self._account_name(uid)
        return self._policy.excludes_process(user, process.exe, process.name or process.comm, process.cgroup)

    def _add_change(self, event: ProcessChanged) -> None:
        process, _ = event.after
        row = self._running_row(process)
        if row is None:
            return
        # as in _start_process, before anything is numbered
        if self._policy.excludes and self._is_excluded(process):
            self._exclude(row)
            return
        current = self._current_state(row)
        state = self._state_after(event, current)
        # many events change nothing that the journal stores
        if state == current:
            return
        self._terminals.note(process, row, state[0], self._extras[state[0]][0])
        # A change becomes part of the row of its process if the row is not written yet, and if the process has executed
        # no program since its start, or one that could not be read in time. A change of the logon session always gets a
        # row of its own, and so do all later changes: the owner must be right at every moment.
        is_new = row[ID] >= self._first_seq and row[CHANGES] is None
        may_fold = is_new and (row[ID] not in self._executed or row[PROGRAM] is None)
        if may_fold and self._is_same_logon(current[0], state[0]):
            if state[1] != row[PROGRAM]:
                self._executed.add(row[ID])
                self._without_own_program.discard(row[ID])
            row[PLACE], row[PROGRAM], row[CREDENTIAL], row[COMMAND] = state
            self._codes.add_folded(row[ID], event.head.position)
            return
        self._add_change_row(row, state)

    def _state_after(self, event: ProcessChanged, current: State) -> State:
        """Return place, program, credential and command line of a process after a change."""
        process, owner = event.after
        if process.comm is not None:
            place, program = self._place_number(process, owner, _extras_of(process)), self._program_number(process)
            return place, program, self._credential_number(process, owner), self._command_number(process)
        # no file of the process was read
        place = self._place_number(process, owner, self._extras.get(current[0], _extras_of(process)))
        before = event.before[0]
        if (before.ses, before.loginuid, before.cgroup) == (process.ses, process.loginuid, process.cgroup):
            return place, None, current[2], None  # it executed a program
        return place, *current[1:]

    def _running_row(self, process: Process) -> Row | None:
        """Return the row of a running process; None where there is none."""
        row = self.alive.get(process.pid)
        if row is None or process.start is None or row[TICKS] == process.start:
            return row
        if abs(row[TICKS] - process.start) > SLACK_TICKS:
            return None
        # the start was an estimate, made from the time of the event
        if row[ID] >= self._first_seq:
            row[TICKS] = process.start
        return row

    def _current_state(self, row: Row) -> State:
        """Return the state of a running process after its last change. In memory, the column CHANGES has this state."""
        return row[CHANGES] or (row[PLACE], row[PROGRAM], row[CREDENTIAL], row[COMMAND])

    def _program_of(self, row: Row) -> int | None:
        return self._current_state(row)[1]

    def _is_same_logon(self, place: int, later_place: int) -> bool:
        return place == later_place or self._logons.logon_of_place(place) == self._logons.logon_of_place(later_place)

    def _add_change_row(self, row: Row, state: State) -> None:
        current = self._current_state(row)
        # lists show the process in this state, not in the state of its row: see listed_states.py
        is_listed = row[PROGRAM] is None and current[1] is None and state[1] is not None
        if self._logons.is_entry(current[0], state[0], is_first_change=row[CHANGES] is None):
            is_listed = True
            self._without_own_program.add(row[ID])
        elif row[ID] in self._without_own_program and state[1] != current[1]:
            is_listed = True
            if state[1] is not None:
                self._without_own_program.discard(row[ID])
        if row[CHANGES] is None and row[ID] < self._first_seq:
            self._changed_ids.append(row[ID])
        row[CHANGES] = state
        seq = self._take_seq(self._seq << 3 | rows.CHANGED)
        place, program, credential, command = state
        self._changes.append((seq, row[ID], self._ms, place, program, credential, command, "1" if is_listed else None))

    def _exclude(self, row: Row) -> None:
        """Stop recording a running process that the policy excludes: drop its row, or end the row if it is written."""
        del self.alive[row[rows.PID]]
        self._without_own_program.discard(row[ID])
        if row[ID] >= self._first_seq:
            row[PLACE] = None
            # a change of the logon session before the process executed the excluded program is dropped, too
            self._changes = [change for change in self._changes if change[1] != row[ID]]
        else:
            self._end_row(row, None, SWEPT)

    def _add_end(self, event: ProcessEnded) -> None:
        row = self._running_row(event.process)
        if row is not None:
            # without a status, the end itself was not seen: the process ended at that time or earlier
            self._end_row(row, event.status, SWEPT if event.status is None else None)

    def _end_row(self, row: Row, status: int | None, source: int | None) -> None:
        self.alive.pop(row[rows.PID], None)
        self._without_own_program.discard(row[ID])
        place = row[CHANGES][0] if row[CHANGES] else row[PLACE]
        self._logons.note_end_of_process(place, self._ms)
        self._reports.note_end(row[rows.PID], (row[TICKS], row[ID], place), self._ms)
        # the clocks of the event and of the start can differ by a tick: a negative difference counts as 0
        lasted = max(self._ms - row[TICKS] * self._tick_ms, 0)
        length_class = duration_class(lasted) if lasted >= 1000 else None
        seq = self._seq
        self._seq = seq + 1
        self._events.append(row[ID] << 3 | rows.PROCESS_ENDED)
        if row[ID] >= self._first_seq:
            row[CLASS], row[LASTED], row[STATUS] = length_class, lasted, status
            row[SOURCE] = (row[SOURCE] or 0) | (source or 0) or None
        else:
            self._ends.append((row[ID], lasted, length_class, status, source, seq))

    def _place_number(self, process: Process, owner: Owner, extras: Extras) -> int:
        login = owner.login
        key = (
            owner.logon_id, owner.evidence, None if login is None else login.scope_inode, process.ses, process.loginuid,
            process.cgroup, extras,
        )  # fmt: skip
        number = self._places.numbers.get(key)
        # a login has few places: the logon session is looked up only when a place is new
        if number is None:
            logon = self._logons.find_or_add(owner, self._seq, self._ms)
            cgroup = None if process.cgroup is None else process.cgroup.encode("utf-8", "surrogateescape")
            number = self._places.add(key, self._seq, (
                logon, owner.evidence, process.ses, process.loginuid, cgroup, *extras,
            ))  # fmt: skip
            self._extras[number] = extras
            self._logons.add_place(number, logon)
            if len(self._extras) > self.max_places:
                self._drop_places_except(number)
        return number

    def _drop_places_except(self, number: int) -> None:
        """Drop places without a running process from memory: nearly each login and container adds a place."""
        kept = {number, *(self._current_state(row)[0] for row in self.alive.values())}
        self._extras = {place: extras for place, extras in self._extras.items() if place in kept}
        self._logons.keep_places(kept)
        self._places.keep(kept)

    def _program_number(self, process: Process) -> int:
        key = (process.exe, process.comm, process.name)
        number = self._programs.numbers.get(key)
        if number is None:
            values = tuple(None if text is None else text.encode("utf-8", "surrogateescape") for text in key)
            number = self._programs.add(key, self._seq, values)
        return number

    def _credential_number(self, process: Process, owner: Owner) -> int | None:
        return self._credentials.number_of(process, owner, self._seq, self._ms)

    def _command_number(self, process: Process) -> int | None:
        if not process.cmdline:
            return None
        argv = self._reduce_argv(process.cmdline)
        return self._number_of_argv(argv) if argv else None

    def _number_of_argv(self, argv: bytes) -> int:
        number = self._commands.find(argv, self._seq)
        if number is None:
            number = self._take_seq(0)
            self._commands.add(argv, number)
        return number

    def _inherited_command(self, number: int | None) -> int | None:
        """Return the number of the command line of a child that has the same command line as its parent."""
        # with an older number, retention would not find that the child uses the command line: see COMMAND_SPAN
        if number is None or self._seq - number < COMMAND_SPAN:
            return number
        argv = self._read_command(number)
        return None if argv is None else self._number_of_argv(argv)

    def _compared_command(self, process: Process, number: int | None) -> int | None:
        """Return ``number`` if it is the number of the command line of a process, or else another number."""
        argv = self._reduce_argv(process.cmdline)
        # in memory (find), or in the database (_read_command)
        if (
            argv
            and number is not None
            and (self._commands.find(argv, number) == number or self._read_command(number) == argv)
        ):
            return number
        return self._command_number(process)

    def _add_logon(self, event: LogonStarted) -> None:
        logon = self._logons.describe(event.session, event.owner, self._seq, self._ms)
        if logon is not None:
            self._take_seq(logon << 3 | rows.LOGON_STARTED)

    def _add_logout(self, event: LoggedOut) -> None:
        logon = self._logons.log_out(event.session, event.owner, self._seq, self._ms)
        if logon is not None:
            self._take_seq(logon << 3 | rows.LOGGED_OUT)

    def _add_logon_end(self, event: LogonEnded) -> None:
        logon = self._logons.end(event.owner, self._seq, self._ms)
        if logon is not None:
            self._take_seq(logon << 3 | rows.LOGON_ENDED)

    def _add_failed_logon(self, event: LogonFailed) -> None:
        if self._reports.excludes_attempt(event.attempt):
            return
        seq = self._take_seq(self._seq << 3 | rows.REPORTED)
        self._reports.add_failed_logon(seq, self._ms, self._logons.find(event.owner), event.attempt)

    def _add_user_change(self, event: UserChanged) -> None:
        process = event.process
        if self._reports.excludes_change(process, event.change):
            return
        # a change of user is reported only when sudo's line in the log was read: the process can have ended by then
        row = self._running_row(process)
        number, place = self._reports.find_ended(process) if row is None else (row[ID], self._current_state(row)[0])
        seq = self._take_seq(self._seq << 3 | rows.REPORTED)
        self._reports.add_user_change(seq, self._ms, (number, place, process.pid), event.change)

    def _add_loss(self, event: EventsLost) -> None:
        self.losses_of_events += 1
        self.add_loss("events lost", event.missed_events)

    def add_loss(self, reason: str, count: int | None, ms_from: int | None = None) -> None:
        """Add a row to ``loss``.

        Args:
            reason: the reason.
            count: the number of lost events; None: not known.
            ms_from: the beginning of the gap, in ms since the boot; None: not known.
        """
        seq = self._take_seq(self._seq << 3 | rows.LOST)
        # the column ``wall`` is not in use
        self._losses.append((seq, reason, count, ms_from, self._ms, None))

    def describe_logons(self, described: Iterable[tuple[LogonSession, Owner]]) -> None:
        """Store what is known of the logon sessions that exist, and end those that do not exist any more."""
        existing = set()
        for session, owner in described:
            number = self._logons.describe(session, owner, self._seq, self._ms)
            existing.add(number)
            if number is not None and self._logons.is_new(number):
                self._take_seq(number << 3 | rows.LOGON_STARTED)
            if session.state == "logged out":
                self._logons.log_out(session, owner, self._seq, self._ms)
        if existing:
            for number in self._logons.end_others(existing, self._seq, self._ms):
                self._take_seq(number << 3 | rows.LOGON_ENDED)

    def compare(self, running: Iterable[tuple[Process, Owner]], ms: int) -> tuple[int, int]:
        """Compare the recorded processes with those that run now, after a time without events or with lost events.

        Processes that have ended get an upper bound as their end, and new ones are marked as FOUND. A process whose
        program, user, command line or logon session differs gets a change.

        Returns:
            how many have ended, and how many are new.
        """
        self._ms = max(self._ms, ms)
        # the pid is enough as a key: two running processes have different pids
        pairs = {process.pid: (process, owner) for process, owner in running}
        gone = [row for pid, row in self.alive.items() if pid not in pairs or not _is_same_process(row, pairs[pid][0])]
        for row in gone:
            self._end_row(row, None, SWEPT)
        count = 0
        # parents first: the row of a child has the number of its parent's row
        for process, owner in sorted(pairs.values(), key=_start_key):
            if process.pid not in self.alive:
                parent_row = self.alive.get(process.ppid or 0)
                parent = None if parent_row is None else (parent_row[rows.PID], parent_row[TICKS])
                self._start_process(process, owner, parent, FOUND)
                # an excluded process is not recorded
                count += process.pid in self.alive
            else:
                self._correct_state(self.alive[process.pid], process, owner)
        return len(gone), count

    def correct(self, running: Iterable[tuple[Process, Owner]], ms: int) -> None:
        """Correct the state of recorded processes after events were lost, while the source still sends events.

        Starts and ends are left to the source, which reads all processes again.
        """
        self._ms = max(self._ms, ms)
        for process, owner in running:
            row = self.alive.get(process.pid)
            if row is not None and _is_same_process(row, process):
                self._correct_state(row, process, owner)

    def _correct_state(self, row: Row, process: Process, owner: Owner) -> None:
        """Add a change if a running process has another state than the recorded one, because its event was lost."""
        # a zombie has no program and no arguments any more; ``unread`` has cmdline if reading the file would block
        is_read = process.comm is not None and process.state != "Z" and "cmdline" not in (process.unread or ())
        if is_read and self._policy.excludes and self._is_excluded(process):
            self._exclude(row)
            return
        current = self._current_state(row)
        state = current
        if is_read:
            program, credential = self._program_number(process), self._credential_number(process, owner)
            state = current[0], program, credential, self._compared_command(process, current[3])
        if owner.logon_id is not None:
            place = self._place_number(process, owner, self._extras.get(current[0], _extras_of(process)))
            if not self._is_same_logon(current[0], place):
                state = place, *state[1:]
        if state != current:
            self._add_change_row(row, state)


def _extras_of(process: Process) -> Extras:
    return process.tty_nr, process.pid_namespaces, process.host_root


def _is_same_process(row: Row, process: Process) -> bool:
    return process.start is not None and abs(row[TICKS] - process.start) <= SLACK_TICKS


def _start_key(pair: tuple[Process, Owner]) -> tuple[int, int]:
    return pair[0].start or 0, pair[0].pid
