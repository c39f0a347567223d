"""Terminals below a leader: found in the tree, known to be none, or not decided yet."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise

from logonscope.facts import Login, Process
from logonscope.machine import Look, ProcessQuery
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.index import LiveIndex
from logonscope.sources.live.proc_reader import ProcReader
from logonscope.sources.live.terminals import MAX_READ, TerminalSearches, find_terminal
from tests.kernel import require_logins

LEADER = """
import os, pty, sys
for uid in ("4294967295", "64321"):
    with open("/proc/self/loginuid", "w") as file:
        file.write(uid)
print(flush=True)
sys.stdin.readline()
pid = 0
if sys.argv[1] == "terminal":
    pid, master = pty.fork()
elif sys.argv[1] in ("none", "helper"):
    pid = os.fork()
if sys.argv[1] != "alone" and not pid:
    if sys.argv[1] != "helper":
        os.setuid(1000)
    os.execv("/bin/sleep", ["sleep", "1000"])
print(pid, flush=True)
sys.stdin.readline()
if pid:
    os.kill(pid, 9)
"""


class CountingSource(LinuxSource):
    """A source that counts the processes it was asked for."""

    asked = 0

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        """Read processes."""
        self.asked += len(query.pids or ())
        return super().processes(look, query)


def found_terminal(kind: str) -> tuple[str | None, str | None]:
    """Return the terminal that is found below a leader of a kind, and the one that its child has."""
    leader = subprocess.Popen(
        [sys.executable, "-c", LEADER, kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert leader.stdin is not None
    assert leader.stdout is not None
    leader.stdout.readline()
    leader.stdin.write("\n")
    leader.stdin.flush()
    child = int(leader.stdout.readline())
    deadline = time.monotonic() + 10
    while child and _comm(child) != "sleep":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    own = os.readlink(f"/proc/{child}/fd/0").removeprefix("/dev/") if child and kind == "terminal" else None
    source = LinuxSource()
    index = LiveIndex(ProcReader("/proc", ()), lambda _: False)
    index.rescan()
    (process,) = source.processes(Look(), ProcessQuery(LINUX.description_facts, pids=frozenset({leader.pid})))
    login = Login("41", 1000, leader=leader.pid, process=process, audit=process.ses, service="sshd", gone=False)
    terminal = find_terminal(source, LINUX, index, login)
    leader.communicate("\n")
    return terminal, own


def _comm(pid: int) -> str:
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read().strip()


def test_the_terminal_of_the_shell_is_that_of_the_login() -> None:
    require_logins()
    terminal, own = found_terminal("terminal")
    assert own is not None
    assert terminal == own


def test_a_command_without_a_terminal_decides_that_there_is_none() -> None:
    require_logins()
    assert found_terminal("none")[0] == ""


def test_a_program_of_root_in_the_login_of_a_user_decides_nothing() -> None:
    """Such as those that print the message of the day before the terminal is there."""
    require_logins()
    assert found_terminal("helper")[0] is None


def test_a_leader_alone_decides_nothing() -> None:
    require_logins()
    assert found_terminal("alone")[0] is None


def test_of_many_processes_below_a_leader_only_some_are_read() -> None:
    require_logins()
    script = "for i in $(seq 150); do sleep 1000 & done; echo; read x; kill $(jobs -p)"
    leader = subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert leader.stdout is not None
    leader.stdout.readline()
    source = CountingSource()
    index = LiveIndex(ProcReader("/proc", ()), lambda _: False)
    index.rescan()
    assert len(list(index.children(leader.pid))) == 150
    find_terminal(source, LINUX, index, Login("41", 1000, leader=leader.pid, service="sshd", gone=False))
    leader.communicate(b"\n")
    assert source.asked == MAX_READ


def test_a_terminal_is_searched_for_ever_less_often() -> None:
    searches, login = TerminalSearches(), Login("1", 1000, leader=5)
    moments = []
    searches.follow([login], 0)
    searches.note_decided(login)
    for moment in range(300):
        searches.follow([login], moment)
        if searches.due(moment):
            moments.append(moment)
    assert len(moments) < 16
    assert max(later - earlier for earlier, later in pairwise(moments)) == 60
    assert searches.next_moment is None  # without an event, there is no new terminal
    searches.follow([], 300)
    assert searches.due(10_000) == []


def test_what_is_not_decided_is_searched_for_every_second_of_the_first_minute() -> None:
    searches, login = TerminalSearches(), Login("1", 1000, leader=5)
    searches.follow([login], 0)
    moments, now = [], 0.0
    while now < 300 and searches.next_moment is not None:
        now = searches.next_moment
        assert searches.due(now) == [login]
        searches.follow([login], now)
        moments.append(now)
    within = [moment for moment in moments if moment < 60]
    assert max(later - earlier for earlier, later in pairwise(within)) <= 1
    assert len(within) < 70
    assert len(moments) - len(within) < 12
