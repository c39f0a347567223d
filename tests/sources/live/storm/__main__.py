"""Print the table of figures in Markdown: ``make storm``; as root.

    python -m tests.sources.live.storm [--seconds SECONDS] [--lifetimes NUMBER] [PART ...]

The load runs in other processes; processor time is that of the process with the live host.
"""

import argparse
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.sources.live.history import build_program
from tests.sources.live.storm import answers, costs, subscribers, truth
from tests.sources.live.storm.kit import Options, Row

PARTS: dict[str, Callable[[Options], Iterator[Row]]] = {
    "idle": costs.idle,
    "execs-10": costs.execs_10,
    "execs-1600": costs.execs_1600,
    "forks": costs.forks,
    "storm": costs.storm,
    "lifetimes": costs.lifetimes,
    "memory": costs.memory,
    "logins": truth.logins,
    "logins-by-helper": truth.logins_by_helper,
    "reuse": truth.reuse,
    "latency": truth.latency,
    "stopped": truth.stopped,
    "full-queue": truth.full_queue,
    "pairs": answers.pairs,
    "one-session": answers.one_session,
    "event-latency": subscribers.latency,
    "event-cost": subscribers.cost,
    "subscribers": subscribers.crowd,
    "event-storm": subscribers.storm,
}


def main() -> None:
    """Measure the parts, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.sources.live.storm", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seconds", type=float, default=10, help="of a load")
    parser.add_argument("--lifetimes", type=int, default=1_000_000, help="number of the part `lifetimes`")
    arguments = parser.parse_args()
    # what the parts have changed and started is undone
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("| measure | figure | load average |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        options = Options(build_program(Path(folder)), arguments.seconds, arguments.lifetimes)
        for name in arguments.parts or PARTS:
            average = os.getloadavg()[0]
            for row in PARTS[name](options):
                print(f"| {row.measure} | {row.figure} | {average:.1f} |", flush=True)


if __name__ == "__main__":
    main()
