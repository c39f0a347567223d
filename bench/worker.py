"""One contestant of bench.compare: a process that runs operations of the logonscope that its environment puts first.

Requests are JSON lines on standard input, answers JSON lines on standard output. Only the public API is used, so that
checkouts with different internals can be compared.
"""

import contextlib
import gc
import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import logonscope

Work = Callable[[], int]
"""Runs an operation once and returns how many rows it gave."""

MIN_SECONDS = 0.05
"""An operation that is faster is repeated until one turn takes that long."""


def pairs() -> Work:
    """Ask for every (pid, LogonId) of this machine."""
    return lambda: _count(logonscope.connect().session_processes())


def enumerate_class(class_name: str) -> Work:
    """Ask for the instances of a class with all properties."""
    host = logonscope.connect()
    return lambda: _count(host.enumerate(class_name))


def get(path: str) -> Work:
    """Ask for one instance."""
    host = logonscope.connect()
    return lambda: len([host.get(path)])


def associators(path: str, result_class: str | None = None) -> Work:
    """Ask for associators, of one class or all."""
    host = logonscope.connect()
    return lambda: _count(host.associators(path, result_class=result_class))


def whose(pid: int) -> Work:
    """Ask whose a process is."""
    host = logonscope.connect()
    return lambda: len(host.whose(pid))


def session_of(pid: int) -> Work:
    """Ask for the logon session of a process."""
    host = logonscope.connect()
    return lambda: len([host.session_of(pid)])


def queries(recording: str, texts: list[str]) -> Work:
    """Run queries over a recorded host."""
    host = logonscope.connect(recording)
    return lambda: sum(_count(host.query(text)) for text in texts)


OPERATIONS: dict[str, Callable[..., Work]] = {
    operation.__name__: operation for operation in (
        pairs, enumerate_class, get, associators, whose, session_of, queries,
    )
}  # fmt: skip


class Worker:
    """The prepared operation, and how often one turn repeats it."""

    def __init__(self) -> None:
        self._work: Work = int

    def record(self, folder: str, size: int) -> dict[str, Any]:
        """Write a recording with the checkout's own bench, so that its format is the checkout's own."""
        from bench.recordings import recording  # noqa: PLC0415 -- few operations need it

        return {"path": recording(folder, size)}

    def prepare(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Prepare an operation, run it twice, and return its rows and the number of repetitions of one turn."""
        self._work = OPERATIONS[operation](**arguments)
        rows = self._work()
        return {"rows": rows, "repeat": max(1, math.ceil(MIN_SECONDS / self._run()))}

    def turn(self, repeat: int) -> dict[str, Any]:
        """Run the operation so often and return the median of the seconds that a run takes."""
        gc.collect()
        return {"seconds": median(self._run() for _ in range(repeat))}

    def _run(self) -> float:
        start = time.perf_counter()
        self._work()
        return time.perf_counter() - start

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request: the name of a method and its arguments."""
        method = getattr(self, request.pop("method"))
        try:
            answer: dict[str, Any] = method(**request)
        except Exception as error:  # noqa: BLE001 -- whatever fails is said in the table
            return {"error": f"{type(error).__name__}: {error}"}
        return answer


def main() -> None:
    """Answer requests until the input ends."""
    worker, answers = Worker(), sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # whatever is printed is no answer
        for line in sys.stdin:
            print(json.dumps(worker.answer(json.loads(line))), file=answers, flush=True)


def _count(rows: Iterator[Any]) -> int:
    """Consume rows without keeping them, and return their number."""
    counted = deque(enumerate(rows, 1), maxlen=1)
    return counted[0][0] if counted else 0


if __name__ == "__main__":
    main()
