"""faces/cli/watch.py: the command, with events of real processes, read by comparing or from the kernel."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests import example
from tests.conversation import reply

WATCH = [sys.executable, "-m", "logonscope", "--direct", "watch"]


@contextmanager
def watching(*words: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command; it is ready when it has said how it watches."""
    with subprocess.Popen([*WATCH, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        while "watching" not in line and process.poll() is None:
            line = process.stderr.readline()
        assert "watching" in line, line
        try:
            yield process
        finally:
            process.kill()


def run_child() -> int:
    """Run a process that lives long enough to be seen by any source of events; return its pid."""
    child = subprocess.Popen(["sleep", "2.5"])
    child.wait()
    return child.pid


QUERY = """SELECT * FROM __InstanceDeletionEvent WITHIN 1
WHERE TargetInstance ISA 'Win32_Process' AND TargetInstance.ProcessId = {}"""  # fmt: skip


def test_lines_are_written_as_things_happen_and_ctrl_c_ends_cleanly() -> None:
    with watching() as process:
        pid = run_child()
        assert process.stdout is not None
        for line in process.stdout:
            # on a busy machine its program is reported a moment after its start
            if f": started {pid} sleep 2.5" in line or f": {pid} runs sleep 2.5" in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_json_lines_can_be_read_by_a_script() -> None:
    child = subprocess.Popen(["sleep", "3"])
    with watching("-o", "jsonl", "--count", "1", QUERY.format(child.pid)) as process:
        child.wait()
        assert process.stdout is not None
        lines = map(json.loads, process.stdout)
        event = next(line for line in lines if line.get("event") != "Lost")
        assert process.wait(20) == 0
    assert event["class"] == "__InstanceDeletionEvent"
    assert (event["TargetInstance"]["Name"], event["TargetInstance"]["ProcessId"]) == ("sleep", child.pid)


def test_the_end_of_the_reader_of_a_pipe_ends_it() -> None:
    read, write = os.pipe()
    with subprocess.Popen(
        [*WATCH, "SELECT * FROM Win32_ProcessStartTrace WHERE ProcessName = 'no such name'"],
        stdout=write, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(write)
        assert process.stderr is not None
        process.stderr.readline()
        os.close(read)
        assert process.wait(20) != 0
        assert "Traceback" not in process.stderr.read()


def test_a_duration_ends_it_with_the_code_for_nothing_found() -> None:
    begin = time.monotonic()
    with watching("--for", "0.5s", "--failed") as process:
        assert process.wait(20) == 1
    assert time.monotonic() - begin > 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["watch", "--failed", "SELECT * FROM Win32_ProcessStartTrace"], "a query has conditions of its own"),
        (["watch", "-o", "ecs", "SELECT * FROM Win32_ProcessStartTrace"], "cannot print the results of a query as ecs"),
        (["watch", "-o", "sysmon", "--logons-only"], "Sysmon has no event for logons"),
        (["watch", "-o", "pids"], "watch does not list processes"),
        (["watch", "--count", "0"], "invalid count '0'"),
        (["watch", "--for", "x"], "invalid duration 'x'"),
        (["watch", "--watch"], "watch cannot be repeated"),
        (["watch"], "events are not supported by"),
    ],
)
def test_what_cannot_be_watched_is_rejected(
    words: list[str], message: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    host = example.recording(tmp_path_factory.mktemp("host"))
    code, _, err = reply([*words, "--host", str(host)])
    assert code == 2
    assert message in err
