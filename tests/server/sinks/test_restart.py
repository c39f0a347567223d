"""A sink over kill -9: every event that the history has is delivered, in its order, and each gap is in its place."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[3]
KILLS = 3


def run_and_kill(folder: Path, first: int, chance: random.Random) -> int:
    """Run the process, and kill it some time after its first commit; return the last event that is committed."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-m", "tests.server.sinks.victim", str(folder), str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=ROOT)
    assert process.stdout is not None
    line = process.stdout.readline()
    time.sleep(chance.random())
    process.send_signal(signal.SIGKILL)
    committed = int((line + process.stdout.read()).rpartition(b"\n")[0].split()[-1])
    process.wait()
    process.stdout.close()
    return committed


def delivered(folder: Path) -> list[int | None]:
    """Return the numbers in the file; None: a gap. A line that was cut off is left out."""
    numbers: list[int | None] = []
    for line in (folder / "events.jsonl").read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        numbers.append(int(event["attempt"]["user"]) if event["event"] == "LogonFailed" else None)
    return numbers


def test_what_is_committed_is_delivered_in_order(tmp_path: Path) -> None:
    chance = random.Random()  # noqa: S311 -- a test
    spans, first = [], 1
    for _ in range(KILLS):
        committed = run_and_kill(tmp_path, first, chance)
        spans.append(range(first, committed + 1))
        first = (committed // 100_000 + 1) * 100_000 + 1
    # the last process delivers what those before it had left, before its own events
    run_and_kill(tmp_path, first, chance)
    numbers = delivered(tmp_path)
    for span in spans:
        assert set(span) <= set(numbers)
    # again after a kill means from an earlier number on; otherwise in order, with a gap between two processes
    known = [number for number in numbers if number is not None]
    seen: list[int] = []
    for number in known:
        if not seen or number > seen[-1]:
            seen.append(number)
    assert seen == sorted(set(known))
    for before, after in pairwise(numbers):
        if before is not None and after is not None:
            assert after <= before + 1, "a gap that was not reported"
