"""``python -m tests.journal.kills 300``: kill a writing process at random moments; nothing acknowledged may be lost."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from tests.journal.kept import Kept

ROOT = Path(__file__).parents[2]


def kill_once(folder: Path, chance: random.Random, seconds: float = 1.2) -> tuple[int, int]:
    """Start a process that writes, and kill it; return the number that it acknowledged last, and what is kept."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, "-m", "tests.journal.victim", str(folder), str(chance.randrange(1 << 30))]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, cwd=ROOT)
    assert victim.stdout is not None
    first = victim.stdout.readline()
    time.sleep(chance.random() * seconds)
    victim.send_signal(signal.SIGKILL)
    acknowledged = int((first + victim.stdout.read()).decode().rpartition("\n")[0].split()[-1])
    victim.wait()
    victim.stdout.close()
    return acknowledged, check(folder, acknowledged)


def check(folder: Path, acknowledged: int, *, may_be_cut: bool = False) -> int:
    """Check a journal whose writer was killed; return the last number that is kept.

    Args:
        folder: of the journal.
        acknowledged: the last number that the writer had committed.
        may_be_cut: the commit after that may be in the log in part, as after a loss of power.
    """
    database = sqlite3.connect(f"file:{folder / 'journal.db'}?mode=ro", uri=True)
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    database.close()
    kept = Kept(folder)
    writer = kept.keeper.writer
    (through,) = kept.database.execute("SELECT coalesce(max(seq + n - 1), 0) FROM eventlog").fetchone()
    assert through >= acknowledged, f"{acknowledged} was acknowledged, and {through} is kept"
    # every number of the event log is there, without a gap since the oldest one
    spans = kept.database.execute("SELECT seq, n FROM eventlog ORDER BY seq").fetchall()
    assert all(first + count == following for (first, count), (following, _) in pairwise(spans))
    assert may_be_cut or not writer.losses
    kept.move_all()
    assert kept.verify().is_intact
    kept.keeper.stop()
    return int(through)


def main() -> None:
    """Kill as often as the command line says."""
    times, chance = int(sys.argv[1]), random.Random()  # noqa: S311 -- a test
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    for number in range(times):
        acknowledged, through = kill_once(folder / "history", chance)
        print(f"{number + 1}: {acknowledged} acknowledged, {through} kept", flush=True)
        if number % 10 == 9:
            shutil.rmtree(folder / "history")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
