"""``python -m tests.journal.power_loss 300``: the power fails at random moments; nothing acknowledged may be lost."""

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.journal.crashing_disk import Call, crashes, trace_calls
from tests.journal.kills import ROOT, check

BATCHES = 60
"""Of 170 processes each: some moves and checkpoints, and a write-ahead log that begins again."""


def record(folder: Path, log: Path, batches: int = BATCHES) -> list[Call]:
    """Return the calls of a process that wrote a journal into a new folder, from the first acknowledgement on."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "tests.journal.victim", str(folder), "1", str(batches)]
    return trace_calls(command, log, environment, ROOT)


def lose_power(
    calls: list[Call], folder: Path, chance: random.Random, times: int, target: Path, *, honest: bool = True
) -> list[tuple[int, int]]:
    """Let the power fail so many times; return what was acknowledged each time, and what is kept."""
    first = next(number for number, call in enumerate(calls) if not call.path)
    moments = [chance.randrange(first + 1, len(calls) + 1) for _ in range(times)]
    kept = []
    for disk in crashes(calls, folder, moments, honest=honest):
        shutil.rmtree(target, ignore_errors=True)
        disk.crash(chance, target)
        kept.append((disk.acknowledged, check(target, disk.acknowledged, may_be_cut=True)))
    return kept


def main() -> None:
    """Lose power as often as the command line says."""
    times = int(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="power-") as temporary:
        folder = Path(temporary)
        calls = record(folder / "history", folder / "trace", 4 * BATCHES)
        chance = random.Random()  # noqa: S311 -- a test
        for number in range(0, times, 10):
            kept = lose_power(calls, folder / "history", chance, min(10, times - number), folder / "after")
            for acknowledged, through in kept:
                print(f"{acknowledged} acknowledged, {through} kept", flush=True)


if __name__ == "__main__":
    main()
