"""Load tests of the server: many clients request all rows at the same time; rows, waits and memory are checked.

`make load` has 1,000 clients of three users ask, then opens 10,000 enumerations, then sends 100,000 requests, and
prints a table of each.
"""

import re
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from bench.recordings import LOGINS, recording, snapshot
from bench.served import PEOPLE, Client, Served, served
from bench.tools import UnavailableError
from logonscope.server.process_limits import raise_open_files_limit
from tests.server.load_enumerations import enumerations_table, load_enumerations
from tests.server.load_requests import THIS_CHECKOUT, load_requests, requests_table

CLIENTS, PROCESSES = 1000, 10_000
USERS, ENUMERATIONS = 200, 50
REQUESTS = 100_000
CLASS, MAX_ELEMENTS = "Win32_SessionProcess", 32_000
_PAIR = re.compile(rb'Name="LogonId">(\d+)<.*?Name="Handle">(\d+)<')

Pairs = list[tuple[bytes, bytes]]


class Told(NamedTuple):
    """What one client was told: how many rows, what was wrong with them, and when it had them all."""

    user: str
    rows: int
    wrong: str
    seconds: float


class Report(NamedTuple):
    """What came of it; memory in KiB."""

    told: Sequence[Told]
    seconds: float
    cpu: float
    before: int
    peak: int

    @property
    def wrong(self) -> list[str]:
        """Return what was wrong with any answer."""
        return [f"{told.user}: {told.wrong}" for told in self.told if told.wrong]

    @property
    def unfairness(self) -> float:
        """Return how much longer the slowest client of a user took than the median one, at worst."""
        times = [[told.seconds for told in self.told if told.user == user] for user in PEOPLE]
        return max(max(seconds) / median(seconds) for seconds in times if seconds)


def expected(processes: int) -> Mapping[str, Pairs]:
    """Return the pairs of LogonId and Handle that each user sees, in their order."""
    host = snapshot(processes).processes
    return {
        user: [
            (b"%d" % (found.ses or 0), b"%d" % found.pid)
            for found in host
            if uid is None or LOGINS[found.ses or 0] == uid
        ]
        for user, uid in PEOPLE.items()
    }


def load(clients: int, processes: int) -> Report:
    """Let so many clients ask at once for the pairs of a host of so many processes."""
    crowd, contexts = str(clients + 10), str(clients)
    flags = [
        *("--max-connections", crowd, "--max-connections-per-address", crowd),
        *("--contexts", contexts, "--contexts-per-caller", contexts),
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        served(recording(folder, processes), *flags, environment=THIS_CHECKOUT) as server,
    ):
        # what is imported and looked up once; and users whose password was right once need not wait for each other
        for user in PEOPLE:
            with Client(server.port, user) as first:
                list(first.enumerate(CLASS, MAX_ELEMENTS))
        server.forget_peak()
        before, used, begin = server.memory(), server.cpu, time.perf_counter()
        told = _asked(server, clients, expected(processes))
        return Report(told, time.perf_counter() - begin, server.cpu - used, before, server.memory(peak=True))


def _asked(server: Served, clients: int, seen: Mapping[str, Pairs]) -> list[Told]:
    told, start, people = list[Told](), threading.Barrier(clients), list(PEOPLE)

    def ask(user: str) -> None:
        start.wait()
        begin = time.perf_counter()
        try:
            with Client(server.port, user) as client:
                rows, wrong = _checked(client, seen[user])
        except (OSError, UnavailableError) as error:
            rows, wrong = 0, repr(error)
        told.append(Told(user, rows, wrong, time.perf_counter() - begin))

    threads = [threading.Thread(target=ask, args=(people[at % len(people)],)) for at in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


def _checked(client: Client, seen: Pairs) -> tuple[int, str]:
    """Return how many rows came, and what was wrong with them: each has to come once, in its order, and no other."""
    count = 0
    for answer in client.enumerate(CLASS, MAX_ELEMENTS):
        found = _PAIR.findall(answer)
        if found != seen[count : count + len(found)]:
            return count, f"other rows than expected from row {count} on"
        count += len(found)
    return count, "" if count == len(seen) else f"{count} rows of {len(seen)}"


def table(report: Report) -> str:
    """Return the report as a table in Markdown."""
    lines = [
        "| user | clients | rows each | median | slowest | wrong or missing |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for user in PEOPLE:
        mine = [told for told in report.told if told.user == user]
        times = [told.seconds for told in mine]
        rows = ", ".join(f"{count:,}" for count in sorted({told.rows for told in mine}))
        wrong = sum(bool(told.wrong) for told in mine)
        lines.append(f"| {user} | {len(mine)} | {rows} | {median(times):.1f} s | {max(times):.1f} s | {wrong} |")
    count = sum(told.rows for told in report.told)
    rate, cpu = count / report.seconds, report.cpu / count * 1e6
    memory = f"memory {report.before >> 10} MiB before, {report.peak >> 10} MiB at most"
    lines += ["", f"{count:,} rows in {report.seconds:.1f} s: {rate:,.0f} a second, {cpu:.1f} µs each; {memory}."]
    return "\n".join(lines)


def main() -> int:
    """Print the three tables; return 1 where anything is wrong."""
    raise_open_files_limit()
    crowd = load(CLIENTS, PROCESSES)
    print(table(crowd), flush=True)
    enumerations = load_enumerations(USERS, ENUMERATIONS)
    print("", enumerations_table(enumerations), sep="\n", flush=True)
    requests = load_requests(REQUESTS)
    print("", requests_table(requests), sep="\n")
    wrong = {*crowd.wrong, *enumerations.faults, *requests.wrong}
    print(*sorted(wrong), sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
