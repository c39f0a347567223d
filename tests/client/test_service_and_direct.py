"""The service and the direct reading, for every command: what the direct reading knows, the service reports the same.

A user of this machine asks both ways while the machine is busy: processes come and go, and others send requests to the
service. The user has a mount namespace of its own, where the socket of the test's server is that of the service.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from logonscope.client.service import connect_to_socket
from logonscope.faces.cli.parser import COMMANDS
from tests.kernel import SOMEBODY, Nursery, kernel_id, require_logins
from tests.lab.fixtures import skip_or_fail
from tests.server.attacked import SOURCE, Attacked, attacked
from tests.server.serving import wait_until

WITHOUT_HOST = {"serve", "token", "schema", "user", "completion", "page"}
"""Commands that read no host."""

DIFFERENT_BY_NATURE = {"doctor", "record", "history", "watch"}
"""Commands whose output is about the reader itself: its rights, what it may read whole, has kept, or waits for."""

READER_FIELDS = {"unread", "Unread", "@timestamp"}
"""Fields about the reading itself: its time, and what it could not read. The service can read more."""

KEYS = ("pid", "logon_id", "Handle", "LogonId", "SID", "name", "Antecedent", "Dependent", "GroupComponent")
"""Fields that identify a row among the others of its answer."""

LOGINS = 40
PAUSE = 0.05
"""Seconds between two rounds of the load: other programs of this machine need some of it, too."""

SETUP = """
set -e
mount --make-rprivate /
layers=$(mktemp -d)
mount -t tmpfs -o mode=755 tmpfs "$layers"
cover() {
    mkdir -p "$layers$1/up" "$layers$1/work"
    mount -t overlay -o "lowerdir=$1,upperdir=$layers$1/up,workdir=$layers$1/work" overlay "$1"
}
for folder in $CLOSED_FOLDERS; do cover "$folder"; done
cover /run
mkdir -p /run/logonscope
mount --bind "$SERVED" /run/logonscope
exec setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups "$@"
"""
"""Lets a user run the program of the tests, and find the socket of the test where the service has it."""

LOG_IN = """
echo "$1" > /proc/self/loginuid
exec setpriv --reuid "$1" --regid "$1" --clear-groups sleep 600
"""
"""Logs in, and runs a program whose files its user may read: those of the children of ``Nursery`` only root may."""

ASK_BOTH_WAYS = """
import json, subprocess, sys
def run(*words):
    done = subprocess.run([sys.executable, "-m", "logonscope", *words], capture_output=True, text=True)
    return done.stdout, done.returncode
def connected():
    program = "import logonscope; print(repr(logonscope.connect()))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout
questions = json.load(sys.stdin)
answers = [[run("--direct", *words), run(*words)] for words in questions]
json.dump({"answers": answers, "host": connected()}, sys.stdout)
"""


class BothAnswers(NamedTuple):
    """What a command printed, and its exit code: of the direct reading, and of the service."""

    direct: tuple[str, int]
    service: tuple[str, int]


def questions(pid: int, logon_id: str) -> dict[str, list[str]]:
    """Return the words of each command about a process and its logon session; each prints JSON where it can."""
    path = f"Win32_Process={pid}"
    columns = "Handle,Name,ParentProcessId,CreationDate,CommandLine,ExecutablePath,Priority,ThreadCount"
    return {
        "tree": ["tree", "-o", "json"],
        "sessions": ["sessions", "-o", "json"],
        "sessions of one": ["sessions", logon_id, "-o", "json"],
        "sessions by time": ["sessions", "--since", "2h", "-o", "json"],
        "sessions with their usage": ["sessions", logon_id, "--columns", "logon_id,processes,private"],
        "sessions by service": ["sessions", "--services", "-o", "json"],
        "sessions as ecs": ["sessions", logon_id, "-o", "ecs"],
        "ps": ["ps", "-o", "json"],
        "ps of one": ["ps", logon_id, "-o", "json"],
        "leftovers": ["leftovers", "-o", "json"],
        "whose": ["whose", str(pid), "-o", "json"],
        "whose as text": ["whose", str(pid)],
        "whose is hidden": ["whose", "1", "-o", "json"],
        "whose is nothing": ["whose", "nothing-like-this"],
        "get": ["get", path, "-o", "json"],
        "get of LS": ["get", f"LS_Process={pid}", "-n", "root/logonscope", "-o", "json"],
        "get of LS_LogonSession": ["get", f"LS_LogonSession={logon_id}", "-n", "root/logonscope", "-o", "json"],
        "enumerate": ["enumerate", "Win32_SessionProcess", "-o", "json"],
        "enumerate accounts": ["enumerate", "Win32_UserAccount", "-o", "json"],
        "associators": ["associators", path, "--result-class", "Win32_LogonSession", "-o", "json"],
        "references": ["references", path, "-o", "json"],
        "query": ["query", f"SELECT {columns} FROM Win32_Process", "-o", "json"],
        "query of nothing": ["query", "SELECT * FRM Win32_Process"],
        "invoke": ["invoke", path, "GetOwner", "-o", "json"],
        "classes": ["classes", "-o", "json"],
        "class": ["class", "Win32_SessionProcess"],
    }  # fmt: skip


NAMES = tuple(questions(1, "1"))


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    require_logins()
    with Nursery() as found:
        yield found


@pytest.fixture(scope="module")
def server() -> Iterator[Attacked]:
    with attacked() as found:
        yield found


@pytest.fixture(scope="module")
def sleeper(nursery: Nursery) -> Iterator[int]:
    """Run a program in a logon session of its own, and yield its pid."""
    assert nursery
    with subprocess.Popen(["sh", "-ec", LOG_IN, "sh", str(SOMEBODY)]) as program:
        wait_until(lambda: Path(f"/proc/{program.pid}/comm").read_text(encoding="ascii") == "sleep\n")
        yield program.pid
        program.kill()


@pytest.fixture(scope="module")
def crowd(nursery: Nursery, sleeper: int) -> set[int]:
    """Log the user in many times, and other users; return the pids of the user's processes."""
    nursery.login(SOMEBODY + 1, LOGINS, users=4, become=True)
    return {sleeper, *nursery.login(SOMEBODY, LOGINS - 1, become=True)}


@pytest.fixture(scope="module")
def answers(nursery: Nursery, sleeper: int, crowd: set[int], server: Attacked) -> Mapping[str, BothAnswers]:
    """Ask everything both ways, under load."""
    assert crowd
    asked = questions(sleeper, str(kernel_id(sleeper)))
    stop = threading.Event()
    load = [threading.Thread(target=work, args=(server.path, nursery, stop)) for work in (_send_requests, _fork)]
    for thread in load:
        thread.start()
    try:
        outcome = _ask_as_somebody(Path(server.path).parent, list(asked.values()))
    finally:
        stop.set()
        for thread in load:
            thread.join()
    assert outcome["host"] == "<JsonHost /run/logonscope/socket>\n"
    return {
        name: BothAnswers(*(tuple(answer) for answer in both))
        for name, both in zip(asked, outcome["answers"], strict=True)
    }


def _ask_as_somebody(served: Path, words: list[list[str]], *namespaces: str) -> Any:
    """Run commands as an ordinary user, each without and with the service; ``namespaces``: flags of unshare(1)."""
    interpreter = {sys.executable, os.path.realpath(sys.executable), sys.base_prefix, SOURCE, str(Path(__file__))}
    parents = {parent for path in interpreter for parent in Path(path).parents}
    closed = [str(folder) for folder in sorted(parents) if not folder.stat().st_mode & 1]
    environment = {
        **os.environ, "PYTHONPATH": SOURCE, "SERVED": str(served), "USER_ID": str(SOMEBODY), "HOME": "/nonexistent",
        "CLOSED_FOLDERS": " ".join(closed), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    command = ["unshare", "--mount", *namespaces, "--", "sh", "-c", SETUP, "sh", sys.executable, "-c", ASK_BOTH_WAYS]
    done = subprocess.run(
        command, input=json.dumps(words), env=environment, capture_output=True, text=True, check=False, cwd="/"
    )
    if "mount" in done.stderr and done.returncode:
        skip_or_fail(f"no mount namespace can be made here: {done.stderr.strip()}")
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def _send_requests(path: str, _: Nursery, stop: threading.Event) -> None:
    with connect_to_socket(path, 60) as host:
        while not stop.wait(PAUSE):
            sum(1 for _ in host.processes())
            list(host.enumerate("Win32_Process"))


def _fork(_: str, nursery: Nursery, stop: threading.Event) -> None:
    while not stop.wait(PAUSE):
        nursery.end(*nursery.login(SOMEBODY + 2, 10, become=True))


def test_every_command_that_reads_a_host_is_asked() -> None:
    assert {words[0] for words in questions(1, "1").values()} == set(COMMANDS) - WITHOUT_HOST - DIFFERENT_BY_NATURE


@pytest.mark.parametrize("name", NAMES)
def test_the_service_reports_what_the_direct_reading_knows(
    answers: Mapping[str, BothAnswers], crowd: set[int], name: str
) -> None:
    (direct_text, direct_code), (service_text, service_code) = answers[name]
    assert service_code == direct_code
    if service_text == direct_text:
        return
    direct, service = (_rows(text, crowd) for text in (direct_text, service_text))
    assert direct
    # The service can have more rows, such as the mapped files of a process that only root may read.
    assert [key for key in service if key in direct] == [*direct]
    for key, row in direct.items():
        _assert_reports(row, service[key], f"{name} {key}")


def test_the_answers_are_about_the_crowd(answers: Mapping[str, BothAnswers], crowd: set[int]) -> None:
    rows = json.loads(answers["ps"].service[0])
    assert crowd <= {row["pid"] for row in rows}


def test_a_container_that_has_the_socket_reads_itself(server: Attacked, sleeper: int) -> None:
    questions_of_container = [["ps", "-o", "json"], ["whose", str(sleeper)]]
    outcome = _ask_as_somebody(Path(server.path).parent, questions_of_container, "--pid", "--fork", "--mount-proc")
    assert outcome["host"].startswith("<LocalHost")
    (_, (processes, _)), ((_, _), (whose, whose_code)) = outcome["answers"]
    rows = json.loads(processes)
    assert {row["uid"] for row in rows} == {SOMEBODY}
    # Its pids are those of its namespace: a process of this machine is none there, although it is the user's own.
    assert max(row["pid"] for row in rows) < 1000
    assert (whose, whose_code) == ("", 1)


def _rows(text: str, crowd: set[int]) -> dict[str, Any]:
    """Return the rows of an answer by what identifies them, without those of processes that come and go."""
    parsed = json.loads(text)
    rows = parsed if isinstance(parsed, list) else [parsed]
    kept = (_without_strangers(row, crowd) for row in rows)
    return {str([row.get(name) for name in KEYS]): row for row in kept if row is not None}


def _without_strangers(row: dict[str, Any], crowd: set[int]) -> dict[str, Any] | None:
    """Return a row without processes outside of the crowd; None if it is about one of them."""
    if "processes" in row and isinstance(row["processes"], list):
        row = {**row, "processes": [process for process in row["processes"] if process["pid"] in crowd]}
        return row if row["processes"] else None
    pids = {row[name] for name in ("pid", "ProcessId") if name in row} | _pids_of_handles(row)
    return row if pids <= crowd else None


def _pids_of_handles(row: dict[str, Any]) -> set[int]:
    paths = [str(row.get("Dependent", ""))]
    handles = [path.split('Handle="')[1].rstrip('"') for path in paths if 'Win32_Process.Handle="' in path]
    return {int(handle) for handle in [*handles, row.get("Handle", "")] if handle.isdigit()}


def _assert_reports(direct: Any, service: Any, where: str) -> None:
    """Check that what the direct reading knows is in the answer of the service."""
    if isinstance(direct, dict) and isinstance(service, dict):
        for name, value in direct.items():
            if value is not None and name not in READER_FIELDS:
                assert name in service, where
                _assert_reports(value, service[name], f"{where} {name}")
    elif isinstance(direct, list) and isinstance(service, list):
        assert len(service) == len(direct), where
        for number, (first, second) in enumerate(zip(direct, service, strict=True)):
            _assert_reports(first, second, f"{where} {number}")
    else:
        assert service == direct, where
