"""watch --exec through a service with kernel events: what its commands start raises no events, orphans included."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from logonscope.sources.live.feed import LocalFeed
from tests.lab.fixtures import skip_or_fail
from tests.lab.systemd import wait_until
from tests.server.running import RunningServer, running
from tests.sources.live.history import live_source

QUERY = "SELECT * FROM Win32_ProcessStopTrace WHERE ProcessName = '{}'"

SCRIPT = """#!/bin/sh
# a child
{program} 0.5
echo "child $1" >> {folder}/done
# an orphan: its parent ends at once
(sh -c "{program} 0.5; echo orphan $1 >> {folder}/done" &)
# an orphan in a process session of its own, which outlives the command
setsid sh -c "sleep 0.2; {program} 0.5; echo detached $1 >> {folder}/done" &
# the command ends after its orphan, with which it would be killed
while ! grep -q "orphan $1" {folder}/done; do sleep 0.05; done
echo "$1" >> {folder}/events
"""


@pytest.fixture(scope="module")
def service() -> Iterator[RunningServer]:
    """Run a service with the events of this kernel."""
    try:
        LocalFeed().close()
    except OSError as error:
        skip_or_fail(f"this machine gives no events: {error}")
    with live_source() as source, running(source) as server:
        yield server


@contextmanager
def watching(server: RunningServer, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run the command; its watch has begun when it is yielded."""
    watches = server.services.dispatcher.watches
    count = len(watches)
    command = [sys.executable, "-m", "logonscope", "--host", f"unix:{server.unix}", "watch", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: len(watches) > count or process.poll() is not None)
            yield process
        finally:
            process.kill()


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_what_a_command_starts_raises_no_events(service: RunningServer, tmp_path: Path) -> None:
    program, script = tmp_path / f"s{os.getpid()}", tmp_path / "handler"
    shutil.copy("/bin/sleep", program)
    script.write_text(SCRIPT.format(program=program, folder=tmp_path))
    script.chmod(0o755)
    query = QUERY.format(program.name)
    with (
        watching(service, "-o", "csv", query) as others,
        watching(service, query, "--exec", f"{script} {{ProcessID}}") as process,
    ):
        pids = list[str]()
        # the second one comes after the ends of all that the first one had the command start
        for _ in range(2):
            child = subprocess.Popen([program, "0.5"])
            assert child.wait() == 0
            pids.append(str(child.pid))
            wait_until(lambda: pids[-1] in lines_of(tmp_path / "events"), 20)
            wait_until(lambda: len(lines_of(tmp_path / "done")) == 3 * len(pids), 20)
        assert lines_of(tmp_path / "events") == pids
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        # another watch sees them: each of both started three programs
        assert others.stdout is not None
        header, *_ = [next(others.stdout) for _ in range(1 + 2 * 4)]
        assert "ProcessID" in header
