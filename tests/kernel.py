"""Real logon sessions for tests: a clean process forks children that log in by writing their loginuid.

The kernel gives whoever writes /proc/self/loginuid a new audit session, as it does for a login program. The children
must come from a process without one, and forking is safe only where no threads are: so a process of its own forks
them. It runs this very file, told what to do line by line.
"""

import json
import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

UNSET = 4294967295
SOMEBODY = 64_321
"""A uid that nobody else logs in with on the machine that runs the tests."""
_READY = b"\n"


def require_logins() -> None:
    """Skip the test where no process can log in, or let it fail where everything is required."""
    from tests.lab.fixtures import skip_or_fail  # noqa: PLC0415 -- the process that runs this file has no pytest

    if os.geteuid() != 0:
        skip_or_fail("only root can make logon sessions")
    if not os.path.exists("/proc/self/sessionid"):
        skip_or_fail("this kernel keeps no audit session ids")
    if kernel_id(os.getpid()) != UNSET and not os.access("/proc/self/loginuid", os.W_OK):
        skip_or_fail("this process has an audit session that it cannot leave")


def cgroup_roots() -> list[str]:
    """Return where the hierarchies that login services use are mounted: cgroup2, and that of systemd beside version 1.

    Skip the test, or let it fail, where no directories can be made in them.
    """
    from tests.lab.fixtures import skip_or_fail  # noqa: PLC0415 -- as above

    with open("/proc/mounts", encoding="utf-8") as mounts:
        fields = [line.split() for line in mounts]
    roots = [words[1] for words in fields if words[2] == "cgroup2" or "name=systemd" in words[3].split(",")]
    if not roots or not all(os.access(root, os.W_OK) for root in roots):
        skip_or_fail("there is no hierarchy of cgroups to make directories in")
    return roots


def kernel_id(pid: int) -> int:
    """Return the kernel's word for the logon session of a process."""
    with open(f"/proc/{pid}/sessionid", "rb") as file:
        return int(file.read())


class Nursery:
    """Real logon sessions, as long as the test runs: ``with Nursery() as nursery: (pid,) = nursery.login(1000)``."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask("clean")

    def __enter__(self) -> Self:
        """Keep the logon sessions for a block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Log every user out."""
        self._process.communicate()

    def login(
        self,
        uid: int,
        count: int = 1,
        *,
        users: int = 1,
        become: bool = False,
        name: bytes = b"",
        zombie: bool = False,
    ) -> list[int]:
        """Log a user in so many times, and return the pids.

        Args:
            uid: who logs in.
            count: how often.
            users: so many, numbered on from that uid, take turns.
            become: each process also runs as that user; it stays root's otherwise.
            name: what each process calls itself.
            zombie: each process ends at once, and nobody waits for it.
        """
        order = {"become": become, "name": name.hex(), "zombie": zombie}
        pids: list[int] = self._ask("fork", uids=[uid + at % users for at in range(count)], **order)
        return pids

    def end(self, *pids: int) -> None:
        """End processes, and wait until they are gone."""
        self._ask("end", pids=pids)

    def move(self, pid: int, procs: str) -> None:
        """Move a process to another cgroup."""
        with open(procs, "w", encoding="ascii") as file:
            file.write(str(pid))

    def daemon(self) -> int:
        """Start a process that nobody logged in for."""
        (pid,) = self._ask("fork", uids=[None], become=False, name="", zombie=False)
        return int(pid)

    def _ask(self, order: str, **details: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"order": order} | details) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "refused" not in answer, answer
        return answer["done"]


def main() -> None:
    """Obey, until the test closes the line; every child ends with it."""
    held, hold = os.pipe()
    for line in sys.stdin:
        order = json.loads(line)
        try:
            done = _obey(order, held, hold)
        except OSError as error:
            answer: dict[str, object] = {"refused": str(error)}
        else:
            answer = {"done": done}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _obey(order: dict[str, Any], held: int, hold: int) -> Any:
    if order["order"] == "clean":
        if kernel_id(os.getpid()) != UNSET:
            _write("/proc/self/loginuid", str(UNSET).encode())  # CAP_AUDIT_CONTROL may
        return kernel_id(os.getpid()) == UNSET
    if order["order"] == "end":
        for pid in order["pids"]:
            os.kill(pid, signal.SIGKILL)
        for pid in order["pids"]:
            os.waitpid(pid, 0)
        return None
    ready, tell = os.pipe()
    pids = [_fork(uid, order, held, hold, tell) for uid in order["uids"]]
    left = len(pids)
    while left:
        left -= len(os.read(ready, left))
    os.close(ready)
    os.close(tell)
    if order["zombie"]:
        for pid in pids:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pids


def _fork(uid: int | None, order: dict[str, Any], held: int, hold: int, tell: int) -> int:
    if pid := os.fork():
        return pid
    try:
        os.close(hold)
        if uid is not None:
            _write("/proc/self/loginuid", str(uid).encode())
        if order["name"]:
            _write("/proc/self/comm", bytes.fromhex(order["name"]))
        if order["become"] and uid is not None:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
        os.write(tell, _READY)
        if not order["zombie"]:
            os.read(held, 1)
    finally:
        os._exit(0)


def _write(path: str, content: bytes) -> None:
    file = os.open(path, os.O_WRONLY)
    os.write(file, content)
    os.close(file)


if __name__ == "__main__":
    main()
