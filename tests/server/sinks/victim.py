"""A process with a history and a sink to a file, until a test kills it: it prints which events are committed.

python -m tests.server.sinks.victim FOLDER FIRST
"""

import os
import sys
import time
from pathlib import Path

from logonscope.server.sinks.settings import SinkSettings, Target
from logonscope.server.sinks.sinks import FOLDER, Sinks
from tests.broker.kept_events import KeptEvents
from tests.hosts import ROOT
from tests.lab.systemd import wait_until
from tests.server.sinks.receivers import HOST


def main() -> None:
    """Publish failed logons with the numbers from FIRST on, for ever."""
    folder, first = Path(sys.argv[1]), int(sys.argv[2])
    host = KeptEvents(folder, most=200)
    host.count = first - 1
    settings = SinkSettings("disk", "file", Target("file", "", 0, str(folder / "events.jsonl")), max_bytes=1 << 30)
    sinks = Sinks((settings,), str(folder), HOST, lambda: host.source.request(ROOT))
    sinks.start()
    # a sink that has not begun delivers nothing of what is before
    wait_until((folder / FOLDER / "disk.json").exists, 60, "the checkpoint")
    while True:
        host.publish(20)
        # a part of what the sink gets live is not in the history when the process is killed
        if host.count % 100 == 0:
            host.write()
            os.write(1, b"%d\n" % host.count)
        time.sleep(0.005)


if __name__ == "__main__":
    main()
