"""Index of processes, kept up to date by kernel events. It reads the machine only through a ProcessReader.

A child begins in the "place" of its parent: the same kernel id, login uid and cgroup. If that is in doubt, the child
is read; if it has ended already, its logon is mostly not known (_facts_of_forker). In doubt are the children of

- a thread that wrote its login uid, or a process that was moved to another cgroup: the children forked in the batch
  with the write or move, and those forked before the end of that batch, but reported only in the next batch;
- a process with a child in another logon session or cgroup: that child can fork its own siblings (CLONE_PARENT);
- a process whose threads have different login uids, except the children that its first thread forked;
- a service manager, which starts children in other cgroups (CLONE_INTO_CGROUP), and process 1;
- a process whose own logon is not known;
- every process, while writes are not seen, and after events were lost until all processes have been read.

A child whose reading hangs is treated like a child that has ended, and is read again later.
"""

import time
from collections.abc import Callable, Collection, Iterable

from logonscope.facts import UNSET
from logonscope.sources.live.doubt import (
    MANAGER,
    MAX_CHAIN_LENGTH,
    MIXED,
    UNKNOWN,
    change_doubt,
    count_in_parent,
    count_relatives,
    differing_ancestors,
    differs_from,
)
from logonscope.sources.live.entries import (
    SLACK_TICKS,
    Change,
    Counts,
    Entry,
    OwnerFacts,
    ProcessReader,
    ReadFacts,
    Reading,
    State,
    Unread,
    is_same,
    new_change,
    state_of,
)
from logonscope.sources.live.outlived import END_NOT_SEEN, OutlivedThreads
from logonscope.sources.live.places import Children, Places
from logonscope.sources.live.records import EXEC, EXIT, FORK, UID, Batch, LoginWrite, Record, Writes
from logonscope.sources.live.users import UserTracker

_NOT_KNOWN = None, None, None


class LiveIndex:
    """The processes of a machine by pid, by parent and by kernel id."""

    def __init__(
        self,
        reader: ProcessReader,
        is_login_cgroup: Callable[[str], bool],
        tick_ns: int = 10_000_000,
        *,
        sees_writes: bool = True,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Make an empty index.

        Args:
            reader: reads single processes.
            is_login_cgroup: returns whether a cgroup belongs to a login.
            tick_ns: nanoseconds of a clock tick.
            sees_writes: batches have writes to login uids and cgroups; if not, each event but an end causes a reading.
            clock: returns the monotonic clock in nanoseconds.
        """
        self.entries: dict[int, Entry] = {}
        self.places, self.counts = Places(), Counts()
        self.report: Callable[[Change], object] | None = None
        self.users, self.outlived = UserTracker(reader), OutlivedThreads(reader, clock)
        self._reader, self._is_login_cgroup = reader, is_login_cgroup
        self._tick_ns, self._sees_writes, self._clock = tick_ns, sees_writes, clock
        self._offset = 0  # nanoseconds by which the clock since boot is ahead of the monotonic clock
        self._children = Children()
        self._written: dict[int, int] = {}  # thread that wrote, or process that was moved -> end of that batch
        # processes whose new children are in doubt: since this batch; since the last batch
        self._suspects, self._old_suspects = set[int](), set[int]()
        self._end_of_last_batch, self._last_reading_end = 0, 0
        self._ended, self._zombies = list[Entry](), list[Entry]()  # ended in this batch; ended before, but not reaped
        # processes whose parents must be read again; processes of this batch that got the place of their parents
        self._orphans, self._new = set[int](), list[Entry]()
        # pid that was read in this batch -> the moment after the reading; negative: a zombie was read
        self._reading_ends: dict[int, int] = {}
        self._old_reading_ends: dict[int, int] = {}  # as _reading_ends, for the last batch
        self._is_partial, self._first_ns = False, 0  # was the last batch partial; moment of this batch's first event
        self._moves: frozenset[str] = frozenset()  # cgroups to which processes were moved in this batch
        self._distrusted_until = 0  # forks before this moment are in doubt
        self.unread = set[int]()  # processes to read again because a reading hung; some are not in the index
        self.needs_rescan = True  # events were lost, or none were seen yet: all processes must be read again

    def __repr__(self) -> str:
        return f"<LiveIndex of {len(self.entries)} processes>"

    def apply(self, batch: Batch, read_late_writes: Callable[[], Writes] | None = None) -> None:
        """Apply the events of a batch.

        Args:
            batch: the events.
            read_late_writes: returns the writes since the batch was read. A process that is read while the batch is
                applied may show a late write already, which its children do not have if it forked them before.
        """
        if not batch.is_empty:
            self._offset = batch.boot_offset
        elif not self._is_partial and not self.outlived.has_due and not self._has_silent_change():
            return  # nothing has changed; what is in doubt stays in doubt
        if not self._is_partial:
            self._old_reading_ends, self._reading_ends = self._reading_ends, {}
        if batch.lost or batch.writes.are_lost:
            self.counts.lost_events += batch.lost
            self.counts.losses += 1
            self.needs_rescan = True
        self._first_ns = batch.records[0][1] if batch.records else 0
        self._moves = batch.writes.moves
        # the threads that wrote must be known before the forks are applied; what they wrote is read at the end
        self._suspect_writers(batch.writes, is_new_batch=not self._is_partial)
        self._is_partial = batch.is_partial
        self._apply_records(batch.records)
        late_writes = batch.writes if read_late_writes is None else read_late_writes()
        are_late = late_writes is not batch.writes
        if are_late:
            self.needs_rescan |= late_writes.are_lost
            self._correct_children(late_writes)
            self._suspect_writers(late_writes, is_new_batch=False)
        for writes in (batch.writes, late_writes) if are_late else (batch.writes,):
            for write in writes.logins:
                self._read_writer(write, writes.until)
            for cgroup in writes.moves:
                self._read_moved(cgroup, writes.until)
        self._finish(late_writes.until, is_partial=batch.is_partial)

    def rescan(self) -> int:
        """Read all processes again and mend every difference; return the number of differences."""
        pids = list(self._reader.pids())
        differences = self._mend(self._reader.read_each([*pids, *set(self.entries).difference(pids)]))
        self._distrusted_until = self._clock()  # the next events may be older than what was read
        self._reading_ends, self._old_reading_ends = {}, {}
        self.needs_rescan = False
        return differences

    def differing(self, pids: Iterable[int]) -> list[int]:
        """Return the processes that differ from /proc; an event that is still to come may explain a difference."""
        return [pid for pid in pids if differs_from(self.entries.get(pid), self._reader.read(pid))]

    def mend(self, pids: Iterable[int]) -> int:
        """Read processes again and correct the index; return how many were wrong in it."""
        return self._mend((pid, self._reader.read(pid)) for pid in pids)

    def read_unread(self, maximum: int) -> None:
        """Read again some processes whose reading hung; events report the ends of those that are gone."""
        pids = {self.unread.pop() for _ in range(min(maximum, len(self.unread)))}
        self.mend(self._reader.existing(pids) & pids)

    def _mend(self, readings: Iterable[tuple[int, Reading]]) -> int:
        """Correct the index by what was read; return how many processes were wrong in it."""
        differences = 0
        for pid, facts in readings:
            entry, self._last_reading_end = self.entries.get(pid), self._clock()
            if isinstance(facts, Unread):
                self.unread.add(pid)
                if entry is not None and self.needs_rescan:  # the pid can be that of a later process
                    self._set_owner_facts(entry, _NOT_KNOWN, 0)
            if isinstance(facts, Unread) or not differs_from(entry, facts):
                continue
            differences += 1
            if entry is not None and (facts is None or not is_same(entry, facts)):
                # its last events are missing, and a login may have been among them
                self._set_owner_facts(entry, _NOT_KNOWN, 0)
                self._drop(entry, 0)
            if facts is None:
                continue
            if entry is None or not is_same(entry, facts):
                self._add_read(pid, facts, 0)
            else:
                entry.start = facts.start
                self._set_parent(entry, facts.parent)
                self._set_owner_facts(entry, facts.owner_facts, 0)
                self._note_manager(entry, facts)
            if facts.is_zombie and not self.entries[pid].ended:
                # the event of its end was lost, and no event comes when it is reaped
                self.entries[pid].ended = END_NOT_SEEN
                self._zombies.append(self.entries[pid])
        if differences:
            self._distrusted_until = self._clock()  # the next events may be older than what was read
        return differences

    @property
    def has_zombies(self) -> bool:
        """Return whether some ended processes are not reaped yet; no event reports that a process is reaped."""
        return bool(self._zombies)

    def children(self, pid: int) -> Collection[int]:
        """Return the children of a process."""
        return self._children.of(pid)

    def process_at(self, pid: int, ns: int) -> Entry | None:
        """Return the process that the index has for a pid, if it had started by this monotonic moment."""
        entry = self.entries.get(pid)
        return None if entry is None or entry.start * self._tick_ns > ns + self._offset else entry

    def _has_silent_change(self) -> bool:
        """Return whether a zombie may have been reaped, or its children adopted, without an event."""
        pids = [entry.pid for entry in self._zombies]
        return any(pid in self._children for pid in pids) or not set(pids).issubset(self._reader.existing(pids))

    def _suspect_writers(self, writes: Writes, *, is_new_batch: bool = True) -> None:
        """Note the threads that wrote; suspect their processes, and ancestors that may adopt a zombie's children."""
        if is_new_batch:
            self._old_suspects, self._suspects = self._suspects, set()
        for write in writes.logins:
            self._written[write.thread] = writes.until
            process = write.process
            if process is None:
                thread = self._reader.read_thread(write.thread)
                process = None if thread is None else thread.process
            if process is None and write.thread not in self.entries:
                # the thread has ended, and its process is unknown: its forks look like those of other threads
                self._distrusted_until = max(self._distrusted_until, writes.until)
                continue
            self._suspect(write.thread if process is None else process)
        for entry in self._zombies:
            if entry.pid in self._children:
                # an ancestor adopts the zombie's children, which can fork children of the ancestor (CLONE_PARENT)
                self._suspects.update(differing_ancestors(self.entries, self._children, entry))

    def _suspect(self, pid: int) -> None:
        """Suspect a process and, because of CLONE_PARENT, its parent: their new children are in doubt."""
        self._suspects.add(pid)
        entry = self.entries.get(pid)
        if entry is not None:
            self._suspects.add(entry.parent)

    def _apply_records(self, records: Iterable[Record]) -> None:
        entries, suspects, old_suspects, written = self.entries, self._suspects, self._old_suspects, self._written
        children, by_parent, new = self._children, self._children.by_parent, self._new
        offset, tick_ns = self._offset, self._tick_ns
        is_in_doubt = self.needs_rescan or not self._sees_writes
        distrusted_until, report = self._distrusted_until, self.report
        for kind, ns, thread, process, third, child in records:  # of an EXIT, third is the status
            if kind == FORK:
                parent = entries.get(process)
                # The most frequent case, written out: this runs for every fork of the machine.
                if (
                    parent is None
                    or parent.doubt
                    or is_in_doubt
                    or ns <= distrusted_until
                    or process in suspects
                    or process in old_suspects
                    or (written and (thread in written or child in written))
                    or child in entries
                ):
                    self._fork_in_doubt(ns, thread, process, child)
                    continue
                place = parent.place
                # to save memory, equal pids are one object: the parent's pid is the object in the parent's entry
                entry = entries[child] = Entry(child, (ns + offset) // tick_ns, ns, parent.pid, place)
                entry.users = parent.users
                place.pids.add(child)
                if process in by_parent:
                    children.add(process, child)
                else:
                    by_parent[parent.pid] = child
                new.append(entry)
                if report is not None:
                    report(new_change(ns, None, state_of(entry, parent)))
            elif kind == EXIT:
                if thread == process:
                    self._exit(ns, process, third)
            elif kind == EXEC:
                self._exec(ns, process)
            elif kind:  # kind 0 is no event: the kernel confirms the subscription
                if kind == UID and thread == process and process in entries:
                    self.users.note_uids(entries[process], third, child)  # real and effective uid
                if not self._sees_writes:
                    self._reread_with_parent(process)

    def _fork_in_doubt(self, ns: int, thread: int, parent_pid: int, pid: int) -> None:
        """Add a process that may not be in the place of its parent."""
        event_ticks = (ns + self._offset) // self._tick_ns
        old, facts = self.entries.get(pid), self._read(pid)
        self.counts.doubtful_reads += 1
        if old is not None:
            is_trusted = not self.needs_rescan and ns > self._distrusted_until
            if not is_trusted and not old.ended and facts is not None and facts.start == old.start:
                return  # a reading of all processes has added it already
            self._replace(old, ns)
        if facts is not None and facts.start - event_ticks > SLACK_TICKS:
            facts = None  # a later process with the same pid
        if facts is not None:
            entry = self._add_read(pid, facts, ns)
            if entry.parent != parent_pid and parent_pid in self.entries:
                # the parent that the event names ends later in this batch
                self._set_parent(entry, parent_pid)
                self._orphans.add(pid)
        else:
            is_written = ns <= self._written.get(pid, -1)
            owner_facts = _NOT_KNOWN if is_written else self._facts_of_forker(ns, thread, parent_pid)
            self._add(Entry(pid, event_ticks, ns, parent_pid, self.places.get(owner_facts)))
        if (parent := self.entries.get(parent_pid)) is not None and pid in self.entries:
            self.entries[pid].users = parent.users
        if pid in self._written:
            self._suspects |= {pid, parent_pid}

    def _facts_of_forker(self, ns: int, thread: int, parent_pid: int) -> OwnerFacts:
        """Return the owner facts of a process that could not be read: its parent's; not known if these are in doubt."""
        parent = self.entries.get(parent_pid)
        if parent is None or self.needs_rescan or ns <= self._distrusted_until:
            return _NOT_KNOWN
        if parent_pid in self._suspects or (parent_pid in self._old_suspects and ns <= self._end_of_last_batch):
            return _NOT_KNOWN
        if ns <= self._written.get(thread, -1) or ns <= self._written.get(parent_pid, -1):
            return _NOT_KNOWN
        # if the threads of a process differ, its place is that of its first thread
        if parent.doubt and not (parent.doubt == MIXED and thread == parent_pid):
            return _NOT_KNOWN
        if not self._sees_writes:
            # no kernel id is given twice: a parent with the same id before and after the fork had it at the fork
            facts = self._read(parent_pid)
            if facts is None or facts.owner_facts != parent.place.owner_facts:
                return _NOT_KNOWN
        return parent.place.owner_facts

    def _exec(self, ns: int, pid: int) -> None:
        entry = self.entries.get(pid)
        if entry is None:
            facts = self._read(pid)
            if facts is not None and facts.start - (ns + self._offset) // self._tick_ns <= SLACK_TICKS:
                self._add_read(pid, facts, 0)
            return
        # a thread that executes a program becomes the first thread; the event of the old first thread's end came before
        entry.ended = 0
        parent = self.entries.get(entry.parent)
        if entry.doubt & MIXED:
            change_doubt(self.entries, entry, entry.doubt & ~MIXED)
            if not self._reread(pid):
                self._set_owner_facts(entry, _NOT_KNOWN, ns)
        elif entry.doubt & (UNKNOWN | MANAGER) or parent is None or parent.doubt & MANAGER or not self._sees_writes:
            is_unread = not self._reread(pid) and pid in self.unread
            self._set_owner_facts(entry, _NOT_KNOWN if is_unread else entry.place.owner_facts, ns)
        self.users.note_exec(entry, ns, self._state)
        if self.report is not None:
            state = self._state(entry)
            self.report(new_change(ns, state, state))

    def _exit(self, ns: int, pid: int, status: int) -> None:
        entry = self.entries.get(pid)
        if entry is None or entry.start > (ns + self._offset) // self._tick_ns + SLACK_TICKS:
            return
        # Other threads may run on, or the process stays as a zombie: it leaves the index when it leaves /proc.
        if not entry.ended:
            self._ended.append(entry)
        entry.ended, entry.status = ns, status
        if self._reading_ends.get(pid, 0) > ns or self._old_reading_ends.get(pid, 0) > ns:
            self._set_owner_facts(entry, _NOT_KNOWN, ns)  # read after its end: a later process with its pid
        self.users.note_end(pid, ns)
        if pid in self._children.by_parent:
            self._orphans.update(self._children.of(pid))
            self._suspects.update(differing_ancestors(self.entries, self._children, entry))

    def _correct_children(self, writes: Writes) -> None:
        """Read children again if their parent was read in this batch: that reading may have shown a late write."""
        parents = {write.thread if write.process is None else write.process for write in writes.logins}
        for cgroup in writes.moves:
            parents.update(self._reader.members(cgroup))
        if writes.logins and any(write.process is None for write in writes.logins):
            parents.update(self._reading_ends)
        level, steps = parents & self._reading_ends.keys(), 0
        while level and steps < MAX_CHAIN_LENGTH:
            steps += 1
            children = [
                entry
                for entry in [*self.entries.values(), *self._ended]
                if entry.parent in level and entry.born >= self._first_ns and entry.pid not in self._reading_ends
            ]
            level = {entry.pid for entry in children}
            for entry in children:
                if self.entries.get(entry.pid) is not entry or not self._reread(entry.pid):
                    self._set_owner_facts(entry, _NOT_KNOWN, writes.until)

    def _read_writer(self, write: LoginWrite, until: int) -> None:
        """Read a thread that wrote its login uid, and correct the place of its process and the doubt about it."""
        thread, facts = write.thread, self._reader.read_thread(write.thread)
        process = write.process if write.process is not None else thread if facts is None else facts.process
        # the writer can be an earlier process with this pid, which ended in this batch
        for ended in self._ended:
            if ended.pid == process and self.entries.get(process) is not ended:
                self._set_owner_facts(ended, _NOT_KNOWN, until)
        entry = self.entries.get(process)
        if entry is None:
            return  # its fork comes with the next batch, or was never seen
        if facts is None or facts.process != process:
            # the thread has ended: if it executed a program, the process has its login now
            change_doubt(self.entries, entry, entry.doubt | MIXED)
            if thread == process or not self._reread(process):
                self._set_owner_facts(entry, _NOT_KNOWN, until)
            return
        if entry.ended:
            # the thread can belong to a later process with the same pid
            if not self._reread(process):
                self._set_owner_facts(entry, _NOT_KNOWN, until)
        elif thread == process:
            self._set_owner_facts(entry, (facts.ses, facts.loginuid, entry.place.cgroup), until)
        # whichever thread wrote, the other threads have kept their logins
        if thread != process or not facts.is_only:
            change_doubt(self.entries, entry, entry.doubt | MIXED)

    def _read_moved(self, cgroup: str, until: int) -> None:
        """Read the processes that were moved to a cgroup: its members, if the index has them in another cgroup."""
        for pid in self._reader.members(cgroup):
            entry = self.entries.get(pid)
            if entry is None:
                self._written[pid] = until  # its fork comes with the next batch
            elif entry.place.cgroup != cgroup:
                known_cgroup = entry.place.cgroup
                # read, not assumed: this cgroup may be in a cgroup hierarchy that does not decide the owner
                if self._reread(pid) and entry.place.cgroup != known_cgroup:
                    self._written[pid] = until
                    self._suspect(pid)
        # A process that has ended meanwhile may have been moved, too. That matters if it has no kernel id.
        is_login = self._is_login_cgroup(cgroup)
        for entry in self._ended:
            ses, loginuid, known_cgroup = entry.place.owner_facts
            if ses in {None, UNSET} and known_cgroup is not None and known_cgroup != cgroup:
                is_doubtful = is_login or self._is_login_cgroup(known_cgroup)
                if is_doubtful and not (self.entries.get(entry.pid) is entry and self._reread(entry.pid)):
                    self._set_owner_facts(entry, (ses, loginuid, None), until)

    def _finish(self, until: int, *, is_partial: bool) -> None:
        """Drop the processes that have ended, and read what changes without an event."""
        entries, just_ended = self.entries, set(self._ended)
        # entries, not pids, which can be used again; an entry is in both if it executed a program between two ends
        ended, self._ended, self._zombies = list(dict.fromkeys([*self._zombies, *self._ended])), [], []
        self.outlived.check(entries)
        existing = self._reader.existing([entry.pid for entry in ended if entries.get(entry.pid) is entry])
        for entry in ended:
            if not entry.ended:
                continue  # it executed a program in another thread
            if entry.pid in existing and entries.get(entry.pid) is entry:
                self._zombies.append(entry)
                # its other threads may have ended since, without an event
                self._orphans.update(self._children.of(entry.pid))
                continue
            # the lost events may include a login of this process
            if self.needs_rescan:
                self._set_owner_facts(entry, _NOT_KNOWN, until)
            self._drop(entry, 0 if entry.ended == END_NOT_SEEN else entry.ended)
        self.outlived.add(entry for entry in self._zombies if entry in just_ended)
        orphans, self._orphans = self._orphans, set()
        for pid in orphans:
            self._read_parent(pid)
        # Few processes outlive the batch in which they were forked. For these few, the exact start is read, and the
        # place that they got from their parents is checked.
        new, self._new = self._new, []
        for entry in new:
            if entries.get(entry.pid) is entry:
                self._reread(entry.pid)
            entry.born = 0
        if is_partial:
            return  # events of older forks can still come
        self._written = {pid: moment for pid, moment in self._written.items() if moment >= self._end_of_last_batch}
        self._end_of_last_batch = until

    def _read_parent(self, pid: int) -> None:
        """Read the new parent of a process, after its parent has ended."""
        entry = self.entries.get(pid)
        facts = None if entry is None else self._read(pid)
        if entry is not None and facts is not None and is_same(entry, facts):
            self._set_parent(entry, facts.parent)

    def _replace(self, entry: Entry, ns: int) -> None:
        """Remove a process from the index because its pid is used again; its end is reported with the batch."""
        self._remove(entry)
        if not entry.ended:
            entry.ended = ns
        self._ended.append(entry)
        if any(abs(moments.get(entry.pid, 0)) >= ns for moments in (self._reading_ends, self._old_reading_ends)):
            self._set_owner_facts(entry, _NOT_KNOWN, ns)  # the facts that were read can be those of the new process

    def _drop(self, entry: Entry, ns: int) -> None:
        """Remove an ended process and report its end."""
        if self.entries.get(entry.pid) is entry:
            self._remove(entry)
        if entry.place.ses is None or (entry.place.ses == UNSET and entry.place.cgroup is None):
            self.counts.logons_not_determined += 1
        if self.report is not None:
            self.report(new_change(ns, self._state(entry), None, entry.status))

    def _remove(self, entry: Entry) -> None:
        pid, place = entry.pid, entry.place
        self._leave_parent(entry)
        del self.entries[pid]
        if len(place.pids) > 1:
            place.pids.discard(pid)  # the most frequent case
        else:
            self.places.remove(place, pid)
        if pid not in self._children.by_parent:
            return
        # the kernel does not report the children's new parent: it is read at the end of the batch
        for child_pid in self._children.pop(pid):
            self.entries[child_pid].parent = 0
            self._orphans.add(child_pid)

    def _add_read(self, pid: int, facts: ReadFacts, born: int) -> Entry:
        entry = Entry(pid, facts.start, born, facts.parent, self.places.get(facts.owner_facts))
        self._note_read(pid, facts)
        self._add(entry)
        self._note_manager(entry, facts)
        return entry

    def _note_read(self, pid: int, facts: ReadFacts) -> None:
        self._reading_ends[pid] = -self._last_reading_end if facts.is_zombie else self._last_reading_end
        # the facts may be newer than children whose forks are still to come
        if facts.cgroup in self._moves:
            self._suspects.add(pid)

    def _note_manager(self, entry: Entry, facts: ReadFacts) -> None:
        if facts.comm == "systemd" or entry.pid == 1:
            entry.doubt |= MANAGER

    def _add(self, entry: Entry) -> None:
        pid = entry.pid
        self.entries[pid] = entry
        entry.place = self.places.add(entry.place, pid)
        if not entry.place.is_known:
            entry.doubt |= UNKNOWN
        self._join_parent(entry, entry.parent)
        count_relatives(self.entries, self._children, entry, 1)
        if self.report is not None:
            self.report(Change(entry.born, None, self._state(entry)))

    def _set_parent(self, entry: Entry, parent_pid: int) -> None:
        if entry.parent == parent_pid:
            return
        self._leave_parent(entry)
        self._join_parent(entry, parent_pid)
        count_in_parent(self.entries, entry, 1)

    def _join_parent(self, entry: Entry, parent_pid: int) -> None:
        parent = self.entries.get(parent_pid)
        # to save memory, equal pids are one object
        entry.parent = parent_pid if parent is None else parent.pid
        self._children.add(entry.parent, entry.pid)

    def _leave_parent(self, entry: Entry) -> None:
        if self._children.remove(entry.parent, entry.pid):
            count_in_parent(self.entries, entry, -1)

    def _set_owner_facts(self, entry: Entry, owner_facts: OwnerFacts, ns: int) -> None:
        """Move a process to the place with these facts, at a moment (0: not known)."""
        if entry.place.owner_facts == owner_facts:
            return
        is_current = self.entries.get(entry.pid) is entry
        before = self._state(entry) if self.report is not None else None
        if is_current:
            count_relatives(self.entries, self._children, entry, -1)
            self.places.remove(entry.place, entry.pid)
        entry.place = self.places.get(owner_facts)
        entry.doubt = entry.doubt & ~UNKNOWN if entry.place.is_known else entry.doubt | UNKNOWN
        if is_current:
            entry.place = self.places.add(entry.place, entry.pid)
            count_relatives(self.entries, self._children, entry, 1)
        if self.report is not None and not entry.ended:
            self.report(Change(ns, before, self._state(entry)))

    def _read(self, pid: int) -> ReadFacts | None:
        """Read a process; None if it is gone, or if its reading hangs: then it is read again later."""
        facts = self._reader.read(pid)
        self._last_reading_end = self._clock()
        if isinstance(facts, Unread):
            self.unread.add(pid)
            return None
        return facts

    def _reread(self, pid: int) -> bool:
        """Read again what decides the owner of a process; return whether it could be read."""
        entry, facts = self.entries.get(pid), self._read(pid)
        if entry is None or facts is None or not is_same(entry, facts) or (entry.ended and not facts.is_zombie):
            return False
        entry.start = facts.start
        self._note_read(pid, facts)
        self._set_owner_facts(entry, facts.owner_facts, 0)
        self._note_manager(entry, facts)
        return True

    def _reread_with_parent(self, pid: int) -> None:
        self._reread(pid)
        if (entry := self.entries.get(pid)) is not None:
            self._reread(entry.parent)

    def _state(self, entry: Entry) -> State:
        return state_of(entry, self.entries.get(entry.parent))
