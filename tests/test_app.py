"""Tests of app.py: callers get the host and the access they may have; bad streams cause no traceback."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import logonscope
from logonscope import InvalidParameterError, NotSupportedError
from logonscope.machine import Source
from tests import example
from tests.broker.memory import Memory
from tests.example import recording

LOGONSCOPE = [sys.executable, "-m", "logonscope"]


def test_whoever_can_read_a_recording_sees_all_of_it(tmp_path: Path) -> None:
    host = logonscope.connect(recording(tmp_path))
    assert host.everything
    assert [session.logon_id for session in host.sessions()] == ["4294967295", "4294967297", "37", "41", "42", "63"]


class Kept(Memory):
    """The example host, which notes when it is closed, and was the same at any moment."""

    closings = 0

    def at(self, moment: datetime) -> Source:
        return self if moment > datetime(2026, 1, 1, tzinfo=UTC) else super().at(moment)

    def close(self) -> None:
        self.closings += 1


def test_whoever_brings_a_source_sees_all_of_it_as_of_a_recording(tmp_path: Path) -> None:
    recorded, brought = logonscope.connect(recording(tmp_path)), logonscope.connect(Kept(example.snapshot()))
    assert brought.everything
    assert brought.sessions() == recorded.sessions()
    assert list(brought.processes()) == list(recorded.processes())
    query = "SELECT * FROM Win32_Process WHERE Name = 'bash'"
    assert list(brought.query(query)) == list(recorded.query(query))
    assert brought.record(str(tmp_path / "again")) == len(example.PROCESSES)
    assert logonscope.connect(tmp_path / "again").sessions() == recorded.sessions()


def test_a_source_is_asked_for_what_it_can_do_and_closed_with_its_host() -> None:
    source = Kept(example.snapshot())
    with logonscope.connect(source) as host:
        assert host.invoke("Win32_Process=4312", "Terminate").return_value == 0
        assert [action.pid for action in source.done] == [4312]
        assert host.at(datetime.now(UTC)).sessions() == host.sessions()
        with pytest.raises(NotSupportedError, match="history is not supported by memory; use a host"):
            host.at(datetime(2025, 1, 1, tzinfo=UTC))
        assert source.closings == 0
    assert source.closings == 1
    with pytest.raises(InvalidParameterError, match="invalid visibility 'all': expected 'own' or 'kernel'"):
        logonscope.connect(source, visibility="all")  # type: ignore[arg-type]  # what is wrong is the point


def test_this_machine_is_seen_with_the_rights_of_this_process() -> None:
    assert logonscope.connect().everything == (os.geteuid() == 0)
    assert logonscope.connect(visibility="kernel").everything
    assert logonscope.connect("/").everything == (os.geteuid() == 0)


def test_what_cannot_be_connected_to_is_refused(tmp_path: Path) -> None:
    for host in ("", str(tmp_path / "nothing"), tmp_path / "nothing", tmp_path):
        with pytest.raises(InvalidParameterError, match=r"recording .* does not exist|is not a recording"):
            logonscope.connect(host)
    with pytest.raises(InvalidParameterError, match="invalid URL"):
        logonscope.connect("ftp://web1:5986")
    with pytest.raises(InvalidParameterError, match="invalid visibility 'all': expected 'own' or 'kernel'"):
        logonscope.connect(visibility="all")  # type: ignore[arg-type]  # what is wrong is the point


def test_only_what_is_asked_for_is_imported() -> None:
    program = "import sys, logonscope; print(len([m for m in sys.modules if m.startswith('logonscope')]))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"1\n"
    assert "connect" in dir(logonscope)
    with pytest.raises(AttributeError, match="no attribute 'disconnect'"):
        _ = logonscope.disconnect


@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 74, "cannot write the answer: Bad file descriptor"),
        ("2>&-", 0, ""),
        (">/dev/full", 74, "cannot write the answer: No space left on device"),
        ("<&-", 0, ""),
    ],
)
def test_streams_that_are_closed_or_full_are_no_traceback(
    redirection: str, code: int, said: str, tmp_path: Path
) -> None:
    command = f"{' '.join(LOGONSCOPE)} --host {recording(tmp_path)} ps -o json {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (code, True, False)


@pytest.mark.parametrize("words", ["--help", "--version", "sessions --help", "completion bash", "doctor"])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_whatever_cannot_be_written_is_said(words: str, redirection: str) -> None:
    command = f"{' '.join(LOGONSCOPE)} {words} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    *notices, said = done.stderr.splitlines()
    assert (done.returncode, "Traceback" in done.stderr) == (74, False)
    assert said.startswith("logonscope: cannot write the answer: ")
    assert len(notices) <= (os.geteuid() != 0)  # that it sees its own logon sessions alone


@pytest.mark.parametrize("words", ["bogus", "sessions --bogus", "whose 99999999", "ps mallory -o json"])
def test_an_error_that_cannot_be_written_is_told_by_the_exit_code(words: str, tmp_path: Path) -> None:
    command = f"{' '.join(LOGONSCOPE)} {words} --host {recording(tmp_path)}"
    codes = [
        subprocess.run(["bash", "-c", f"{command} {to}"], capture_output=True, check=False).returncode
        for to in ("", "2>/dev/full", "2>&-")
    ]
    assert len(set(codes)) == 1
    assert codes[0] in {1, 2}


@pytest.mark.parametrize("to", ["2>/dev/full", "2>&-"])
def test_a_recording_is_made_although_nobody_can_be_told(to: str, tmp_path: Path) -> None:
    command = f"{' '.join(LOGONSCOPE)} record {tmp_path}/again.lsr --host {recording(tmp_path)} {to}"
    assert subprocess.run(["bash", "-c", command], capture_output=True, check=False).returncode == 0
    assert (tmp_path / "again.lsr").exists()


WITH_LITTLE_MEMORY = """
import resource, sys
import logonscope.app  # Python itself may crash, or loop, where an import finds no memory
from logonscope.__main__ import main
room = int(sys.argv.pop(1))
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + room, now + room))
sys.exit(main())
"""


def test_without_memory_there_is_one_line_and_an_exit_code_of_its_own(tmp_path: Path) -> None:
    host, codes = recording(tmp_path), []
    for room in (1 << 18, 1 << 19, 5 << 17, 3 << 18, 1 << 20, 3 << 19, 1 << 21, 3 << 20, 1 << 22, 1 << 26):
        command = [sys.executable, "-c", WITH_LITTLE_MEMORY, str(room), "sessions", "--host", host]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        codes.append(done.returncode)
        assert done.stderr.count("\n") == (done.returncode != 0), room
        assert done.stderr.startswith("logonscope: cannot answer: " if done.returncode else ""), room
    assert set(codes) == {0, 70}


WITHOUT_MEMORY_TO_IMPORT = """
import errno, sys  # the errors are raised here: where memory is really short, an import may crash or stop Python itself
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "logonscope.app":
            raise eval(sys.argv.pop(1))
sys.meta_path.insert(0, Finder())
from logonscope.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("MemoryError()", 70),
        ("SystemError('error return without exception set')", 70),
        ("ImportError('libssl.so.3: failed to map segment from shared object')", 70),
        ("OSError(errno.ENOMEM, 'Cannot allocate memory')", 70),
        ("SystemError('bad call')", 1),
        ("ImportError('no such name')", 1),
        ("OSError(errno.EIO, 'Input/output error')", 1),
    ],
)
def test_an_import_without_memory_is_told_from_a_fault(error: str, code: int) -> None:
    command = [sys.executable, "-c", WITHOUT_MEMORY_TO_IMPORT, error]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr.startswith("logonscope: cannot answer: out of memory") == (code == 70)
    assert ("Traceback" in done.stderr) == (code != 70)


AS_NOBODY = """
import os, pkgutil, sys
import encodings.ascii, json, locale, random, tempfile
from importlib import import_module
import logonscope
for module in pkgutil.walk_packages(logonscope.__path__, "logonscope."):
    if not module.name.endswith("__main__"):
        import_module(module.name)  # while the interpreter can still be read
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(import_module("logonscope.app").main())
"""


WITHOUT_PROCESSES = """
import os, resource
limit = resource.setrlimit
os.setuid = lambda uid, setuid=os.setuid: (setuid(uid), limit(resource.RLIMIT_NPROC, (1, 1)))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("words", [["whose", "1"], ["ps"], ["sessions"], ["tree"], ["whose", "root"], ["doctor"]])
def test_without_processes_the_answer_comes_without_helper_threads(words: list[str]) -> None:
    command = [sys.executable, "-c", WITHOUT_PROCESSES + AS_NOBODY, *words, "--readable"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout


def test_a_zone_that_python_has_not_is_no_traceback(tmp_path: Path) -> None:
    env = {**os.environ, "TZ": "UTC-24"}
    command = [*LOGONSCOPE, "sessions", "41", "--host", recording(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert "2026-01-01 10:02" in done.stdout
    assert done.stderr == ""


def test_a_recording_comes_through_a_pipe(tmp_path: Path) -> None:
    with Path(recording(tmp_path)).open("rb") as file:
        done = subprocess.run([*LOGONSCOPE, "--host", "-", "sessions"], stdin=file, capture_output=True, check=True)
    assert b"203.0.113.7" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_without_elevation_one_is_told_so(tmp_path: Path) -> None:
    for words, code in ((["sessions", "41"], 1), (["whose", "1"], 3), (["record", "/root/x"], 3)):
        done = subprocess.run([sys.executable, "-c", AS_NOBODY, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert done.stderr.startswith(
            "logonscope: only your own logon sessions are shown; use sudo or --readable to see all\n"
        )
    assert not (tmp_path / "x").exists()
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, "whose", "1", "--readable"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout.startswith("1 (")


def test_what_is_no_host_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="invalid host of type object: expected a file, a URL, a Source"):
        logonscope.connect(object())  # type: ignore[arg-type]  # what is wrong is the point
