"""faces/cli/command_runner.py: how many commands run at once and how long, with real processes."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from logonscope.faces.cli.command_runner import MAX_RUNNING, MAX_WAITING, CommandRunner
from logonscope.faces.cli.event_command import Invocation
from logonscope.faces.cli.repeated_messages import RepeatedMessages
from tests.lab.systemd import wait_until


class Runs:
    """A runner, and what it reports."""

    def __init__(self, max_seconds: float = 30.0) -> None:
        self.lines: list[str] = []
        self.messages = RepeatedMessages(self.lines.append, 1000.0)
        self.runner = CommandRunner(self.messages, max_seconds)

    def add(self, *words: str) -> None:
        program = shutil.which(words[0]) or words[0]
        self.runner.add(Invocation(program, tuple(word.encode() for word in words), dict(os.environb)))

    def shell(self, script: str) -> None:
        self.add("sh", "-c", script)

    def wait_for(self, path: Path) -> str:
        def ended() -> bool:
            self.runner.step()
            return path.exists() and path.read_text().endswith("\n")

        wait_until(ended)
        return path.read_text()


@pytest.fixture
def runs() -> Iterator[Runs]:
    made = Runs()
    yield made
    made.runner.stop()


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a zombie whose new parent has not looked yet has ended
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_few_run_at_once_and_others_wait(runs: Runs, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    for number in range(MAX_RUNNING + MAX_WAITING):
        assert runs.runner.has_room
        runs.shell(f"read line < {gate}; echo {number} >> {tmp_path}/out")
    assert not runs.runner.has_room
    assert repr(runs.runner) == f"<CommandRunner: {MAX_RUNNING} running, {MAX_WAITING} waiting>"
    # opened for both, it blocks neither end
    with gate.open("r+b", buffering=0) as pipe:
        pipe.write(b"x\n" * (MAX_RUNNING + MAX_WAITING))
        runs.runner.finish()
    numbers = sorted(int(line) for line in (tmp_path / "out").read_text().split())
    assert numbers == list(range(MAX_RUNNING + MAX_WAITING))
    assert runs.lines == []


def test_failures_are_counted(runs: Runs) -> None:
    for _ in range(5):
        runs.add("false")
        runs.runner.finish()
    runs.shell("kill -KILL $$")
    runs.runner.finish()
    runs.add("/no/such/program")
    runs.runner.finish()
    runs.messages.finish()
    assert runs.lines == [
        "1 command failed: exit status 1",
        "6 commands failed, last: cannot run /no/such/program: No such file or directory",
    ]


def test_what_takes_too_long_is_killed_with_what_it_started(tmp_path: Path) -> None:
    runs = Runs(max_seconds=0.3)
    runs.shell(f"trap '' TERM; sleep 1000 & echo $$ $! > {tmp_path}/pids; wait")
    pids = [int(word) for word in runs.wait_for(tmp_path / "pids").split()]
    runs.runner.finish()
    assert runs.lines == ["1 command failed: killed after 0.3 s"]
    wait_until(lambda: not any(map(exists, pids)))


def test_what_cannot_be_killed_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "killpg", refuse)
    runs = Runs(max_seconds=0.1)
    runs.shell("sleep 0.4")
    runs.runner.finish()
    runs.messages.finish()
    late = "it runs for more than 0.1 s, and cannot be killed: it runs as another user"
    assert runs.lines == [f"1 command failed: {late}"]


def test_what_it_leaves_in_the_background_ends_with_it(runs: Runs, tmp_path: Path) -> None:
    runs.shell(f"sleep 1000 & echo $! > {tmp_path}/pid")
    pid = int(runs.wait_for(tmp_path / "pid"))
    runs.runner.finish()
    wait_until(lambda: not exists(pid))
    assert runs.lines == []


def test_stop_kills_what_runs_and_counts_what_waits(runs: Runs, tmp_path: Path) -> None:
    for number in range(MAX_RUNNING + 3):
        runs.shell(f"echo $$ > {tmp_path}/{number}; exec sleep 1000")
    pids = [int(runs.wait_for(tmp_path / str(number))) for number in range(MAX_RUNNING)]
    runs.runner.stop()
    assert not any(map(exists, pids))
    assert runs.lines == ["3 commands not started, because the watch was ended"]
    runs.runner.finish()


def test_a_command_has_no_input_and_no_ignored_signals(runs: Runs, tmp_path: Path) -> None:
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    runs.shell(f"""(wc -c; cut -d' ' -f6 /proc/$$/stat; echo $$; grep SigIgn /proc/self/status) > {tmp_path}/out""")
    runs.runner.finish()
    count, session, pid, _, ignored = (tmp_path / "out").read_text().split()
    assert (count, session) == ("0", pid)
    assert not int(ignored, 16) >> (signal.SIGPIPE - 1) & 1
