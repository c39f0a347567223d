"""Does one answer touch only what it is about? What ``logonscope whose PID`` opens on small and large hosts."""

import os
import re
import subprocess
from collections.abc import Iterator
from typing import NamedTuple

from bench.crowd import crowd
from bench.installed import Installed
from bench.logins import login_record
from bench.plan import Plan
from bench.table import Row
from bench.tools import ENVIRONMENT, UnavailableError, first_line, tool

QUESTION = "files opened by `logonscope whose PID`"
_PATH = re.compile(r'"([^"]*)"')


class Opens(NamedTuple):
    """Counts of one run, as strace(1) saw them."""

    proc: int  # opens below /proc
    listings: int  # opens of /proc itself
    total: int


def rows(plan: Plan, tools: str, ours: Installed) -> Iterator[Row]:
    """Count on a small host and on a large one, and compare."""
    try:
        counts = {size: _counted(size, tools, ours) for size in (plan.few, plan.size)}
    except UnavailableError as why:
        yield Row(QUESTION, "strace", f"not measured: {why}")
        return
    verdict = "equal: met" if len(set(counts.values())) == 1 else "equal: MISSED"
    for size, opens in counts.items():
        measured = f"{opens.proc} below /proc, {opens.listings} listings of it, {opens.total} in all"
        yield Row(QUESTION, f"{size:,} other processes", measured, aim=verdict)


def _counted(others: int, tools: str, ours: Installed) -> Opens:
    strace, log = tool("strace", "strace"), os.path.join(tools, "opens")
    trace = [strace, "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", log]
    # without a record, the logon session is described by all of its processes: a file of every process is opened
    with crowd(tools, 1, "own") as (pid,), crowd(tools, others, "own"), login_record(pid):
        words = [ours.logonscope, "whose", str(pid)]
        subprocess.run(words, capture_output=True, env=ENVIRONMENT, check=True)
        done = subprocess.run([*trace, *words], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    if done.returncode:
        raise UnavailableError(f"strace: {first_line(done.stderr)}")
    with open(log, encoding="utf-8", errors="replace") as file:
        paths = [match[1] for line in file if (match := _PATH.search(line))]
    return Opens(
        proc=sum(path.startswith("/proc/") for path in paths),
        listings=sum(path.rstrip("/") == "/proc" for path in paths),
        total=len(paths),
    )
