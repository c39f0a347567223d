"""Index of processes, kept by kernel events: pure, apart from a reader of the facts of single processes.

A child has what its parent has, unless something makes that doubtful. Then the child is read, and if it has ended, its
logon is not known. Doubtful are the children of

- a thread that wrote its login uid, and a process that was moved to another cgroup, if they were forked in the batch of
  the write, or in the next one before the end of that batch;
- a process with a child in another logon session or cgroup: with CLONE_PARENT, children of one look like children of
  the other;
- a process whose threads have different login uids, unless its first thread forked them;
- a service manager, which starts children in other cgroups (CLONE_INTO_CGROUP), and process 1;
- every process, after events were lost, until all processes have been read again.
"""

from collections.abc import Callable, Iterable, Iterator

from logonscope.facts import UNSET
from logonscope.sources.live.entries import Change, Counts, Entry, ProcessReader, ReadFacts, State
from logonscope.sources.live.records import EXEC, EXIT, FORK, UID, Batch, LoginWrite, Record, Writes
from logonscope.sources.live.users import UserTracker

SLACK_TICKS = 1
"""Clock ticks by which a start may be later than the time of its event, because two clocks are compared.

It is mostly earlier, by a microsecond, and by much more where the kernel was busy with something else in between.
"""

MAX_CHAIN_LENGTH = 100
"""Maximum number of ancestors that are looked at."""

_UNKNOWN, _MIXED, _MANAGER, _DIFFERING_CHILD = 1, 2, 4, 8
"""Parts of Entry.doubt: its logon is not known; its threads differ; it is a service manager; for each such child."""

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
    ) -> None:
        """Make an empty index.

        Args:
            reader: reads single processes.
            is_login_cgroup: whether a cgroup belongs to a login.
            tick_ns: nanoseconds of a clock tick.
            sees_writes: batches have the writes to login uids and cgroups; if not, logons are read at every event.
        """
        self.entries: dict[int, Entry] = {}
        self.memberships: dict[int, tuple[int, int | None, str | None]] = {}  # pid -> pid, kernel id, cgroup
        self.by_kernel_id: dict[int | None, set[int]] = {}
        self.counts = Counts()
        self.report: Callable[[Change], object] | None = None
        self.users = UserTracker(reader)
        self._reader, self._is_login_cgroup = reader, is_login_cgroup
        self._tick_ns, self._sees_writes = tick_ns, sees_writes
        self._offset = 0
        self._children: dict[int, set[int]] = {}
        self._written: dict[int, int] = {}  # threads that wrote, and processes moved -> until of the batch of the write
        self._suspects: set[int] = set()  # processes whose children are in doubt in this batch
        self._old_suspects: set[int] = set()  # those of the batch before
        self._old_until = 0  # the end of the batch before
        self._ended: list[Entry] = []
        self._zombies: list[Entry] = []
        self._orphans: set[int] = set()
        self._new: list[Entry] = []  # processes that have what their parents have
        self._read_now: set[int] = set()  # processes that were read in this batch
        self._is_partial = False  # the last batch left events behind
        self._first_ns = 0  # of the first event of this batch
        self._moves: frozenset[str] = frozenset()  # cgroups to which processes were moved in this batch
        self._distrusted_until = 0  # forks before this moment are in doubt
        self.needs_rescan = True
        """Events were lost, or none were seen yet: all processes must be read again."""

    def __repr__(self) -> str:
        return f"<LiveIndex of {len(self.entries)} processes>"

    def apply(self, batch: Batch, read_late_writes: Callable[[], Writes] | None = None) -> None:
        """Apply the events of a batch.

        Args:
            batch: the events.
            read_late_writes: returns the writes since the batch was read. What is read of a process meanwhile can be
                newer than a child that was forked before such a write.
        """
        self._offset = batch.boot_offset
        self._read_now.clear()
        if batch.lost or batch.writes.are_lost:
            self.counts.lost_events += batch.lost
            self.counts.losses += 1
            self.needs_rescan = True
        self._first_ns = batch.records[0][1] if batch.records else 0
        self._moves = batch.writes.moves
        # who wrote must be known before the forks are applied, what they wrote only at the end
        self._suspect_writers(batch.writes, is_new_batch=not self._is_partial)
        self._is_partial = batch.is_partial
        self._apply_records(batch.records)
        late = read_late_writes() if read_late_writes is not None else batch.writes
        if late is not batch.writes:
            self.needs_rescan |= late.are_lost
            self._correct_children(late)
            self._suspect_writers(late, is_new_batch=False)
        for writes in (batch.writes, late)[: 1 + (late is not batch.writes)]:
            for write in writes.logins:
                self._read_writer(write, writes.until)
            for cgroup in writes.moves:
                self._read_moved(cgroup, writes.until)
        self._finish(late.until, is_partial=batch.is_partial)

    def rescan(self, now: Callable[[], int]) -> int:
        """Read all processes again and mend every difference; return how many there were.

        Args:
            now: returns the monotonic clock in nanoseconds.
        """
        pids = set(self._reader.pids())
        differences = self.mend([*pids, *(pid for pid in self.entries if pid not in pids)])
        # the next events may be older than what was read
        self._distrusted_until = now()
        self.needs_rescan = False
        return differences

    def differing(self, pids: Iterable[int]) -> list[int]:
        """Return those of the processes that /proc shows differently, also because an event is still on its way."""
        return [pid for pid in pids if self._differs_from(self.entries.get(pid), self._reader.read(pid))]

    def mend(self, pids: Iterable[int]) -> int:
        """Read processes again and correct the index; return how many it had wrong."""
        differences = 0
        for pid in pids:
            facts, entry = self._reader.read(pid), self.entries.get(pid)
            if not self._differs_from(entry, facts):
                continue
            differences += 1
            if entry is not None and (facts is None or not _is_same(entry, facts)):
                # its last events are missing, and a login may have been among them
                self._set_ids(entry, _NOT_KNOWN, 0)
                self._drop(entry, 0)
            if facts is None:
                continue
            if entry is None or not _is_same(entry, facts):
                self._add_read(pid, facts, 0)
            else:
                entry.start = facts.start
                self._set_parent(entry, facts.parent)
                self._set_ids(entry, facts[2:5], 0)
                self._note_manager(entry, facts)
        return differences

    def with_kernel_ids(self, kernel_ids: Iterable[int | None]) -> Iterator[int]:
        """Yield the processes with one of these kernel ids."""
        for kernel_id in kernel_ids:
            yield from self.by_kernel_id.get(kernel_id, ())

    @property
    def has_zombies(self) -> bool:
        """Return whether processes have ended that are not reaped yet; there is no event for that."""
        return bool(self._zombies)

    def children(self, pid: int) -> frozenset[int]:
        """Return the children of a process."""
        return frozenset(self._children.get(pid, ()))

    def _differs_from(self, entry: Entry | None, facts: ReadFacts | None) -> bool:
        if entry is None or facts is None:
            return entry is not None or facts is not None
        shown = entry.start, entry.parent, entry.ses, entry.loginuid, entry.cgroup
        return shown != facts[:5]

    def _suspect_writers(self, writes: Writes, *, is_new_batch: bool = True) -> None:
        """Suspect the threads that wrote and the parents of their processes, before their forks are applied."""
        if is_new_batch:
            self._old_suspects, self._suspects = self._suspects, set()
        for write in writes.logins:
            self._written[write.thread] = writes.until
            process = write.process
            if process is None:
                thread = self._reader.read_thread(write.thread)
                process = None if thread is None else thread.process
            if process is None and write.thread not in self.entries:
                # it has ended, and was a thread of an unknown process: its forks look like those of other threads
                self._distrusted_until = max(self._distrusted_until, writes.until)
                continue
            self._suspect(write.thread if process is None else process)
        for entry in self._zombies:
            if entry.pid in self._children:
                self._suspect_adopters(entry)

    def _suspect(self, pid: int) -> None:
        """Suspect a process and, because of CLONE_PARENT, its parent."""
        self._suspects.add(pid)
        entry = self.entries.get(pid)
        if entry is not None:
            self._suspects.add(entry.parent)

    def _suspect_adopters(self, entry: Entry) -> None:
        """Suspect the ancestors that may adopt the children of an ended process, because of CLONE_PARENT."""
        children = (self.entries.get(pid) for pid in self._children.get(entry.pid, ()))
        ids = {(child.ses, child.cgroup) for child in children if child is not None}
        # the nearest subreaper adopts them; which ancestor is one is not known, so all that differ are suspected
        ancestor, steps = self.entries.get(entry.parent), 0
        while ancestor is not None and steps < MAX_CHAIN_LENGTH:
            if ids != {(ancestor.ses, ancestor.cgroup)}:
                self._suspects.add(ancestor.pid)
            ancestor, steps = self.entries.get(ancestor.parent), steps + 1

    def _apply_records(self, records: Iterable[Record]) -> None:
        entries, suspects, old_suspects, written = self.entries, self._suspects, self._old_suspects, self._written
        memberships, by_kernel_id, all_children = self.memberships, self.by_kernel_id, self._children
        offset, tick_ns = self._offset, self._tick_ns
        is_in_doubt = self.needs_rescan or not self._sees_writes
        distrusted_until = self._distrusted_until
        for kind, ns, thread, process, word, child in records:
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
                ses, cgroup = parent.ses, parent.cgroup
                entry = Entry(child, (ns + offset) // tick_ns, ns, process, ses, parent.loginuid, cgroup)
                entry.users = parent.users
                entries[child] = entry
                memberships[child] = (child, ses, cgroup)
                by_kernel_id[ses].add(child)
                if process in all_children:
                    all_children[process].add(child)
                else:
                    all_children[process] = {child}
                self._new.append(entry)
                if self.report is not None:
                    self.report(Change(ns, None, self._state(entry)))
            elif kind == EXIT:
                if thread == process:
                    self._exit(ns, process, word)
            elif kind == EXEC:
                self._exec(ns, process)
            elif kind:  # 0 answers the subscription
                if kind == UID and thread == process and process in entries:
                    self.users.note_uids(entries[process], word, child)
                if not self._sees_writes:
                    self._reread_with_parent(process)

    def _fork_in_doubt(self, ns: int, thread: int, parent_pid: int, pid: int) -> None:
        """Add a process that may not have what its parent has."""
        event_ticks = (ns + self._offset) // self._tick_ns
        old, facts = self.entries.get(pid), self._reader.read(pid)
        self.counts.doubtful_reads += 1
        if old is not None:
            is_trusted = not self.needs_rescan and ns > self._distrusted_until
            if not is_trusted and not old.ended and facts is not None and facts.start == old.start:
                return  # it was read already, with all processes
            self._replace(old, ns)
        if facts is not None and facts.start - event_ticks > SLACK_TICKS:
            facts = None  # a later process with the same pid
        if facts is not None:
            entry = self._add_read(pid, facts, ns)
            if entry.parent != parent_pid and parent_pid in self.entries:
                # its parent ends later in this batch
                self._set_parent(entry, parent_pid)
                self._orphans.add(pid)
        else:
            is_written = ns <= self._written.get(pid, -1)
            ids = _NOT_KNOWN if is_written else self._ids_of_forker(ns, thread, parent_pid)
            self._add(Entry(pid, event_ticks, ns, parent_pid, *ids))
        if parent_pid in self.entries and pid in self.entries:
            self.entries[pid].users = self.entries[parent_pid].users
        if pid in self._written:
            self._suspects |= {pid, parent_pid}

    def _ids_of_forker(self, ns: int, thread: int, parent_pid: int) -> tuple[int | None, int | None, str | None]:
        """Return what decides the owner of an ended process, from its parent; nothing where that is in doubt."""
        parent = self.entries.get(parent_pid)
        if parent is None or self.needs_rescan or ns <= self._distrusted_until:
            return _NOT_KNOWN
        if parent_pid in self._suspects or (parent_pid in self._old_suspects and ns <= self._old_until):
            return _NOT_KNOWN
        if ns <= self._written.get(thread, -1) or ns <= self._written.get(parent_pid, -1):
            return _NOT_KNOWN
        # what is known of a process whose threads differ is that of its first thread
        if parent.doubt and not (parent.doubt == _MIXED and thread == parent_pid):
            return _NOT_KNOWN
        if not self._sees_writes:
            # kernel ids are never given twice: if the parent has the same one after the fork, it had it at the fork
            facts = self._reader.read(parent_pid)
            if facts is None or facts[2:5] != (parent.ses, parent.loginuid, parent.cgroup):
                return _NOT_KNOWN
        return parent.ses, parent.loginuid, parent.cgroup

    def _exec(self, ns: int, pid: int) -> None:
        entry = self.entries.get(pid)
        if entry is None:
            facts = self._reader.read(pid)
            if facts is not None and facts.start - (ns + self._offset) // self._tick_ns <= SLACK_TICKS:
                self._add_read(pid, facts, 0)
            return
        # a thread that executes a program becomes the process; the event of the first thread's end came before
        entry.ended = 0
        parent = self.entries.get(entry.parent)
        if entry.doubt & _MIXED:
            self._change_doubt(entry, entry.doubt & ~_MIXED)
            if not self._reread(pid):
                self._set_ids(entry, _NOT_KNOWN, ns)
        elif entry.doubt & (_UNKNOWN | _MANAGER) or parent is None or parent.doubt & _MANAGER or not self._sees_writes:
            self._reread(pid)
        self.users.note_exec(entry, ns, self._state)
        if self.report is not None:
            state = self._state(entry)
            self.report(Change(ns, state, state))

    def _exit(self, ns: int, pid: int, status: int) -> None:
        entry = self.entries.get(pid)
        if entry is None or entry.start > (ns + self._offset) // self._tick_ns + SLACK_TICKS:
            return
        # Other threads may run on, or the process stays as a zombie: it leaves the index when it leaves /proc.
        if not entry.ended:
            self._ended.append(entry)
        entry.ended, entry.status = ns, status
        self.users.note_end(pid, ns)
        children = self._children.get(pid)
        if children:
            self._orphans |= children
            self._suspect_adopters(entry)

    def _correct_children(self, writes: Writes) -> None:
        """Read the children again that were given what their parents had only after a late write."""
        parents = {write.thread if write.process is None else write.process for write in writes.logins}
        for cgroup in writes.moves:
            parents.update(self._reader.members(cgroup))
        if writes.logins and any(write.process is None for write in writes.logins):
            parents |= self._read_now
        level, steps = parents & self._read_now, 0
        while level and steps < MAX_CHAIN_LENGTH:
            steps += 1
            children = [
                entry
                for entry in [*self.entries.values(), *self._ended]
                if entry.parent in level and entry.born >= self._first_ns and entry.pid not in self._read_now
            ]
            level = {entry.pid for entry in children}
            for entry in children:
                if self.entries.get(entry.pid) is not entry or not self._reread(entry.pid):
                    self._set_ids(entry, _NOT_KNOWN, writes.until)

    def _read_writer(self, write: LoginWrite, until: int) -> None:
        """Read the login of a thread that wrote its login uid; if it has ended, the login is not known."""
        thread, facts = write.thread, self._reader.read_thread(write.thread)
        process = write.process if write.process is not None else thread if facts is None else facts.process
        # an earlier process with this pid, which ended in this batch, can be the one that wrote
        for ended in self._ended:
            if ended.pid == process and self.entries.get(process) is not ended:
                self._set_ids(ended, _NOT_KNOWN, until)
        entry = self.entries.get(process)
        if entry is None:
            return  # its fork comes with the next batch, or was never seen
        if facts is None or facts.process != process:
            # the thread has ended: if it executed a program, the process has its login now
            self._mark_mixed(entry)
            if thread == process or not self._reread(process):
                self._set_ids(entry, _NOT_KNOWN, until)
            return
        if thread == process:
            self._set_ids(entry, (facts.ses, facts.loginuid, entry.cgroup), until)
        # whichever thread wrote, the others have kept what they had
        if thread != process or not facts.is_only:
            self._mark_mixed(entry)

    def _read_moved(self, cgroup: str, until: int) -> None:
        """Find the processes that were moved to a cgroup: its members that the index has elsewhere."""
        for pid in self._reader.members(cgroup):
            entry = self.entries.get(pid)
            if entry is None:
                self._written[pid] = until  # its fork comes with the next batch
            elif entry.cgroup != cgroup:
                known_cgroup = entry.cgroup
                # read, not assumed: with several hierarchies this may not be the one that counts
                if self._reread(pid) and entry.cgroup != known_cgroup:
                    self._written[pid] = until
                    self._suspect(pid)
        # A process that has ended meanwhile may have been moved, too. That matters if it has no kernel id.
        is_login = self._is_login_cgroup(cgroup)
        for entry in self._ended:
            if entry.ses in {None, UNSET} and entry.cgroup is not None and entry.cgroup != cgroup:
                is_doubtful = is_login or self._is_login_cgroup(entry.cgroup)
                if is_doubtful and not (self.entries.get(entry.pid) is entry and self._reread(entry.pid)):
                    self._set_ids(entry, (entry.ses, entry.loginuid, None), until)

    def _finish(self, until: int, *, is_partial: bool) -> None:
        """Drop the processes that have ended, and read what changes without an event."""
        ended, self._ended, self._zombies = [*self._zombies, *self._ended], [], []
        for entry in ended:
            if not entry.ended:
                continue  # it executed a program in another thread
            if self.entries.get(entry.pid) is entry and self._reader.exists(entry.pid):
                self._zombies.append(entry)
                # its other threads may have ended since, without an event
                self._orphans.update(self._children.get(entry.pid, ()))
                continue
            # a login of it may be among what was lost
            if self.needs_rescan:
                self._set_ids(entry, _NOT_KNOWN, until)
            self._drop(entry, entry.ended)
        orphans, self._orphans = self._orphans, set()
        for pid in orphans:
            self._read_parent(pid)
        # Few processes outlive the batch in which they were forked. Of these the exact start is read, and with it what
        # was taken from the parent is checked.
        new, self._new = self._new, []
        for entry in new:
            if self.entries.get(entry.pid) is entry:
                self._reread(entry.pid)
        if is_partial:
            return  # older forks can still come
        if self._written:
            self._written = {pid: moment for pid, moment in self._written.items() if moment > self._old_until}
        self._old_until = until

    def _read_parent(self, pid: int) -> None:
        """Read the parent of a process whose parent has ended."""
        entry = self.entries.get(pid)
        facts = None if entry is None else self._reader.read(pid)
        if entry is not None and facts is not None and _is_same(entry, facts):
            self._set_parent(entry, facts.parent)

    def _replace(self, entry: Entry, ns: int) -> None:
        """Take a process out of the index whose pid is used again; its end is reported with the batch."""
        self._remove(entry)
        if not entry.ended:
            entry.ended = ns
        if entry not in self._ended:
            self._ended.append(entry)

    def _drop(self, entry: Entry, ns: int) -> None:
        """Remove an ended process and report its end."""
        if self.entries.get(entry.pid) is entry:
            self._remove(entry)
        if entry.ses is None or (entry.ses == UNSET and entry.cgroup is None):
            self.counts.logons_not_read += 1
        if self.report is not None:
            self.report(Change(ns, self._state(entry), None, entry.status))

    def _remove(self, entry: Entry) -> None:
        pid = entry.pid
        self._leave_parent(entry)
        del self.entries[pid], self.memberships[pid]
        self._leave_kernel_id(entry)
        # the kernel reports no new parent: it is read at the end of the batch
        for child_pid in self._children.pop(pid, ()):
            self.entries[child_pid].parent = 0
            self._orphans.add(child_pid)

    def _leave_kernel_id(self, entry: Entry) -> None:
        pids = self.by_kernel_id[entry.ses]
        pids.discard(entry.pid)
        # the set of processes without a login stays: forks without doubt add to it
        if not pids and entry.ses != UNSET and entry.ses is not None:
            del self.by_kernel_id[entry.ses]

    def _add_read(self, pid: int, facts: ReadFacts, born: int) -> Entry:
        entry = Entry(pid, facts.start, born, facts.parent, facts.ses, facts.loginuid, facts.cgroup)
        self._note_read(pid, facts)
        self._add(entry)
        self._note_manager(entry, facts)
        return entry

    def _note_read(self, pid: int, facts: ReadFacts) -> None:
        self._read_now.add(pid)
        # what was read may be newer than its next children
        if facts.cgroup in self._moves:
            self._suspects.add(pid)

    def _note_manager(self, entry: Entry, facts: ReadFacts) -> None:
        if facts.comm == "systemd" or entry.pid == 1:
            entry.doubt |= _MANAGER

    def _add(self, entry: Entry) -> None:
        pid = entry.pid
        self.entries[pid] = entry
        self.memberships[pid] = (pid, entry.ses, entry.cgroup)
        self.by_kernel_id.setdefault(entry.ses, set()).add(pid)
        if entry.ses is None or entry.cgroup is None:
            entry.doubt |= _UNKNOWN
        self._children.setdefault(entry.parent, set()).add(pid)
        self._count_relatives(entry, 1)
        if self.report is not None:
            self.report(Change(entry.born, None, self._state(entry)))

    def _set_parent(self, entry: Entry, parent_pid: int) -> None:
        if entry.parent == parent_pid:
            return
        self._leave_parent(entry)
        entry.parent = parent_pid
        self._children.setdefault(parent_pid, set()).add(entry.pid)
        self._count_in_parent(entry, 1)

    def _leave_parent(self, entry: Entry) -> None:
        siblings = self._children.get(entry.parent)
        if siblings is None or entry.pid not in siblings:
            return
        self._count_in_parent(entry, -1)
        siblings.discard(entry.pid)
        if not siblings:
            del self._children[entry.parent]

    def _set_ids(self, entry: Entry, ids: tuple[int | None, int | None, str | None], ns: int) -> None:
        """Set what decides the owner of a process: kernel id, login uid and cgroup."""
        if (entry.ses, entry.loginuid, entry.cgroup) == ids:
            return
        is_current = self.entries.get(entry.pid) is entry
        before = self._state(entry) if self.report is not None else None
        if is_current:
            self._count_relatives(entry, -1)
            self._leave_kernel_id(entry)
        entry.ses, entry.loginuid, entry.cgroup = ids
        is_unknown = entry.ses is None or entry.cgroup is None
        entry.doubt = entry.doubt | _UNKNOWN if is_unknown else entry.doubt & ~_UNKNOWN
        if is_current:
            self.by_kernel_id.setdefault(entry.ses, set()).add(entry.pid)
            self.memberships[entry.pid] = (entry.pid, entry.ses, entry.cgroup)
            self._count_relatives(entry, 1)
        if self.report is not None and not entry.ended:
            self.report(Change(ns, before, self._state(entry)))

    def _count_relatives(self, entry: Entry, sign: int) -> None:
        """Count in its parent, and for its children in the process, where they differ; with -1 take the count back."""
        self._count_in_parent(entry, sign)
        for pid in self._children.get(entry.pid, ()):
            child = self.entries.get(pid)
            if child is not None and child is not entry and _differs(child, entry):
                entry.doubt += sign * _DIFFERING_CHILD

    def _count_in_parent(self, entry: Entry, sign: int) -> None:
        parent = self.entries.get(entry.parent)
        if parent is not None and parent is not entry and _differs(entry, parent):
            parent.doubt += sign * _DIFFERING_CHILD

    def _mark_mixed(self, entry: Entry) -> None:
        self._change_doubt(entry, entry.doubt | _MIXED)

    def _change_doubt(self, entry: Entry, doubt: int) -> None:
        self._count_in_parent(entry, -1)
        entry.doubt = doubt
        self._count_in_parent(entry, 1)

    def _reread(self, pid: int) -> bool:
        """Read again what decides the owner of a process; return whether it could be read."""
        entry, facts = self.entries.get(pid), self._reader.read(pid)
        if entry is None or facts is None or not _is_same(entry, facts):
            return False
        entry.start = facts.start
        self._note_read(pid, facts)
        self._set_ids(entry, facts[2:5], 0)
        self._note_manager(entry, facts)
        return True

    def _reread_with_parent(self, pid: int) -> None:
        self._reread(pid)
        entry = self.entries.get(pid)
        if entry is not None:
            self._reread(entry.parent)

    def _state(self, entry: Entry) -> State:
        parent = self.entries.get(entry.parent)
        parent_key = None if parent is None else (parent.pid, parent.start)
        return State(entry.pid, entry.start, parent_key, entry.ses, entry.loginuid, entry.cgroup)


def _is_same(entry: Entry, facts: ReadFacts) -> bool:
    """Return whether facts are those of this process, not of a later one with its pid."""
    return facts.start <= entry.start + SLACK_TICKS


def _differs(child: Entry, parent: Entry) -> bool:
    """Return whether children of one of the two can have another owner than children of the other."""
    if child.ses != parent.ses or child.cgroup != parent.cgroup:
        return True
    return bool((child.doubt | parent.doubt) & _UNKNOWN) or bool(child.doubt & _MIXED)
