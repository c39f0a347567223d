"""The kernel's own history of hostile logins, and what a live host reported of the same processes."""

import shutil
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from logonscope.machine.events import Event, EventsLost, ProcessEnded
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.feed import LocalFeed
from logonscope.sources.live.host import LiveHost
from logonscope.sources.live.source import LiveSource
from tests.kernel import require_logins
from tests.lab.fixtures import skip_or_fail

PROGRAM = Path(__file__).with_name("logins.c")

MAX_TICKS_LATE = 500
"""Clock ticks by which the event of a fork may be later than the start of the process."""

NO_END = 10 * MAX_TICKS_LATE
"""What counts as the distance of a life whose end was not reported."""

Life = tuple[int, int, int, int]
"""Pid, start in clock ticks, kernel id at the end, and parent."""


class Comparison(NamedTuple):
    """What was reported of the processes in a history."""

    right: int
    unknown: int  # reported, but as not read
    wrong: list[str]
    missing: int  # not reported at all


def build_program(folder: Path) -> str:
    """Compile the program, and require what it needs."""
    require_logins()
    if shutil.which("gcc") is None:
        skip_or_fail("there is no C compiler")
    try:
        LocalFeed().close()
    except OSError as error:
        skip_or_fail(f"this machine gives no events: {error}")
    program = str(folder / "logins")
    subprocess.run(["gcc", "-O1", "-pthread", "-o", program, str(PROGRAM)], check=True)
    return program


def run_logins(program: str, *arguments: object) -> list[Life]:
    """Run it in a process without a kernel id, and return its history."""
    command = 'echo -n 4294967295 > /proc/self/loginuid; exec "$@"'
    done = subprocess.run(
        ["sh", "-c", command, "sh", program, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True
    )
    rows = (map(int, line.split()) for line in done.stdout.splitlines())
    return [(pid, start, ses, parent) for pid, start, ses, parent in rows]


class Listener:
    """A reader of all events of a live source, in a thread."""

    def __init__(self, source: LiveSource) -> None:
        self.events: list[Event] = []
        self._source = source
        threading.Thread(target=self._read, daemon=True).start()
        # the subscription begins in the thread
        deadline = time.monotonic() + 10
        while source.subscribers == 0 and time.monotonic() < deadline:
            time.sleep(0.01)

    def _read(self) -> None:
        for event in self._source.events():
            self.events.append(event)

    def wait_for_end_of(self, pid: int, seconds: float = 20) -> None:
        """Wait until the end of a process was reported: then all earlier ends were, too."""
        deadline = time.monotonic() + seconds
        while not any(isinstance(event, ProcessEnded) and event.process.pid == pid for event in self.events):
            assert time.monotonic() < deadline, f"the end of {pid} was not reported"
            time.sleep(0.05)


@contextmanager
def live_source() -> Iterator[LiveSource]:
    """Run a live source that reads the events of this machine itself."""
    host = LiveHost(LinuxSource(), LINUX, LocalFeed)
    host.start()
    source = LiveSource(host)
    try:
        yield source
    finally:
        source.close()


def settle(listener: Listener) -> None:
    """Wait until everything until now was reported: a last process is started and its end awaited."""
    last = subprocess.Popen(["true"])
    last.wait()
    listener.wait_for_end_of(last.pid)


def compare(history: list[Life], events: list[Event]) -> Comparison:
    """Compare the k-th life of a pid with the k-th that was reported, never by pid alone: it comes back in a storm."""
    assert not any(isinstance(event, EventsLost) and event.missed_events for event in events)
    ends: dict[int, list[ProcessEnded]] = defaultdict(list)
    for event in events:
        if isinstance(event, ProcessEnded):
            ends[event.process.pid].append(event)
    lives: dict[int, list[Life]] = defaultdict(list)
    for life in sorted(history, key=itemgetter(1)):
        lives[life[0]].append(life)
    right = unknown = missing = 0
    wrong = []
    for pid, lives_of_pid in lives.items():
        matched_ends = _match(lives_of_pid, ends[pid])
        for (_, start, ses, _), end in zip(lives_of_pid, matched_ends, strict=True):
            if end is None:
                missing += 1
            elif end.owner.logon_id is None:
                unknown += 1
            elif end.process.ses == ses:
                right += 1
            else:
                wrong.append(f"{pid} {start}: {end.process.ses}, not {ses}")
    return Comparison(right, unknown, wrong, missing)


def _match(lives: list[Life], ends: list[ProcessEnded]) -> list[ProcessEnded | None]:
    """Return the end of each life, in order; None where there is none that fits.

    Other programs have had this pid, too. Of all ways to leave ends out, the one counts in which the starts fit best:
    the event of a fork comes later than the start, by much where the machine is busy.
    """
    # for each number of ends: the worst sum of distances, and the ends chosen, for the lives until now
    best: list[tuple[int, list[ProcessEnded | None]]] = [(0, []) for _ in range(len(ends) + 1)]
    for _, start, _, parent in lives:
        row: list[tuple[int, list[ProcessEnded | None]]] = [(best[0][0] + NO_END, [*best[0][1], None])]
        for number, end in enumerate(ends):
            late = (end.process.start or 0) - start
            distance = 2 * abs(late) + (end.process.ppid != parent) if -1 <= late <= MAX_TICKS_LATE else 2 * NO_END
            row.append(
                min(
                    (best[number][0] + distance, [*best[number][1], end]),
                    (best[number + 1][0] + NO_END, [*best[number + 1][1], None]),
                    row[number],
                    key=itemgetter(0),
                )
            )
        best = row
    return best[-1][1]
