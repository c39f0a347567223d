"""Tests of faces/cli/repeat.py: output is redrawn in place, changes are marked, and the terminal is restored."""

import io
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from logonscope.faces.cli.repeat import ENTER, LEAVE, Screen
from tests.conversation import reply
from tests.example import recording
from tests.terminal import LOGONSCOPE, Terminal


@pytest.fixture
def host(tmp_path: Path) -> str:
    return recording(tmp_path)


def test_ctrl_c_ends_it_and_gives_the_terminal_back(host: str) -> None:
    with Terminal([*LOGONSCOPE, "sessions", "--watch=0.2", "--host", host]) as terminal:
        terminal.wait_for("every 0.2 s: logonscope sessions")
        terminal.wait_for("logged out")
        terminal.type("\x03")
        assert terminal.leave() == 0
        assert terminal.shown.index(ENTER) < terminal.shown.index("logged out") < terminal.shown.rindex(LEAVE)
        assert "Traceback" not in terminal.text


def test_many_ctrl_c_leave_no_traceback(host: str) -> None:
    with Terminal([*LOGONSCOPE, "--watch", "--host", host]) as terminal:
        terminal.wait_for("logged out")
        terminal.type("\x03\x03\x03")
        assert terminal.leave() == 0
        assert terminal.shown.count(LEAVE) == 1
        assert "Traceback" not in terminal.text


def test_a_termination_gives_the_terminal_back_too(host: str) -> None:
    with Terminal([*LOGONSCOPE, "ps", "--watch", "--host", host]) as terminal:
        terminal.wait_for("/sbin/init")
        terminal.child.send_signal(signal.SIGTERM)
        assert terminal.leave() == 143
        assert terminal.shown.endswith(LEAVE)


def test_what_changes_is_marked() -> None:
    with (
        subprocess.Popen(["/bin/sleep", "60"]) as sleeper,
        Terminal([*LOGONSCOPE, "whose", str(sleeper.pid), "--watch=0.2", "--readable", "--color=never"]) as terminal,
    ):
        terminal.wait_for("belongs to")
        assert "* " not in terminal.text
        sleeper.kill()
        sleeper.wait()
        terminal.wait_for(f"* logonscope: no process {sleeper.pid}")
        terminal.type("\x03")
        assert terminal.leave() == 0


def test_an_answer_longer_than_the_terminal_is_counted(host: str) -> None:
    with Terminal([*LOGONSCOPE, "ps", "--watch", "--host", host], lines=8) as terminal:
        assert "... 12 more lines" in terminal.wait_for("more lines")


def test_without_a_terminal_it_is_refused(host: str) -> None:
    refusal = "logonscope: cannot watch: standard output is not a terminal; leave --watch out\n"
    assert reply(["sessions", "--watch", "--host", host]) == (2, "", refusal)


def test_lines_that_were_not_there_before_are_marked() -> None:
    terminal = io.StringIO()
    screen = Screen(terminal, color=True)
    screen.draw("title", ["one", "two"])
    assert "\x1b[7m" not in terminal.getvalue()
    screen.draw("title", ["one", "three"])
    assert terminal.getvalue().count("\x1b[7m") == 1
    assert "\x1b[7mthree\x1b[0m" in terminal.getvalue()


def test_what_was_given_to_the_terminal_is_not_dropped_at_ctrl_c(host: str) -> None:
    with Terminal([*LOGONSCOPE, "--watch", "--host", host]) as terminal:
        before = terminal.local_modes
        terminal.wait_for("logged out")
        assert terminal.local_modes == before | termios.NOFLSH
        terminal.type("\x03")
        terminal.wait_for(LEAVE)
        terminal.child.wait(20)
        assert terminal.local_modes == before
