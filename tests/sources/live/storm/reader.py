"""A live source that prints its state, as JSON, at first and for each line of its standard input."""

import gc
import json
import sys
import time

from logonscope.machine import Look, ProcessQuery
from logonscope.sources.live.source import LiveSource
from tests.sources.live.history import live_source
from tests.sources.live.storm.kit import State, differences, resident


def describe(source: LiveSource, *, compare: bool) -> State:
    """Return the state, after all events were read."""
    list(source.memberships(Look(), ProcessQuery(frozenset({"ses"}), pids=frozenset())))
    cpu = time.process_time()
    difference_count = differences(source) if compare else None
    gc.collect()
    status = source.status
    counts = status.counts
    return State(
        status.processes, resident(), cpu, counts.losses, counts.lost_events, counts.mended,
        counts.logons_not_determined, difference_count,
    )  # fmt: skip


def main() -> None:
    """Run it until the standard input ends."""
    with live_source() as source:
        print(json.dumps(describe(source, compare=False)), flush=True)
        for line in sys.stdin:
            print(json.dumps(describe(source, compare=line == "compare\n")), flush=True)


if __name__ == "__main__":
    main()
