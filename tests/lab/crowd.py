"""Twenty thousand processes in two thousand logins on this kernel: every pair is right, before and after logout.

Run as root, beside nothing else: `make crowd`. Each login is a shell that has the kernel give it a kernel id, as
pam_loginuid does, tells which one that is, starts nine processes, three of them detached, and becomes a tenth. What the
shells tell is held against what is answered; then every leader ends, and the owners of the others may not change.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import logonscope

LOGINS, PROCESSES = 2000, 10
_LOGIN = """
echo {uid} > /proc/self/loginuid
i=0
while [ $i -lt 6 ]; do sleep 86400 & pids="$pids $!"; i=$((i + 1)); done
for i in 1 2 3; do setsid sleep 86400 & pids="$pids $!"; done
echo $(cat /proc/self/sessionid) $$ $pids
exec sleep 86400
"""


class Login:
    """A login of the crowd: its kernel id, its leader, and all of its processes."""

    def __init__(self, uid: int) -> None:
        command = ["sh", "-c", _LOGIN.format(uid=uid)]
        self._shell = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._shell.stdout is not None
        key, leader, *others = self._shell.stdout.readline().split()
        self._shell.stdout.close()
        self.logon_id, self.leader, self.pids = key, int(leader), [int(leader), *map(int, others)]

    def log_out(self) -> None:
        """End the leader alone."""
        self._shell.kill()
        self._shell.wait()
        self.pids.remove(self.leader)

    def end(self) -> None:
        """End what is left."""
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)


def asked(repeats: int = 3) -> Iterator[tuple[dict[int, str], float]]:
    """Ask for every pair; yield the answers and how long each took."""
    for _ in range(repeats):
        begin = time.perf_counter()
        with logonscope.connect() as host:
            answer = dict(host.session_processes())
        yield answer, time.perf_counter() - begin


def compared(crowd: list[Login], what: str) -> int:
    """Print how the answers compare with what the logins told; return how many pairs are not right."""
    expected = {pid: login.logon_id for login in crowd for pid in login.pids}
    wrong = missing = 0
    seconds = []
    for answer, took in asked():
        missing += len(expected.keys() - answer.keys())
        wrong += sum(1 for pid, logon_id in expected.items() if answer.get(pid, logon_id) != logon_id)
        seconds.append(took)
    keys = len({login.logon_id for login in crowd})
    print(f"| {what} | {len(expected):,} in {keys:,} | {wrong} | {missing} | {min(seconds):.2f} s |")
    return wrong + missing


def main() -> int:
    """Make the crowd, ask, log it out, ask again."""
    if os.geteuid():
        sys.exit("run as root: only root may set a login uid")
    crowd: list[Login] = []
    try:
        while len(crowd) < LOGINS:
            crowd.append(Login(60_000 + len(crowd) % 50))
        print("| when | processes in logins | wrong | missing | fastest answer |\n|---|---|---|---|---|")
        failures = compared(crowd, "all logged in")
        for login in crowd[::2]:
            login.log_out()
        failures += compared(crowd, "every second leader has ended")
        for login in crowd[1::2]:
            login.log_out()
        failures += compared(crowd, "every leader has ended")
    finally:
        for login in crowd:
            login.end()
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
