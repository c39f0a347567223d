"""How long may a read take? One that hangs is left behind in a thread of its own, and the answer goes on without it.

An argument list can live on a dead FUSE mount, and a directory service may never answer.
"""

import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, Queue
from typing import Any, Generic, Protocol, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

BATCH = 64
"""How many values pass from one thread to the other at a time: the hand-over costs more than a short read."""

_PAUSE = 0.005
"""Seconds between two looks whether there is room for another batch."""

MOST_LEFT_BEHIND = 4
"""How many reads may hang at once before nothing more of that kind is tried."""

MOST_IDLE = 4
"""Threads that are kept for the next call."""


class LeftBehindError(TimeoutError):
    """A call did not return in time; ``is_over`` says whether it has returned since."""

    def __init__(self, seconds: float, is_over: Callable[[], bool]) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.is_over = is_over


class Watch(Protocol):
    """Which part of a read may hang, and how long that part may take."""

    seconds: float

    def since(self, thread: int) -> float | None:
        """Return when that part of a read began in a thread; None: the thread is not in it."""

    def left_behind(self, item: Any, is_over: Callable[[], bool]) -> None:
        """Take note that a read is left behind; ``is_over`` says whether it has returned since."""


class TooManyHangError(TimeoutError):
    """So many calls hang already that no other one of that kind is tried."""


class Patience:
    """Runs calls that may hang, each in a thread that is kept for the next one, or left behind where the call hangs."""

    def __init__(self, most_left_behind: int = MOST_LEFT_BEHIND) -> None:
        self._most = most_left_behind
        self._idle: list[_Helper] = []
        self._left: set[_Helper] = set()
        self._lock = threading.Lock()  # held while those that are left behind are counted

    def call(self, seconds: float, call: Callable[[], Value]) -> Value:
        """Return what a call returns.

        Raises:
            LeftBehindError: it had not returned after this many seconds; its thread is left behind.
            TooManyHangError: more calls hang than may; this one was not tried.
        """
        with self._lock:
            self._left = {helper for helper in self._left if not helper.is_over}
            if len(self._left) >= self._most:
                raise TooManyHangError(f"no answer within {seconds:g} s")
        try:
            helper = self._idle.pop()
        except IndexError:
            try:
                helper = _Helper()
            except RuntimeError:  # no more threads may be started: an answer without patience is one, too
                return call()
        if not helper.run(call, seconds):
            with self._lock:
                self._left.add(helper)
            raise LeftBehindError(seconds, lambda: helper.is_over)
        value, error = helper.taken()
        if len(self._idle) < MOST_IDLE:
            self._idle.append(helper)
        else:
            helper.end()
        if error is not None:
            raise error
        result: Value = value
        return result


class _Helper:
    """A thread that runs one call after another."""

    def __init__(self) -> None:
        self.is_over = False
        self._call: Callable[[], Any] | None = None
        self._outcome: tuple[Any, BaseException | None] = None, None
        self._state = threading.Lock()  # held while a call is found to be finished, or to be left behind
        self._finished = self._left_behind = False
        self._asked, self._done = threading.Lock(), threading.Lock()
        self._asked.acquire()
        self._done.acquire()
        threading.Thread(target=self._run, daemon=True).start()

    def run(self, call: Callable[[], Any], seconds: float) -> bool:
        """Return whether the call returned in time; if not, the thread ends once it does."""
        self._call, self._finished = call, False
        self._asked.release()
        if self._done.acquire(timeout=seconds):
            return True
        with self._state:
            self._left_behind = not self._finished
        return self._finished and self._done.acquire()

    def taken(self) -> tuple[Any, BaseException | None]:
        """Return the value of the last call, or its error, and keep neither."""
        outcome, self._outcome = self._outcome, (None, None)
        return outcome

    def end(self) -> None:
        """End the thread, which waits for a call."""
        self._call = None
        self._asked.release()

    def _run(self) -> None:
        while self._asked.acquire() and (call := self._call) is not None:
            try:
                outcome: tuple[Any, BaseException | None] = call(), None
            except BaseException as error:  # noqa: BLE001 -- handed to the thread that asked
                outcome = None, error
            with self._state:
                if self._left_behind:
                    break
                self._outcome, self._finished, self._call = outcome, True, None
            del call, outcome  # until the next call there may be a long time
            self._done.release()
        self.is_over = True


_PATIENCE = Patience()


def within(seconds: float, call: Callable[[], Value]) -> Value:
    """Return what a call returns.

    Raises:
        TimeoutError: it had not returned after this many seconds; its thread is left behind.
    """
    return _PATIENCE.call(seconds, call)


def each(
    items: Iterator[Item],
    read: Callable[[Item], Value],
    instead: Callable[[Item], Value],
    seconds: float,
    watch: Watch | None = None,
) -> Iterator[Value]:
    """Yield read(item) for each item, in order; instead(item) where read had not returned after so many seconds.

    No item is None. With a ``watch``, its part of a read alone may be late, and it bounds how many reads are tried;
    without one, ``read`` is not called any more once MOST_LEFT_BEHIND of these reads hang.
    """
    left_behind = 0
    while watch is not None or left_behind < MOST_LEFT_BEHIND:
        try:
            worker = _Worker(items, read, watch)
        except RuntimeError:  # no more threads may be started
            yield from map(read, items)
            return
        try:
            while (batch := worker.batch(seconds if watch is None else watch.seconds)) is not None:
                yield from batch
        finally:
            rest, stuck = worker.leave()
        yield from rest
        if worker.error:
            raise worker.error
        if worker.done:
            return
        for item in stuck:
            left_behind += 1
            if watch is not None:
                watch.left_behind(item, lambda thread=worker.thread: not thread.is_alive())  # type: ignore[misc]
            yield instead(item)
    yield from map(instead, items)


class _Worker(Generic[Item, Value]):
    """Reads in a thread; hands over batches; can be left behind between or within two reads."""

    def __init__(self, items: Iterator[Item], read: Callable[[Item], Value], watch: Watch | None = None) -> None:
        self.error: BaseException | None = None
        self.done = False
        self._items = items
        self._read = read
        self._lock = threading.Lock()  # held by whoever takes an item, keeps a value, or leaves
        self._left = False
        self._batch: list[Value] = []
        self._at: list[Item] = []
        self._since = time.monotonic()
        self._watch = watch
        self._batches: Queue[list[Value] | None] = Queue(maxsize=3)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def batch(self, seconds: float) -> list[Value] | None:
        """Return the next values; None when all are read, or when one read has taken longer than so many seconds."""
        wait = seconds
        while True:
            try:
                batch = self._batches.get(timeout=wait)
            except Empty:
                since = self._since if self._watch is None else self._watch.since(self.thread.ident or 0)
                waited = 0.0 if since is None else time.monotonic() - since
                if self._at and waited >= seconds:
                    return None
                wait = max(seconds - waited, _PAUSE)
                continue
            self.done = batch is None
            return batch

    def leave(self) -> tuple[list[Value], list[Item]]:
        """Leave the thread behind; return what it has read and not handed over, and the item that it hangs on."""
        with self._lock:
            self._left = True
            rest: list[Value] = []
            while not self._batches.empty():
                batch = self._batches.get_nowait()
                self.done = batch is None
                rest += batch or ()
            return rest + self._batch, self._at

    def _run(self) -> None:
        try:
            for item in self._taken():
                value = self._read(item)
                with self._lock:
                    if self._left:
                        return
                    self._at = []
                    self._batch.append(value)
                if len(self._batch) >= BATCH:
                    self._hand_over()
        except BaseException as error:  # noqa: BLE001 -- handed to the thread that asked
            self.error = error
        self._hand_over(last=True)

    def _taken(self) -> Iterator[Item]:
        while True:
            with self._lock:
                item = None if self._left else next(self._items, None)
                if item is None:
                    return
                self._since, self._at = time.monotonic(), [item]
            yield item

    def _hand_over(self, *, last: bool = False) -> None:
        """Pass the batch on, and after the last one the end; waits while the reader of the answer is slower."""
        while True:
            with self._lock:
                if last:
                    self._at = []
                if self._left:
                    return
                if not self._batches.full():
                    self._batches.put_nowait(self._batch)
                    self._batch = []
                    break
            time.sleep(_PAUSE)
        if last:
            self._batches.put(None)
