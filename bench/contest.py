"""How long does each contestant take? All take their turns round by round, so that a busy moment hits all alike."""

import gc
import os
import time
from collections.abc import Callable, Mapping
from statistics import median

from bench.tools import ENVIRONMENT, UnavailableError

Turn = Callable[[], float]
"""One turn of a contestant: returns the seconds that it took."""


class Field:
    """Who takes part; one that cannot, here, keeps the reason."""

    def __init__(self) -> None:
        self.turns: dict[str, Turn] = {}
        self.absent: dict[str, str] = {}

    def enter(self, name: str, prepare: Callable[[], Turn]) -> None:
        """Let a contestant take part if it can be prepared."""
        try:
            self.turns[name] = prepare()
        except UnavailableError as why:
            self.absent[name] = f"not available here: {why}"


def contest(turns: Mapping[str, Turn], rounds: int) -> dict[str, float]:
    """Return each contestant's median of so many rounds."""
    return {name: median(seconds) for name, seconds in all_rounds(turns, rounds).items()}


def all_rounds(turns: Mapping[str, Turn], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each contestant's turns, round by round, after one round that does not count.

    Each round begins with another contestant, so that none always follows the same one.
    """
    names = list(turns)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            gc.collect()
            duration = turns[name]()
            if number:
                seconds[name].append(duration)
    return seconds


def call(work: Callable[[], object]) -> Turn:
    """Return the turn that calls a function."""

    def turn() -> float:
        begin = time.perf_counter()
        result = work()
        took = time.perf_counter() - begin
        del result
        return took

    return turn


def command(words: list[str], environment: Mapping[str, str] = ENVIRONMENT) -> Turn:
    """Return the turn that runs a whole command, from its start to its end, without output."""

    def turn() -> float:
        begin = time.perf_counter()
        pid = os.posix_spawn(words[0], words, environment, file_actions=_SILENT)
        _, status = os.waitpid(pid, 0)
        took = time.perf_counter() - begin
        if status:
            raise UnavailableError(f"`{' '.join(words)}` ended with {os.waitstatus_to_exitcode(status)}")
        return took

    return turn


_SILENT = [(os.POSIX_SPAWN_OPEN, file, os.devnull, os.O_RDWR, 0) for file in range(3)]
