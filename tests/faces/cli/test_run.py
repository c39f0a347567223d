"""Tests of faces/cli/run.py: every error ends in one line with the documented exit code, never in a traceback."""

import contextlib
import io
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from logonscope.app import open_user_file
from logonscope.client import Host, LocalHost
from logonscope.faces.cli.exit_codes import INTERRUPTED
from logonscope.faces.cli.run import run
from logonscope.facts import UNSET, Process
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests.broker.memory import Memory
from tests.conversation import reply
from tests.example import recording, snapshot
from tests.hosts import user
from tests.terminal import LOGONSCOPE, Terminal


@pytest.fixture
def host(tmp_path: Path) -> str:
    return recording(tmp_path)


def test_processes_without_a_logon_session_say_whether_it_is_hidden_or_not_known(tmp_path: Path) -> None:
    unread = Process(9001, comm="mystery", ppid=1, start=1, uids=(1000,) * 4, unread={"ses": "no", "cgroup": "no"})
    system = Process(9002, comm="job", ppid=1, start=1, ses=UNSET, cgroup="/system.slice/job.service", uids=(1000,) * 4)
    endings = {}
    for process, view in ((unread, []), (system, ["--as", "alice"])):
        made = snapshot()
        path = str(tmp_path / f"{process.pid}.lsr")
        save_recording(made._replace(processes=(*made.processes, process)), path, replace=False)
        _, out, _ = reply(["--host", path, "tree", *view])
        endings[process.pid] = next(
            line for line in out.splitlines() if line.startswith("1 process ") and "known login" not in line
        )
    assert endings == {
        9001: "1 process whose logon session is not known", 9002: "1 process of yours outside your logon sessions"
    }  # fmt: skip


def test_a_host_that_is_no_recording_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    code, out, err = reply(["--host", str(path)])
    assert (code, out) == (2, "")
    assert err.startswith(f"logonscope: cannot read recording {path}: damaged or not a recording: ")
    assert err.count("\n") == 1


def test_a_host_that_is_not_there_is_one_line() -> None:
    assert reply(["ps", "--host", "web1"]) == (
        2, "",
        ("logonscope: recording 'web1' does not exist; "
        "give a file that `logonscope record` wrote, or --host https://web1 for another machine\n"),
    )  # fmt: skip


def test_a_query_from_a_file_of_windows_is_read(host: str) -> None:
    text = "\ufeffSELECT Name\r\nFROM Win32_ComputerSystem\r\n".encode()
    command = [*LOGONSCOPE, "query", "-", "--host", host, "-o", "csv"]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"Name\nweb1\n", b"")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["user", "list", "--host", "https://web1"], "--host cannot be used with user: the users are in a file"),
        (["user", "list", "--host", "web1.lsr"], "--host cannot be used with user: the users are in a file"),
        (["--host", "https://web1", "record", "-"], "--host cannot be used with record: it reads the machine it"),
        (["--host", "https://web1", "token", "list"], "--host cannot be used with token: the tokens are in a file"),
        (["--host", "https://web1", "schema"], "--host cannot be used with schema: the schemas are the same"),
        (["--host", "https://web1", "completion", "bash"], "--host cannot be used with completion: the script is"),
        (["--host", "https://web1", "serve"], "--host cannot be used with serve: it can serve this machine or a rec"),
        (["--host", "unix:/run/x", "serve"], "--host cannot be used with serve: it can serve this machine or a rec"),
        (["ps", "--ca", "web1.pem"], "--ca needs --host URL"),
    ],
)
def test_what_would_have_no_effect_is_refused(words: list[str], said: str) -> None:
    code, out, err = reply(words)
    assert (code, out) == (2, "")
    assert said in err


def test_no_answer_has_a_code_of_its_own(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGONSCOPE_PASSWORD", "typed")
    assert reply(["ps", "--host", "http://alice@127.0.0.1:1"])[0] == 69
    assert reply(["query", "SELECT * FROM Win32_Process", "--timeout", "1e-9", "--host", host])[0] == 69


def test_a_server_on_a_unix_socket_is_no_recording(capsys: pytest.CaptureFixture[str]) -> None:
    def connect(*_: object, **_options: object) -> Host:
        return LocalHost(Memory(snapshot()), LINUX, user(1000), lambda *_: 0)

    assert run(["ps", "--host", "unix:/nowhere"], connect, open_user_file) == 0
    assert "connect as an administrator to see all" in capsys.readouterr().err


def test_an_interrupt_ends_quietly() -> None:
    def connect(host: str | None, *, visibility: str, certificate: str | None, timeout: float | None) -> Host:
        raise KeyboardInterrupt(host, visibility, certificate, timeout)

    assert run(["ps"], connect, open_user_file) == 130


@pytest.mark.parametrize(
    "module",
    [
        "logonscope.errors", "logonscope.command", "logonscope.faces.cli.run", "logonscope.app",
        "logonscope.broker.session_processes",
    ],
)  # fmt: skip
def test_ctrl_c_at_any_moment_leaves_no_traceback(module: str) -> None:
    """The first and the second one, while modules are imported and afterwards."""
    with Terminal([sys.executable, "-v", "-m", "logonscope", "ps", "--no-pager"]) as terminal:
        terminal.wait_for(f"import '{module}'")
        terminal.type("\x03\x03")
        assert terminal.leave() in {INTERRUPTED, -signal.SIGINT}
        assert "Traceback" not in terminal.text


def test_a_second_ctrl_c_ends_what_does_not_end() -> None:
    with Terminal([*LOGONSCOPE, "query", "-"]) as terminal:
        time.sleep(1)
        terminal.type("\x03\x03")
        assert terminal.leave() in {INTERRUPTED, -signal.SIGINT}
        assert "Traceback" not in terminal.text


def test_a_closed_pipe_ends_quietly(host: str) -> None:
    command = f"{sys.executable} -m logonscope --host {host} ps -o jsonl | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] in {"0", "141"}


def test_a_terminal_without_utf_8_gets_an_answer(host: str) -> None:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([*LOGONSCOPE, "--host", host], capture_output=True, env=environment, check=True)
    assert b"4312 [" not in done.stderr
    assert b"4312" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize("command", ["tree", "ps", "sessions"])
def test_a_narrow_terminal_cuts_lines_and_never_wraps_them(command: str, host: str) -> None:
    lines = on_terminal([*LOGONSCOPE, command, "--host", host, "--no-color"], columns=40).splitlines()
    assert max(map(len, lines)) <= 40
    assert any(line.rstrip().endswith("…") or "more columns:" in line for line in lines)


def test_where_there_is_little_room_the_command_is_what_stays(host: str) -> None:
    narrow = on_terminal([*LOGONSCOPE, "ps", "41", "--host", host], columns=80)
    assert "EVIDENCE" not in narrow
    assert "python3 -m http.server 8080" in narrow
    assert "EVIDENCE" in on_terminal([*LOGONSCOPE, "ps", "41", "--host", host], columns=120)
    assert "203.0.113.7" in on_terminal([*LOGONSCOPE, "sessions", "--host", host], columns=80)


def test_sentences_are_wrapped_between_words(host: str) -> None:
    lines = on_terminal([*LOGONSCOPE, "whose", "4312", "--host", host, "--no-color"], columns=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert (
        " ".join(lines)
        .replace("  ", " ")
        .startswith("4312 (python3 -m http.server 8080) on pts/0 belongs to logon session 41:")
    )
    assert "            loginctl session-status 41" in lines


def test_colours_are_for_terminals_that_want_them(host: str) -> None:
    whose = [*LOGONSCOPE, "whose", "4312", "--host", host]
    assert "\x1b[" in on_terminal(whose)
    assert "\x1b[" not in on_terminal([*whose, "--no-color"])
    assert "\x1b[" not in on_terminal(whose, NO_COLOR="1")
    assert "\x1b[" not in on_terminal([*LOGONSCOPE, "tree", "--host", host], NO_COLOR="1")
    assert b"\x1b[" not in subprocess.run(whose, capture_output=True, check=True).stdout


def on_terminal(command: list[str], columns: int = 120, **environment: str) -> str:
    """Run a command on a pseudo terminal and return what it shows."""
    ours, theirs = pty.openpty()
    env = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLUMNS": str(columns),
        "LC_ALL": "C.UTF-8",
        "LOGONSCOPE_PAGER": "",
        **environment,
    }
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env) as child:
        os.close(theirs)
        shown = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the terminal's other end is closed
                break
            if not data:
                break
            shown += data
        assert child.wait() == 0
    os.close(ours)
    return shown.decode()


def test_local_is_this_machine_for_commands_of_the_server_too(tmp_path: Path) -> None:
    words = ["--host", "local", "serve", "--check", "--users", str(tmp_path / "users"), "--state", str(tmp_path)]
    assert reply([*words, "--pam", ""])[0] == 0


def test_record_of_the_local_host_does_not_use_the_host_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGONSCOPE_HOST", "https://alice@127.0.0.1:1")
    hosts: list[str | None] = []

    def connect(host: str | None, **_options: object) -> Host:
        hosts.append(host)
        raise KeyboardInterrupt

    run(["record", "--host", "local", str(tmp_path / "host.lsr")], connect, open_user_file)
    assert hosts == [None]


def test_the_certificate_of_the_environment_overrides_that_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logonscope").mkdir()
    (tmp_path / "logonscope" / "config.toml").write_text('ca = "settings.pem"')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    used: list[object] = []

    def connect(_host: str | None, *, certificate: str | None, **_options: object) -> Host:
        used.append(certificate)
        raise KeyboardInterrupt

    run(["ps"], connect, open_user_file)
    monkeypatch.setenv("LOGONSCOPE_CA", "environment.pem")
    run(["ps"], connect, open_user_file)
    run(["ps", "--host", "https://web1", "--ca", "option.pem"], connect, open_user_file)
    assert used == ["settings.pem", "environment.pem", "option.pem"]


@pytest.mark.parametrize(
    ("words", "visible"),
    [
        (["ps", "{}"], "none of a user '{}'"),
        (["sessions", "--user", "{}"], "no logon session among those that you may see matches --user {}"),
        (["leftovers", "{}"], "none of a user '{}'"),
        (["whose", "{}"], "none of those that you may see belongs to an account of that name"),
        (["whose", "user:{}"], "none of the processes that you may see belongs to an account '{}'"),
    ],
)
def test_what_is_hidden_reads_like_what_does_not_exist(words: list[str], visible: str) -> None:
    """Bob sees no process of postgres, which exists; mallory does not exist."""

    def said(name: str) -> tuple[int, str]:
        host = LocalHost(Memory(snapshot()), LINUX, user(1001), lambda *_: 0)
        err = io.StringIO()
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            code = run([*(word.format(name) for word in words), "-q"], lambda *_, **__: host, open_user_file)
        return code, err.getvalue().replace(name, "NAME")

    assert said("postgres") == said("mallory")
    code, message = said("postgres")
    assert (code, visible.format("NAME") in message, "use sudo or --readable" in message) == (1, True, True)
