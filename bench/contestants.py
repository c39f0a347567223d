"""Contestants of bench.compare: processes that run operations of the base, of this checkout, and of the base again."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

from bench.checkout import Checkout
from bench.contest import Turn, all_rounds
from bench.ratios import Comparison
from bench.tools import UnavailableError

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 10.0
SAME_ROWS = 0.02
"""Share of the rows by which contestants may differ: the machine's own processes come and go."""

Three = tuple["Contestant", "Contestant", "Contestant"]


class Row(NamedTuple):
    """One line of the table: an operation, its comparison or why there is none, and a remark."""

    operation: str
    comparison: Comparison | None
    remark: str = ""


class Contestant:
    """A worker process that imports logonscope from one checkout and stays for many operations."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER)], env=checkout.environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=PATIENCE)
        finally:
            self._process.kill()

    def ask(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        """Have the worker run a method and return its answer.

        Raises:
            UnavailableError: the operation fails in this checkout.
        """
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            raise UnavailableError("the worker has no pipes")
        print(json.dumps({"method": method, **arguments}), file=requests, flush=True)
        answer: dict[str, Any] = json.loads(answers.readline() or '{"error": "the worker has ended"}')
        if "error" in answer:
            raise UnavailableError(f"{self.checkout.root}: {answer['error']}")
        return answer

    def turn(self, repeat: int) -> float:
        """Run the prepared operation so often and return the seconds that one run takes."""
        return float(self.ask("turn", repeat=repeat)["seconds"])


@contextmanager
def contestants(base: Checkout, here: Checkout) -> Iterator[Three]:
    """Start the three workers for the time of a ``with`` block."""
    with ExitStack() as stack:
        yield (
            stack.enter_context(Contestant(base)),
            stack.enter_context(Contestant(here)),
            stack.enter_context(Contestant(base)),
        )


def compared(name: str, three: Three, rounds: int, operation: str, **arguments: Any) -> Row:
    """Compare an operation in all three workers, each with the same arguments."""
    return compared_each(name, three, rounds, operation, [arguments] * len(three))


def compared_each(name: str, three: Three, rounds: int, operation: str, arguments: list[dict[str, Any]]) -> Row:
    """Compare an operation in all three workers, each with arguments of its own."""
    try:
        prepared = [
            worker.ask("prepare", operation=operation, **own) for worker, own in zip(three, arguments, strict=True)
        ]
    except UnavailableError as why:
        return Row(name, None, str(why))
    repeat = int(prepared[0]["repeat"])
    base_rows, here_rows, _ = (int(answer["rows"]) for answer in prepared)
    alike = abs(here_rows - base_rows) <= base_rows * SAME_ROWS
    remark = "" if alike else f"base has {base_rows:,} rows, here are {here_rows:,}"
    return Row(name, in_turn([partial(worker.turn, repeat) for worker in three], rounds), remark)


def in_turn(turns: Sequence[Turn], rounds: int) -> Comparison:
    """Let the base, this checkout and the base again take turns, round by round."""
    seconds = all_rounds({str(number): turn for number, turn in enumerate(turns)}, rounds)
    return Comparison(*seconds.values())
