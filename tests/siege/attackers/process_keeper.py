"""Processes of a user that are asked about, or acted on, for as long as standard input is open.

process_keeper UID KIND COUNT: `arguments`, with one of 33,000 characters; `threads`, a process of COUNT threads, whose
priority takes a while to set; `sleeping`, of which the arguments are SLEEP. Prints "ready" and the
numbers of the processes.
"""

import json
import os
import subprocess
import sys
import threading

from tests.siege.attackers.identity import become

ARGUMENT = 33_000
SLEEP = ("sleep", "86399.25")


def main() -> None:
    """Keep processes."""
    uid, kind, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    become(uid)
    words = [*SLEEP] if kind == "sleeping" else ["/bin/sh", "-c", "read line", "a" * ARGUMENT]
    processes = []
    if kind == "threads":
        threading.stack_size(1 << 16)
        for _ in range(count):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
    else:
        processes = [subprocess.Popen(words, stdin=subprocess.PIPE) for _ in range(count)]
    print("ready", json.dumps([process.pid for process in processes] or [os.getpid()]), flush=True)
    sys.stdin.read()
    for process in processes:
        process.kill()
        process.communicate()
    print("null")


if __name__ == "__main__":
    main()
