"""Live host: a thread that reads kernel events and applies them to the index of processes, and the memory of logins.

Waking up costs more than an event: process events are read in batches, a while after the first one. A write to a login
uid or a cgroup wakes the thread at once.
"""

import logging
import os
import select
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from logonscope.errors import LogonscopeError
from logonscope.facts import Login
from logonscope.machine import Look, Membership, Ownership, ProcessQuery, Source
from logonscope.sources.linux.logins import SESSIONS, USERS
from logonscope.sources.linux.processes import list_pids
from logonscope.sources.linux.scopes import is_login_cgroup
from logonscope.sources.live.entries import Counts, ReadFacts
from logonscope.sources.live.feed import PROC, EventSource, Feed, NotSetUpError
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.login_memory import LoginMemory, LoginState
from logonscope.sources.live.login_watch import LoginWatch
from logonscope.sources.live.members import IndexedMembers, ScannedMembers
from logonscope.sources.live.place_owners import PlaceOwners
from logonscope.sources.live.proc_reader import ProcReader
from logonscope.sources.live.remote_feed import SlowFeedError
from logonscope.sources.live.terminals import TerminalSearches, find_terminal

QUIET_DELAY, BUSY_DELAY, CROWDED_DELAY = 0.25, 0.015, 0.035
"""Seconds from the first event of a batch to the reading of the batch.

QUIET_DELAY: without subscribers. BUSY_DELAY: with subscribers. CROWDED_DELAY: with subscribers and many events.
If events are few, each is mostly the first one of its batch, and waits for the whole delay; if they are many, an event
waits for half of the delay on average.
"""

CROWDED_RATE = 500
"""Records a second above which there are many events."""

URGENT_SHARE, URGENT_SECONDS = 0.25, 0.5
"""Maximum share of one processor for batches that are read at once because of writes.

At most URGENT_SECONDS of unused processor time are saved for later.

A limit is needed because any user can write to files of /proc and of cgroups without a pause.
"""

ANSWER_SECONDS = 0.05
"""Maximum seconds that an answer waits for the events before it."""

SWEEP_SECONDS = 0.25
"""Minimum seconds between two comparisons of a few processes with /proc."""

SWEEP_BATCHES = 4
"""Maximum number of batches that are read to explain differences from /proc; if there are more, mending waits."""

SWEPT_PIDS = 32
"""Maximum number of processes that one round compares with /proc, or reads again because their reading hung."""

SWEEP_SHARE = 0.001
"""Maximum share of one processor that comparisons take."""

UNREAD_SHARE = 0.01
"""Maximum share of one processor for reading processes again whose reading hung."""

MAX_ZOMBIE_DELAY = 60.0
"""Maximum seconds between two checks whether zombies were reaped, and whether hung processes can be read."""

OUTLIVED_DELAY = 1.0
"""Used instead of MAX_ZOMBIE_DELAY while the first thread of a process has ended, but other threads run on.

Only a check of ended processes shows the end of such a process.
"""

RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 30.0
"""Seconds until another attempt to open a feed of events: the first time, and the maximum to which it is doubled."""

LOGIN_SHARE, BUSY_LOGIN_SHARE = 0.01, 0.05
"""Maximum share of one processor for reading login records that no request needs: without and with subscribers."""

LOCK_SECONDS = 1.0
"""Maximum seconds that a request for logins waits for the thread; then logins are read, without remembered ones."""

LOGIN_SECONDS = 2.0
"""Maximum age in seconds of logins that are answered from memory: not every change of a scope is an event."""

CLOSE_SECONDS = 10.0
"""Maximum seconds that closing waits for the thread, which may be reading a file that hangs."""

_log = logging.getLogger(__name__)

_CLOCK_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Status(NamedTuple):
    """The state of a live host, for ``doctor``."""

    event_source: EventSource | None  # None: no events can be read
    failure: str  # why there are no events
    processes: int
    counts: Counts
    sweep_seconds: float | None  # of the last comparison of all processes; None: not done yet
    unread: int = 0  # processes whose reading hangs
    is_set_up: bool = True  # False: there is no events helper, and this process may not read events itself


class LiveHost:
    """The processes and logins of this machine, from events."""

    def __init__(
        self,
        direct: Source,
        ownership: Ownership,
        open_feed: Callable[[], Feed],
        remembered: Sequence[Login] = (),
    ) -> None:
        """Prepare a live host; ``start`` starts it.

        Args:
            direct: reads the machine itself.
            ownership: the rules that determine owners.
            open_feed: opens a feed of events; raises OSError if there is none.
            remembered: logins of this boot that were known before.
        """
        self.direct, self.ownership = direct, ownership
        self.memory = LoginMemory(remembered)
        self.index: LiveIndex | None = None
        self.subscribers = 0
        self._open_feed, self._feed = open_feed, None
        self._lock = threading.RLock()
        self._failure, self._retry_seconds = "not started", RETRY_SECONDS
        self._watch = LoginWatch((f"/{SESSIONS}", f"/{USERS}"), os.path.dirname(f"/{SESSIONS}"))
        self._wake, self._is_closed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC), False
        self._epoll = select.epoll()
        for descriptor in (self._wake, self._watch.fileno()):
            self._epoll.register(descriptor, select.EPOLLIN)
        self._descriptors: tuple[int, ...] = ()  # of the feed
        self._owners = PlaceOwners()
        self._logins: tuple[Login, ...] = ()
        self._unwatched_leaders: list[int] = []
        self._logins_until = 0.0  # from this moment on, the kept logins are too old
        self._next_login_read = 0.0  # logins are not read before this moment, unless a request needs them
        self._login_read_due: float | None = None  # when logins are read because a record has changed
        self._proc_reader = ProcReader(PROC, ())
        self._scanned_members = ScannedMembers(self._read_memberships, self._proc_reader.read)
        self._counts, self._was_connected, self._is_set_up = Counts(), False, True
        self._terminal_searches = TerminalSearches()
        self._to_sweep = array("i")  # pids still to compare; an array is smaller than a list
        self._next_sweep, self._next_unread, self._next_urgent = 0.0, 0.0, 0.0
        self._urgent_due: float | None = None  # there are writes, which are read at this moment
        self._sweep_began, self._sweep_seconds = 0.0, None
        self._thread: threading.Thread | None = None
        self.after_batch: Callable[[], float | None] | None = None
        """Called by the thread after its regular readings of batches, not after urgent ones.

        It returns the monotonic moment at which to call it again without a batch (None: never).
        """
        self._next_call: float | None = None  # the moment that ``after_batch`` returned, or an earlier one
        self._is_call_requested = False
        self._zombie_delay, self._had_records = QUIET_DELAY, False
        self._counted_records, self._counting_since, self._is_crowded = 0, 0.0, False

    _feed: Feed | None
    _indexed_members: IndexedMembers
    _sweep_seconds: float | None

    def __repr__(self) -> str:
        return f"<LiveHost {self._feed!r}>"

    @property
    def status(self) -> Status:
        """Return the state, for ``doctor``."""
        # without the lock, which the thread has while it waits for a reading that hangs
        index, feed = self.index, self._feed
        return Status(
            None if feed is None else feed.event_source,
            self._failure,
            0 if index is None else len(index.entries),
            self._counts,
            self._sweep_seconds,
            0 if index is None else len(index.unread),
            self._is_set_up,
        )

    def start(self) -> None:
        """Open the feed, read all processes and logins once, and start the thread."""
        self._connect()
        with self._lock:
            self._read_logins()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and release all descriptors."""
        self._is_closed = True
        self.wake()
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)
            if self._thread.is_alive():
                return  # the thread still uses the descriptors
        with self._lock:
            self._disconnect("closed")
            self._watch.close()
            self._epoll.close()
            os.close(self._wake)

    def wake(self) -> None:
        """Wake the thread, for example because there is a subscriber now."""
        os.eventfd_write(self._wake, 1)

    def call_soon(self) -> None:
        """Request that the thread soon calls ``after_batch``; this method takes no lock."""
        self._is_call_requested = True
        if not self._is_closed:
            self.wake()

    def drain(self, seconds: float = ANSWER_SECONDS) -> LiveIndex | None:
        """Read the events until now and return the index; None if /proc must be read instead.

        /proc must be read if there is no index, if the events take longer than ``seconds``, or if they do not show
        every login.
        """
        if not self._has_index():
            return None  # without waiting for the thread
        end = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            return None
        try:
            index = self.index
            if index is None:
                return None
            while self._read_batch():
                if time.monotonic() > end:
                    return None
            if self._feed is not None and self._feed.has_buffered_events:
                self.wake()  # this call has emptied the descriptor that would have woken the thread
            # without the events of writes, the index does not notice a login between two process events
            is_reliable = self._feed is not None and self._feed.sees_writes and not index.needs_rescan
            return index if is_reliable else None
        finally:
            self._lock.release()

    def _has_index(self) -> bool:
        return self.index is not None

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        """Return at least the logins with these ids (None: all), including remembered ones whose records are gone.

        If the thread holds the lock for more than LOCK_SECONDS, the remembered logins are missing.
        Call ``drain`` before, so that the index is up to date.
        """
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            return self.direct.logins(look, ids)
        try:
            if self.index is None and ids is not None:
                # without an index nothing shows that kept logins are current: those that are requested are read
                self._scanned_members.begin()
                return self.memory.merge(self.direct.logins(look, ids), self._state_of, ids)
            if time.monotonic() > self._logins_until or self._watch.read() or self._may_miss_end():
                self._read_logins(look)
            return self._logins
        finally:
            self._lock.release()

    def owners(self, look: Look) -> PlaceOwners | None:
        """Return the owners of all places, up to date; None: there is no index. The caller must have the lock."""
        if self.index is None:
            return None
        logons = self.ownership.index(self.logins(look), self.direct.machine(look))
        self._owners.update(self.index.places, logons)
        return self._owners

    def _may_miss_end(self) -> bool:
        """Return whether a leader may have ended since the logins were read, unnoticed by the login watch."""
        if self.index is None:
            return True  # without an index, no end of a process is noticed
        entries = self.index.entries
        return any((entry := entries.get(pid)) is None or entry.ended for pid in self._unwatched_leaders)

    @property
    def locked(self) -> AbstractContextManager[object]:
        """Return the lock that guards the index."""
        return self._lock

    def _run(self) -> None:
        while not self._is_closed:
            try:
                self._follow_events()
            except LogonscopeError as error:
                # a failure such as a lack of descriptors is logged once while it lasts
                if error.message != self._failure:
                    _log.error("live: %s; all processes are read again", error)
                self._begin_again(error.message)
            except Exception:  # noqa: BLE001 -- logged with its traceback
                _log.exception("live: unexpected error; all processes are read again")
                self._begin_again("unexpected error, see the log")

    def _begin_again(self, reason: str) -> None:
        # no answer may come from an index that no thread keeps up to date
        with self._lock:
            self._disconnect(reason)
            self.index, self._retry_seconds = None, RETRY_SECONDS
        time.sleep(RETRY_SECONDS)

    def _follow_events(self) -> None:
        """Read events as they come, until the host is closed."""
        due: float | None = None  # the moment at which a batch and all other work are due
        connect_due = 0.0
        while not self._is_closed:
            now = time.monotonic()
            if self._feed is None and now >= connect_due:
                self._connect()
                connect_due = now + self._retry_seconds
                self._retry_seconds = min(MAX_RETRY_SECONDS, self._retry_seconds * 2)
            next_retry = connect_due if self._feed is None else None
            moments = (due, self._urgent_due, self._next_call, self._login_read_due, self._next_search, next_retry)
            earliest = min((moment for moment in moments if moment is not None), default=None)
            timeout = -1 if earliest is None else max(0.0, earliest - now)
            # without the lock, which answers need
            descriptors = [descriptor for descriptor, _ in self._epoll.poll(timeout)]
            with self._lock:
                if self._watch.fileno() in descriptors and self._watch.read():
                    self._login_read_due = max(time.monotonic(), self._next_login_read)
                    self._logins_until = 0.0
                if self._is_call_requested:
                    due = time.monotonic()
                for descriptor in descriptors:
                    if descriptor == self._wake:
                        self._drain_wake()
                        # with a new subscriber, a batch waits no longer
                        due = time.monotonic() if due is not None else None
                    elif descriptor in self._descriptors:
                        moment = self._note_readable(descriptor)
                        due = moment if due is None else min(due, moment)
                if self._login_read_due is not None and time.monotonic() >= self._login_read_due:
                    self._read_logins()
                    due = time.monotonic()
                work_moments = (due, self._next_call, self._next_search)
                if any(moment is not None and time.monotonic() >= moment for moment in work_moments):
                    due = time.monotonic() if self._work() else None
                elif self._urgent_due is not None and time.monotonic() >= self._urgent_due:
                    due = time.monotonic() if self._read_urgently() else due
                if due is None and self._feed is not None and self._feed.has_buffered_events:
                    due = time.monotonic() + self._delay

    def _note_readable(self, descriptor: int) -> float:
        """Note a readable descriptor of the feed; return the moment at which a batch and all other work are due."""
        now = time.monotonic()
        if self._feed is None:
            return now
        try:
            is_urgent, stop_polling_until_read = self._feed.notice(descriptor)
        except OSError as error:
            self._lose_feed(error)
            return now
        if stop_polling_until_read:
            self._epoll.modify(descriptor, 0)
        if is_urgent:
            self._urgent_due = max(now, self._next_urgent)
        return now + self._delay

    def _read_urgently(self) -> bool:
        """Read a batch because of a write, and do nothing else; return whether there are more events.

        The sooner a batch ends after a write, the fewer forks are in doubt because of the write. Only urgent readings
        are limited by URGENT_SHARE: if other readings counted, too, a busy machine would have no urgent readings.
        """
        began = time.monotonic()
        has_more = self._read_batch()
        self._poll_feed()
        # the time that was saved since the last urgent reading, less the time that this one took
        now, saved = time.monotonic(), began - self._next_urgent
        self._next_urgent = now - min(saved, URGENT_SECONDS / URGENT_SHARE) + (now - began) / URGENT_SHARE
        return has_more

    def _poll_feed(self) -> None:
        """Poll the descriptors of the feed again: what was readable has been read."""
        self._urgent_due = None
        for descriptor in self._descriptors:
            self._epoll.modify(descriptor, select.EPOLLIN)

    def _lose_feed(self, error: Exception) -> None:
        self._disconnect(f"the feed of events ended: {error}")
        self.index, self._retry_seconds = None, RETRY_SECONDS

    @property
    def _next_search(self) -> float | None:
        """Return when a terminal is searched for even without an event; None: no such search is due."""
        return None if self.index is None else self._terminal_searches.next_moment

    @property
    def _delay(self) -> float:
        if not self.subscribers:
            return QUIET_DELAY
        return CROWDED_DELAY if self._is_crowded else BUSY_DELAY

    @property
    def _login_share(self) -> float:
        return BUSY_LOGIN_SHARE if self.subscribers else LOGIN_SHARE

    def _work(self) -> bool:
        """Read a batch, then do some of the work that is not urgent; return whether there are more events."""
        self._is_call_requested = False
        has_more = self._read_batch()
        self._find_terminals()
        self._sweep()
        self._read_unread()
        self._next_call = None if self.after_batch is None else self.after_batch()
        if self.index is not None and (self.index.has_zombies or self.index.unread):
            # no event reports that a zombie is reaped or a hung read returns: checked soon, then less and less often
            max_delay = OUTLIVED_DELAY if self.index.outlived.is_waiting else MAX_ZOMBIE_DELAY
            doubled_delay = min(max_delay, self._zombie_delay * 2)
            self._zombie_delay = self._delay if self._had_records else doubled_delay
            moment = time.monotonic() + self._zombie_delay
            self._next_call = moment if self._next_call is None else min(moment, self._next_call)
        self._had_records = False
        self._poll_feed()
        return has_more

    def _drain_wake(self) -> None:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            pass

    def _connect(self) -> None:
        try:
            feed = self._open_feed()
        except (OSError, LogonscopeError) as error:
            # if there was a feed before, its absence is a failure, not a missing setup
            self._failure = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self._is_set_up = self._was_connected or not isinstance(error, NotSetUpError)
            return
        with self._lock:
            self._feed, self._failure = feed, ""
            reader = ProcReader(PROC, feed.cgroup_mounts)
            index = LiveIndex(reader, is_login_cgroup, _CLOCK_TICK_NS, sees_writes=feed.sees_writes)
            index.counts = self._counts
            # the counts are those of this service, whatever feed they came from
            if self._was_connected:
                self._counts.losses += 1  # there were no events in the meantime
            self._was_connected = True
            self._descriptors = feed.descriptors()
            for descriptor in self._descriptors:
                self._epoll.register(descriptor, select.EPOLLIN)
            self.index = index
            self._rescan()

    def _disconnect(self, reason: str) -> None:
        for descriptor in self._descriptors:
            self._epoll.unregister(descriptor)
        self._descriptors = ()
        if self._feed is not None:
            self._feed.close()
        self._feed, self._failure = None, reason

    def _read_batch(self) -> bool:
        """Read and apply a batch; return whether there are more events."""
        feed, index = self._feed, self.index
        if feed is None or index is None:
            return False
        try:
            batch = feed.read_batch()
            self._note_rate(len(batch.records))
            if batch.writes.logins or batch.writes.moves:
                self._logins_until = 0.0
            index.apply(batch, feed.read_writes)
        except SlowFeedError:
            return True
        except OSError as error:
            self._lose_feed(error)
            return False
        except Exception as error:
            self._lose_feed(error)  # a part of the batch is not applied
            raise
        if index.needs_rescan and not batch.is_partial:
            self._rescan()
        return batch.is_partial or feed.is_behind

    def _read_all_batches(self) -> bool:
        """Read the events until now; return whether SWEEP_BATCHES batches were enough."""
        return not all(self._read_batch() for _ in range(SWEEP_BATCHES))

    def _note_rate(self, record_count: int) -> None:
        """Count records, and note whether there were many in the time since the last note (CROWDED_RATE)."""
        self._had_records |= record_count > 0
        self._counted_records += record_count
        seconds = time.monotonic() - self._counting_since
        # not after a shorter time: requests read batches, too, shortly after the thread has read one
        if seconds >= BUSY_DELAY:
            self._is_crowded = self._counted_records > CROWDED_RATE * seconds
            self._counted_records, self._counting_since = 0, time.monotonic()

    def _rescan(self) -> None:
        if self._feed is not None and self.index is not None:
            self._feed.watch_namespaces()
            self.index.rescan()
            self._to_sweep, self._sweep_began = array("i"), time.monotonic()

    def _sweep(self) -> None:
        """Compare a few processes with /proc, and mend differences that new events do not explain."""
        now, index = time.monotonic(), self.index
        if index is None or now < self._next_sweep:
            return
        if not self._to_sweep:
            if self._sweep_began:
                self._sweep_seconds = now - self._sweep_began
            self._sweep_began = now
            self._to_sweep = array("i", index.entries)
            self._to_sweep.extend(pid for pid in list_pids(PROC) if pid not in index.entries)
            if self._feed is not None:
                self._feed.watch_namespaces()
        began = time.thread_time()
        pids = [self._to_sweep.pop() for _ in range(min(SWEPT_PIDS, len(self._to_sweep)))]
        differing = index.differing(pids)
        if differing and not self._read_all_batches():
            self._to_sweep.extend(differing)  # the events that may explain the differences are still to come
        elif differing:
            index.counts.mended += index.mend(index.differing(differing))
        # times 2: another thread, which reads /proc, takes about as much processor time as this one
        self._next_sweep = now + max(SWEEP_SECONDS, 2 * (time.thread_time() - began) / SWEEP_SHARE)

    def _read_unread(self) -> None:
        """Read again some of the processes whose reading hung."""
        now, index = time.monotonic(), self.index
        if index is None or not index.unread or now < self._next_unread:
            return
        began = time.thread_time()
        index.read_unread(SWEPT_PIDS)
        self._next_unread = now + max(SWEEP_SECONDS, (time.thread_time() - began) / UNREAD_SHARE)

    def _read_logins(self, look: Look | None = None) -> None:
        """Read the login records, and watch the leaders."""
        look = look or Look()
        if self.index is None:
            self._scanned_members.begin()
        else:
            self._indexed_members = IndexedMembers(self.index)
        began = time.monotonic()
        logins = self.memory.merge(self.direct.logins(look), self._state_of)
        now = time.monotonic()
        self._logins, self._logins_until = logins, now + LOGIN_SECONDS
        self._next_login_read, self._login_read_due = now + (now - began) / self._login_share, None
        self._unwatched_leaders = self._watch.watch_leaders(logins)
        without_terminal = (
            login for login in logins if login.process and not login.tty and not login.seen_tty and not login.gone
        )
        self._terminal_searches.follow(without_terminal, now)

    def _state_of(self, login: Login) -> LoginState:
        """Return the state of a login whose record is gone, from the index, or else from /proc."""
        index, start = self.index, login.process.start if login.process else None
        if index is None:
            leader = None if login.leader is None else self._proc_reader.read(login.leader)
            is_later = isinstance(leader, ReadFacts) and start is not None and leader.start != start
            is_gone = leader is None or is_later
            return LoginState(self._scanned_members.has_members(login), is_gone)
        if login.leader in index.unread:
            return LoginState(has_members=True, is_leader_gone=False)
        entry = None if login.leader is None else index.entries.get(login.leader)
        is_gone = entry is None or bool(entry.ended) or (start is not None and entry.start != start)
        # a process that cannot be read can belong to any login
        return LoginState(self._indexed_members.has_members(login) or bool(index.unread), is_gone)

    def _read_memberships(self) -> Iterable[Membership]:
        return self.direct.memberships(Look(), ProcessQuery(self.ownership.owner_facts))

    def _find_terminals(self) -> None:
        """Find the terminals of logins that have none in their record, while their leaders run."""
        index = self.index
        if index is None:
            return
        for login in self._terminal_searches.due(time.monotonic()):
            terminal = find_terminal(self.direct, self.ownership, index, login)
            if terminal is not None:
                self._terminal_searches.note_decided(login)
            if terminal is not None and terminal != login.seen_tty:
                self.memory.note_terminal(login, terminal)
                self._logins_until = 0.0
