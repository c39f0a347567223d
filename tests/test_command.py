"""Tests of command.py: bad streams, and too little memory or processes, cause no traceback."""

import compileall
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import logonscope
from tests.example import recording
from tests.lab.fixtures import skip_or_fail
from tests.server.attacked import attacked

LOGONSCOPE = [sys.executable, "-m", "logonscope"]


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


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("record - >&-", 74, "cannot write the answer: Bad file descriptor"),
        ("ps -o parquet >&-", 74, "cannot write the answer: Bad file descriptor"),
        ("query - <&-", 2, "the query is empty"),
        ("--host - ps <&-", 2, "cannot read standard input: not a recording"),
        ("user add eve --administrator --users users --password-stdin <&-", 2, "the password must have"),
    ],
)
def test_closed_streams_of_bytes_are_no_traceback(words: str, code: int, message: str, tmp_path: Path) -> None:
    if "parquet" in words:
        pytest.importorskip("pyarrow.parquet")
    command = f"LOGONSCOPE_HOST={recording(tmp_path)} {' '.join(LOGONSCOPE)} {words}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr


@pytest.mark.parametrize("words", ["record x.lsr", "user list --users u", "token add t --administrator --tokens t"])
def test_a_deleted_current_directory_is_named(words: str, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    command = f"cd gone; rmdir ../gone; exec {' '.join(LOGONSCOPE)} {words}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, "the current directory was deleted" in done.stderr) == (2, True), done.stderr


def test_a_host_without_proc_is_named() -> None:
    command = f"mount -t tmpfs none /proc && exec {' '.join(LOGONSCOPE)} ps"
    namespaces = ["unshare", "--user", "--map-root-user", "--mount", "--propagation=private"]
    done = subprocess.run([*namespaces, "sh", "-c", command], capture_output=True, text=True, check=False)
    if done.stderr.startswith(("unshare: ", "mount: ")):
        skip_or_fail(f"a mount namespace is not available: {done.stderr}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "logonscope: cannot read this machine: /proc is not mounted; mount proc(5) at /proc\n"


def test_a_reader_that_has_gone_ends_a_command_by_the_signal(tmp_path: Path) -> None:
    command = f"{' '.join(LOGONSCOPE)} --host {recording(tmp_path)} classes | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_clients_that_leave_while_they_are_answered_do_not_end_the_server() -> None:
    with attacked() as server:
        for _ in range(20):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(server.path)
                client.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
                client.recv(1)
        assert server.process.poll() is None
        assert b"</n:EnumerateResponse>" in server.ask("SELECT Handle FROM Win32_Process")


SIGNAL_IN_A_CALLBACK = """
import os, signal, sys, time, weakref
from logonscope import command
from logonscope.faces.cli.ending_signals import exit_by_signal

class Watched:
    pass

def be_signalled(*_):
    # the import system has such callbacks, too
    watched = Watched()
    reference = weakref.ref(watched, lambda _: os.kill(os.getpid(), int(sys.argv[1])))
    del watched
    time.sleep(30)
    return 0

signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, exit_by_signal)
command.run = be_signalled
sys.exit(command.main())
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_that_arrives_in_a_callback_ends_the_command(number: int, code: int) -> None:
    command = [sys.executable, "-c", SIGNAL_IN_A_CALLBACK, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")


@pytest.mark.parametrize("words", ["--help", "--version", "sessions --help", "completion bash", "doctor"])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_unwritable_output_is_reported(words: str, redirection: str) -> None:
    command = f"{' '.join(LOGONSCOPE)} {words} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    *notices, said = done.stderr.splitlines()
    assert (done.returncode, "Traceback" in done.stderr) == (74, False)
    assert said.startswith("logonscope: cannot write the answer: ")
    assert len(notices) <= (os.geteuid() != 0)  # that it sees its own logon sessions alone


@pytest.mark.parametrize("words", ["bogus", "sessions --bogus", "whose 99999999", "ps mallory -o json"])
def test_an_error_that_cannot_be_printed_has_its_exit_code(words: str, tmp_path: Path) -> None:
    command = f"{' '.join(LOGONSCOPE)} {words} --host {recording(tmp_path)}"
    codes = [
        subprocess.run(["bash", "-c", f"{command} {to}"], capture_output=True, check=False).returncode
        for to in ("", "2>/dev/full", "2>&-")
    ]
    assert len(set(codes)) == 1
    assert codes[0] in {1, 2}


@pytest.mark.parametrize("to", ["2>/dev/full", "2>&-"])
def test_a_recording_is_made_although_the_message_cannot_be_printed(to: str, tmp_path: Path) -> None:
    command = f"{' '.join(LOGONSCOPE)} record {tmp_path}/again.lsr --host {recording(tmp_path)} {to}"
    assert subprocess.run(["bash", "-c", command], capture_output=True, check=False).returncode == 0
    assert (tmp_path / "again.lsr").exists()


WITH_LITTLE_MEMORY = """
import resource, sys
import logonscope.app, logonscope.command  # Python itself may crash, or loop, where an import finds no memory
from logonscope.__main__ import main
room = int(sys.argv.pop(1))
with open("/proc/self/statm") as file:
    now = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + room, now + room))
sys.exit(main())
"""


def test_without_memory_there_is_one_line_and_an_exit_code_of_its_own(tmp_path: Path) -> None:
    # to compile a module takes more memory than to run it, and Python may call a lack of it a syntax error
    compileall.compile_dir(Path(logonscope.__file__).parent, quiet=2)
    host, codes = recording(tmp_path), []
    for room in (1 << 18, 1 << 19, 5 << 17, 3 << 18, 1 << 20, 3 << 19, 1 << 21, 3 << 20, 1 << 22, 1 << 26):
        command = [sys.executable, "-c", WITH_LITTLE_MEMORY, str(room), "sessions", "--host", host]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode == -signal.SIGSEGV and sys.version_info >= (3, 13):
            continue  # the interpreter itself: seen with Python 3.13.5
        codes.append(done.returncode)
        assert done.stderr.count("\n") == (done.returncode != 0), room
        assert done.stderr.startswith("logonscope: cannot answer: " if done.returncode else ""), room
    assert set(codes) == {0, 70}


WITHOUT_MEMORY_TO_IMPORT = """
import errno, sys  # the errors are raised here: where memory is really short, an import may crash or stop Python itself
module, error = sys.argv.pop(1), sys.argv.pop(1)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            raise eval(error)
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
def test_an_import_without_memory_is_distinguished_from_a_fault(error: str, code: int) -> None:
    command = [sys.executable, "-c", WITHOUT_MEMORY_TO_IMPORT, "logonscope.command", error]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stderr.startswith("logonscope: cannot answer: out of memory") == (code == 70)
    assert ("Traceback" in done.stderr) == (code != 70)


@pytest.mark.parametrize("error", ["MemoryError()", "OSError(errno.ENOMEM, 'Cannot allocate memory')"])
def test_a_host_import_without_memory_is_distinguished_from_a_fault(error: str) -> None:
    command = [sys.executable, "-c", WITHOUT_MEMORY_TO_IMPORT, "logonscope.ownership", error]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr[:41]) == (70, "logonscope: cannot answer: out of memory;")


AS_NOBODY = """
import os, pkgutil, sys
import encodings.ascii, json, locale, random, tempfile
from importlib import import_module
import logonscope
for module in pkgutil.walk_packages(logonscope.__path__, "logonscope."):
    if not module.name.endswith("__main__"):
        import_module(module.name)  # while the interpreter can still be read
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.exit(import_module("logonscope.command").main())
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("options", [[], ["--readable"], ["--readable", "--host", "/"]])
def test_only_administrators_see_what_another_user_sees(options: list[str]) -> None:
    command = [sys.executable, "-c", AS_NOBODY, "sessions", "--as", "root", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 3)
    assert "only an administrator may see what another user sees" in done.stderr


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
def test_without_elevation_there_is_a_notice(tmp_path: Path) -> None:
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
