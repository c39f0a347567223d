"""faces/cli/event_exec.py: the command for each event, with real processes, with whatever source of events there is."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from logonscope.answers.host_event import EVENT_NAMES, HostEvent
from logonscope.faces.cli.command_runner import MAX_RUNNING, MAX_WAITING
from logonscope.faces.cli.event_exec import ExecWriter
from tests.conversation import reply
from tests.faces.cli.test_command_runner import exists
from tests.faces.cli.test_event_text import ALICE
from tests.faces.cli.test_watch import run_child, watching
from tests.lab.systemd import wait_until

STARTED = HostEvent("LogonStarted", None, None, session=ALICE)


QUERY = """SELECT * FROM __InstanceOperationEvent WITHIN 1
WHERE TargetInstance ISA 'Win32_Process' AND TargetInstance.Name = '{}'"""  # fmt: skip


def test_a_command_is_run_for_each_event_and_raises_none_itself(tmp_path: Path) -> None:
    out, program = tmp_path / "out", tmp_path / f"s{os.getpid()}"
    shutil.copy("/bin/sleep", program)
    # each command starts the watched program itself, for long enough to be seen by any source of events
    command = f"""sh -c '{program} 1.5; echo "$1 $LOGONSCOPE_EVENT_TARGETINSTANCE_NAME" >> {out}' sh {{class}}"""
    with watching(QUERY.format(program.name), "--exec", command) as process:
        subprocess.run([program, "2.5"], check=True)
        wait_until(lambda: out.exists() and "__InstanceDeletionEvent" in out.read_text(), 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert process.stdout.read() == ""
    lines = out.read_text().splitlines()
    assert {line.split()[1] for line in lines} == {program.name}
    # no event twice: those of the programs that the commands started would be
    assert len(set(lines)) == len(lines)


def test_the_environment_has_the_values(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with watching("--count", "1", "--exec", f"sh -c 'env > {out}'") as process:
        run_child()
        assert process.wait(20) == 0
    variables = dict(line.split("=", 1) for line in out.read_text().splitlines() if line.startswith("LOGONSCOPE_EVENT"))
    assert variables["LOGONSCOPE_EVENT"] in EVENT_NAMES
    assert "LOGONSCOPE_EVENT_COMMAND_LINE" in variables


def test_ctrl_c_ends_what_runs(tmp_path: Path) -> None:
    with watching("--exec", f"sh -c 'echo $$ > {tmp_path}/pid.$$; exec sleep 1000'") as process:
        run_child()
        wait_until(lambda: list(tmp_path.glob("pid.*")), 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    pids = [int(path.suffix[1:]) for path in tmp_path.glob("pid.*")]
    wait_until(lambda: not any(map(exists, pids)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_termination_ends_what_runs(tmp_path: Path, number: signal.Signals) -> None:
    script = f"""
import os, sys
from logonscope.faces.cli.event_exec import ExecWriter
from tests.faces.cli.test_event_exec import STARTED
with ExecWriter("sh -c 'echo $$ > {tmp_path}/pid; exec sleep 1000'", print, is_query=False) as writer:
    writer.write(STARTED)
    while True:
        writer.step()
"""
    with subprocess.Popen([sys.executable, "-c", script]) as process:
        path = tmp_path / "pid"
        wait_until(lambda: path.exists() and path.read_text())
        process.send_signal(number)
        assert process.wait(20) == 128 + number
    assert not exists(int(path.read_text()))


def test_events_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    lines: list[str] = []
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with ExecWriter(f"sh -c 'read line < {gate}'", lines.append, is_query=False) as writer:
        for _ in range(MAX_RUNNING + MAX_WAITING + 7):
            writer.write(STARTED)
        assert writer.wait_seconds < 0.1
        writer.write(HostEvent("Lost", None, None, missed=5))
        pipe = gate.open("r+b", buffering=0)
        pipe.write(b"x\n" * (MAX_RUNNING + MAX_WAITING))
    pipe.close()
    reason = f"{MAX_RUNNING} commands were running, and {MAX_WAITING} events waiting"
    assert lines == [f"1 event dropped: {reason}", "5 events lost", f"6 events dropped: {reason}"]


def test_names_that_no_event_has_are_reported() -> None:
    lines: list[str] = []
    with ExecWriter("true {TargetInstance_Nam}", lines.append, is_query=True) as writer:
        writer.write(STARTED)
    assert lines == ["1 event without a value {TargetInstance_Nam}"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--exec", "no-such-program"], "cannot run 'no-such-program': no such program; give its path"),
        (["--exec", "echo {usr}"], "unknown value '{usr}'; the values are event, time"),
        (["--exec", ""], "invalid command '': expected a program"),
        (["--exec", "true", "-o", "jsonl"], "--exec runs a command instead"),
    ],
)
def test_what_is_rejected(words: list[str], message: str) -> None:
    code, out, err = reply(["--direct", "watch", *words])
    assert (code, out) == (2, "")
    assert message in err
