"""Processes of a user whose arguments hang on a dead FUSE mount, and others after them, of higher numbers.

hung_holder UID HUNG OTHERS. Prints "ready" and the numbers of both.
"""

import json
import os
import stat
import subprocess
import sys

from tests.lab.hung_process import DEVICE, hung_processes
from tests.siege.attackers.process_keeper import SLEEP

DEVICE_NUMBER = os.makedev(10, 229)
"""Of /dev/fuse (Linux, Documentation/admin-guide/devices.txt), which the machine's own /dev has not."""


def main() -> None:
    """Keep both until standard input ends."""
    uid, count, others = map(int, sys.argv[1:])
    if not os.path.exists(DEVICE):
        os.mknod(DEVICE, 0o600 | stat.S_IFCHR, DEVICE_NUMBER)
    with hung_processes(uid, count) as hung:
        sleeping = [subprocess.Popen(SLEEP, user=uid, group=uid, extra_groups=[]) for _ in range(others)]
        print("ready", json.dumps({"hung": hung, "others": [process.pid for process in sleeping]}), flush=True)
        sys.stdin.read()
        for process in sleeping:
            process.kill()
            process.wait()
    print("null")


if __name__ == "__main__":
    main()
