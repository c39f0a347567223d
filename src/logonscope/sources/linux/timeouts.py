"""Reads with a timeout: a read that hangs is abandoned in a thread of its own, and the answer goes on without it.

The argument list of a process can lie on a dead FUSE mount, and a directory service may never answer. Python cannot
interrupt such a system call, so the only way to go on is to let its thread hang.
"""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

BATCH = 64
"""Number of values in the first batch that one thread hands to another: a hand-over costs more than a short read."""

MAX_BATCH = 256
"""Maximum number of values in a batch: each batch has twice as many as the one before, up to this number."""

_PAUSE = 0.005
"""Seconds between two checks whether the queue has room for another batch."""

MAX_ABANDONED = 4
"""Number of hanging calls in a pool, or of hanging reads in ``read_each``, at which no more are tried."""

MAX_IDLE = 4
"""Number of idle threads that are kept for the next calls."""


class AbandonedCallError(TimeoutError):
    """A call did not return in time, and its thread was abandoned; ``is_over()``: whether the call has returned."""

    def __init__(self, seconds: float, is_over: Callable[[], bool]) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.is_over = is_over


class TooManyHungCallsError(TimeoutError):
    """A call was not tried: too many calls of that kind hang already."""

    def __init__(self) -> None:
        super().__init__("not tried: too many other calls hang")


class ReadWatch(Protocol):
    """The part of a read that may hang, and how many seconds that part may take."""

    seconds: float

    def started_at(self, thread: int) -> float | None:
        """Return the time.monotonic() at which a thread entered that part of a read; None: it is not in that part."""

    def abandoned(self, item: Any, is_over: Callable[[], bool]) -> None:
        """Record that the read of an item was abandoned; ``is_over()`` is true once the read has returned."""


class CallPool:
    """Runs calls that may hang, each in a thread of a pool. The thread of a call that hangs is abandoned."""

    def __init__(self, max_abandoned: int = MAX_ABANDONED) -> None:
        self._max_abandoned = max_abandoned
        self._idle_threads: list[_PoolThread] = []
        self._abandoned_threads: set[_PoolThread] = set()
        self._lock = threading.Lock()  # guards the set of abandoned threads

    def call(self, seconds: float, call: Callable[[], Value]) -> Value:
        """Return the value of a call, or raise its error.

        If no thread can be started, the call runs in this thread, without a timeout.

        Raises:
            AbandonedCallError: the call had not returned after this many seconds; its thread is abandoned.
            TooManyHungCallsError: the maximum number of calls hang already; this call was not tried.
        """
        with self._lock:
            self._abandoned_threads = {thread for thread in self._abandoned_threads if not thread.is_over()}
            if len(self._abandoned_threads) >= self._max_abandoned:
                raise TooManyHungCallsError
        # not "if idle: pop": between "if" and "pop", another caller may take the last thread
        try:
            pool_thread = self._idle_threads.pop()
        except IndexError:
            try:
                pool_thread = _PoolThread()
            except RuntimeError:
                # a call without a timeout is better than no answer
                return call()
        if not pool_thread.run(call, seconds):
            with self._lock:
                self._abandoned_threads.add(pool_thread)
            raise AbandonedCallError(seconds, pool_thread.is_over)
        value, error = pool_thread.take_outcome()
        if len(self._idle_threads) < MAX_IDLE:
            self._idle_threads.append(pool_thread)
        else:
            pool_thread.end()
        if error is not None:
            raise error
        result: Value = value
        return result


class _PoolThread:
    """A thread that runs one call after another.

    The two locks ``_call_ready`` and ``_call_done`` are used as signals: one thread acquires a lock that another thread
    releases. This costs less than a queue or an event.
    """

    def __init__(self) -> None:
        self._has_ended = False
        self._call: Callable[[], Any] | None = None
        self._outcome: tuple[Any, BaseException | None] = None, None
        # held to mark a call as finished (by this thread) or as abandoned (by its caller): only one of the two happens
        self._state_lock = threading.Lock()
        self._is_finished = self._is_abandoned = False
        self._call_ready, self._call_done = threading.Lock(), threading.Lock()
        self._call_ready.acquire()
        self._call_done.acquire()
        threading.Thread(target=self._run, daemon=True).start()

    def is_over(self) -> bool:
        """Return whether the thread has ended: an abandoned one ends when its call returns."""
        return self._has_ended

    def run(self, call: Callable[[], Any], seconds: float) -> bool:
        """Run a call; return whether it returned in time. Otherwise the thread is abandoned."""
        self._call, self._is_finished = call, False
        self._call_ready.release()
        if self._call_done.acquire(timeout=seconds):
            return True
        # The call may return just now, after the timeout and before the lock is held. Then its outcome counts: an
        # abandoned thread would end, and the value would be lost although it is there.
        with self._state_lock:
            self._is_abandoned = not self._is_finished
        # the finished thread still releases _call_done: it is acquired here, or the next call would seem done at once
        return self._is_finished and self._call_done.acquire()

    def take_outcome(self) -> tuple[Any, BaseException | None]:
        """Return the value of the last call, or its error, and drop both: an idle thread keeps nothing alive."""
        outcome, self._outcome = self._outcome, (None, None)
        return outcome

    def end(self) -> None:
        """End the thread, which waits for a call."""
        self._call = None
        self._call_ready.release()

    def _run(self) -> None:
        while self._call_ready.acquire() and (call := self._call) is not None:
            try:
                outcome: tuple[Any, BaseException | None] = call(), None
            except BaseException as error:  # noqa: BLE001 -- handed to the calling thread
                outcome = None, error
            with self._state_lock:
                if self._is_abandoned:
                    break
                self._outcome, self._is_finished, self._call = outcome, True, None
            # the next call may be a long time off; until then these locals would keep the call and its value alive
            del call, outcome
            self._call_done.release()
        self._has_ended = True


class ChainedReads(Generic[Item, Value]):
    """Reads in one call that may be abandoned; each value determines the next item, as a process its parent."""

    def __init__(
        self, first_item: Item, read: Callable[[Item], Value | None], choose_next: Callable[[list[Value]], Item | None]
    ) -> None:
        """Prepare the reads; ``choose_next`` returns the item to read after these values, None to end."""
        self.values: list[Value] = []
        self._item: Item = first_item
        self._read, self._choose_next = read, choose_next

    def run(self) -> list[Value]:
        """Read until an item gives None or no item follows; return the values."""
        # if the call is abandoned, ``end`` replaces the list: values that this thread adds later get lost
        values, item = self.values, self._item
        while (value := self._read(item)) is not None and values is self.values:
            values.append(value)
            next_item = self._choose_next(values)
            if next_item is None:
                break
            self._item = item = next_item
        return values

    def end(self) -> Item:
        """End the reads after an abandoned call; return the item that hangs. ``values`` has the values before it."""
        self.values = self.values[:]
        return self._item


_POOL = CallPool()


def call_within(seconds: float, call: Callable[[], Value]) -> Value:
    """Return the value of a call, or raise its error. If no thread can be started, there is no timeout.

    Raises:
        TimeoutError: the call had not returned after this many seconds, and its thread is abandoned; or the call was
            not tried, because too many calls hang.
    """
    return _POOL.call(seconds, call)


def read_each(
    items: Iterator[Item],
    read: Callable[[Item], Value],
    read_instead: Callable[[Item], Value],
    seconds: float,
    watch: ReadWatch | None = None,
) -> Iterator[Value]:
    """Yield read(item) for each item, in order; yield read_instead(item) if the read did not return in time.

    Args:
        items: may not contain None.
        read: is called in another thread; if none can be started, in this thread, without a timeout.
        read_instead: returns the value of an item whose read was abandoned, or not tried.
        seconds: the timeout of one read.
        watch: times only a part of each read, with its own ``seconds``, and records which reads hang. Without a watch,
            ``read`` is not called any more once MAX_ABANDONED reads hang.
    """
    abandoned_reads = 0
    # each turn of this loop is one worker thread: it reads until all is read, or until one of its reads hangs
    while watch is not None or abandoned_reads < MAX_ABANDONED:
        try:
            worker = _Worker(items, read, watch)
        except RuntimeError:  # no more threads can be started
            yield from map(read, items)
            return
        try:
            while (batch := worker.next_batch(seconds if watch is None else watch.seconds)) is not None:
                yield from batch
        finally:
            # also if the caller closes this iterator: the worker must stop reading
            remaining_values, hung_items = worker.abandon()
        yield from remaining_values
        if worker.error:
            raise worker.error
        if worker.is_complete:
            return
        for item in hung_items:
            abandoned_reads += 1
            if watch is not None:
                # only the thread is passed: a bound method of the worker would keep its values alive, too
                watch.abandoned(item, partial(_has_ended, worker.thread))
            yield read_instead(item)
    yield from map(read_instead, items)


def _has_ended(thread: threading.Thread) -> bool:
    return not thread.is_alive()


class _Worker(Generic[Item, Value]):
    """A thread that reads items in order and hands over the values in batches.

    It can be abandoned at any moment, between two reads or within one. No value is lost and no item is read twice:
    every step that takes an item, keeps a value or abandons the thread holds ``_lock``, so that at any moment an item
    is either not taken yet, or in ``_current``, or its value is in ``_batch`` or in ``_batches``.
    """

    def __init__(self, items: Iterator[Item], read: Callable[[Item], Value], watch: ReadWatch | None = None) -> None:
        self.error: BaseException | None = None
        self.is_complete = False  # all items are read, and all values handed over
        self._items = items
        self._read = read
        self._lock = threading.Lock()
        self._is_abandoned = False
        self._batch: list[Value] = []
        self._current: list[Item] = []  # the item that is being read, or none
        self._read_since = time.monotonic()
        self._watch = watch
        from queue import Queue  # noqa: PLC0415 -- only readings of the whole host need it

        self._batch_size = BATCH
        # a short queue: the reading may not run far ahead of an answer that is sent slowly
        self._batches: Queue[list[Value] | None] = Queue(maxsize=1)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def next_batch(self, seconds: float) -> list[Value] | None:
        """Return the next values; None when all items are read, or when one read has taken longer than ``seconds``.

        A long wait for the queue does not show that a read hangs: a batch of short reads may take longer than the
        timeout of one read. So after each wait the age of the current read is checked. The next wait is as long as this
        read may still take.
        """
        from queue import Empty  # noqa: PLC0415 -- see __init__

        wait = seconds
        while True:
            try:
                batch = self._batches.get(timeout=wait)
            except Empty:
                start = self._read_since if self._watch is None else self._watch.started_at(self.thread.ident or 0)
                read_age = 0.0 if start is None else time.monotonic() - start
                if self._current and read_age >= seconds:
                    return None
                # never 0: the thread may be between two reads, and this loop must not spin
                wait = max(seconds - read_age, _PAUSE)
                continue
            self.is_complete = batch is None
            return batch

    def abandon(self) -> tuple[list[Value], list[Item]]:
        """Abandon the thread; return the values that were not handed over yet, and the item that it hangs on."""
        with self._lock:
            self._is_abandoned = True
            remaining_values: list[Value] = []
            # the thread may have put batches, even the last one, between the timeout and this lock
            while not self._batches.empty():
                batch = self._batches.get_nowait()
                self.is_complete = batch is None
                remaining_values += batch or ()
            return remaining_values + self._batch, self._current

    def _run(self) -> None:
        try:
            for item in self._take_items():
                value = self._read(item)
                with self._lock:
                    # an abandoned read: its item was answered by ``read_instead``, so its value must not follow
                    if self._is_abandoned:
                        return
                    self._current = []
                    self._batch.append(value)
                if len(self._batch) >= self._batch_size:
                    self._hand_over()
                    self._batch_size = min(2 * self._batch_size, MAX_BATCH)
        except BaseException as error:  # noqa: BLE001 -- handed to the calling thread
            self.error = error
        self._hand_over(last=True)

    def _take_items(self) -> Iterator[Item]:
        while True:
            # the next worker goes on with the same iterator: an abandoned one must not take another item
            with self._lock:
                item = None if self._is_abandoned else next(self._items, None)
                if item is None:
                    return
                self._read_since, self._current = time.monotonic(), [item]
            yield item

    def _hand_over(self, *, last: bool = False) -> None:
        """Put the batch into the queue, and None after the last batch; wait while the queue is full."""
        while True:
            # a put that blocks would hold the lock, and the thread could not be abandoned: hence try and pause
            with self._lock:
                if last:
                    # a read that raised an error leaves its item here, but nothing is being read any more
                    self._current = []
                if self._is_abandoned:
                    return
                if not self._batches.full():
                    self._batches.put_nowait(self._batch)
                    self._batch = []
                    break
            time.sleep(_PAUSE)
        if last:
            # this may block while the queue is full, until next_batch or abandon takes a batch: hence outside the lock
            self._batches.put(None)
