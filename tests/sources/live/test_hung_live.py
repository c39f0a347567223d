"""`logonscope serve` with events beside processes whose reading hangs: it starts, answers, and reads them later."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import logonscope
from logonscope.client.host import Host
from logonscope.sources.live.remote_feed import SOCKET
from tests.kernel import SOMEBODY, Nursery, kernel_id
from tests.lab.hung_process import hung_execution
from tests.lab.systemd import wait_until
from tests.server.attacked import PATIENCE, SOURCE, attacked
from tests.sources.live.history import build_program

HELPER = """
mount -t tmpfs tmpfs /run && mkdir -p "${2%/*}" && export PYTHONPATH="$3" &&
exec "$1" -m logonscope.sources.live.helper "$2"
"""


@contextmanager
def helper() -> Iterator[Sequence[str]]:
    """Run the events helper where `serve` looks for it, in a mount namespace; return the words that enter that."""
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", HELPER]
    process = subprocess.Popen([*words, "sh", sys.executable, SOCKET, SOURCE])
    try:
        wait_until(Path(f"/proc/{process.pid}/root{SOCKET}").is_socket, PATIENCE)
        yield "nsenter", f"--mount=/proc/{process.pid}/ns/mnt"
    finally:
        process.kill()
        process.wait()


@contextmanager
def no_helper() -> Iterator[Sequence[str]]:
    """Return no words: `serve` reads the events itself."""
    yield ()


@pytest.fixture(params=[no_helper, helper])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sequence[str]]:
    """Return the words in front of `serve`, which reads the events itself or by the helper."""
    build_program(tmp_path)
    with request.param() as words:
        yield words


def figure(host: Host, name: str) -> int:
    """Return a figure of the index; events must be used."""
    checks = {check.subject: check for check in host.doctor()}
    assert checks["live"].ok, checks["live"].finding
    figures = checks["live events"].figures
    assert figures is not None
    return figures[name]


@contextmanager
def serving(before: Sequence[str]) -> Iterator[Host]:
    """Run `serve` with events, and connect to it."""
    with attacked("--live", "auto", before=before) as server, logonscope.connect(f"unix:{server.path}") as host:
        yield host


def number(path: str) -> str:
    """Return the key of an object path."""
    return path.split('"')[1]


def check_answers(host: Host, nursery: Nursery, *hung: int) -> None:
    """Check that a new login is known at once, and that the processes that hang are in the answers."""
    pids = nursery.login(SOMEBODY, 2)
    began = time.monotonic()
    rows = [(str(row["Dependent"]), str(row["Antecedent"])) for row in host.enumerate("Win32_SessionProcess")]
    pairs = {int(number(process)): number(session) for process, session in rows}
    assert {pid: pairs[pid] for pid in pids} == {pid: str(kernel_id(pid)) for pid in pids}
    assert pairs.keys() >= set(hung)
    assert time.monotonic() - began < PATIENCE
    nursery.end(*pids)


def test_serve_starts_beside_an_execution_that_hangs(before: Sequence[str]) -> None:
    with hung_execution() as execution, serving(before) as host, Nursery() as nursery:
        for _ in range(3):
            check_answers(host, nursery, execution.parent, execution.child)
        assert figure(host, "unread") >= 1  # others of the machine may hang, too
        execution.go_on()
        command = f"SELECT CommandLine FROM Win32_Process WHERE Handle = '{execution.child}'"
        wait_until(lambda: [row["CommandLine"] for row in host.query(command)] == ["sleep 86399.5"], PATIENCE)
        check_answers(host, nursery, execution.child)


def test_an_execution_that_begins_to_hang_costs_no_other_process(before: Sequence[str]) -> None:
    with serving(before) as host, Nursery() as nursery:
        check_answers(host, nursery)
        with hung_execution() as execution:
            for _ in range(3):
                check_answers(host, nursery, execution.parent, execution.child)
        check_answers(host, nursery)
