"""Tests of faces/cli/pager.py: only output longer than the terminal is paged; to quit the pager is no error."""

import os
import shutil
import time
from pathlib import Path

import pytest

from logonscope.faces.cli.pager import pager_command
from tests.example import recording
from tests.terminal import LOGONSCOPE, Terminal

needs_less = pytest.mark.skipif(not shutil.which("less"), reason="less is not installed")


@pytest.fixture
def host(tmp_path: Path) -> str:
    return recording(tmp_path)


def words(host: str, *more: str) -> list[str]:
    return [*LOGONSCOPE, "ps", "--host", host, "--color=never", *more]


def test_an_answer_that_fits_is_not_paged(host: str) -> None:
    with Terminal(words(host), lines=24, LOGONSCOPE_PAGER="echo PAGED; cat") as terminal:
        assert terminal.leave() == 0
        assert "PAGED" not in terminal.text
        assert "backup --all" in terminal.text


def test_an_answer_that_is_longer_than_the_terminal_is_paged(host: str) -> None:
    with Terminal(words(host), lines=10, LOGONSCOPE_PAGER="echo PAGED $LESS; cat") as terminal:
        assert terminal.leave() == 0
        assert "PAGED FRX" in terminal.text
        assert "backup --all" in terminal.text
        assert terminal.text.count("/sbin/init") == 1


@needs_less
def test_quitting_the_pager_prints_nothing(host: str) -> None:
    with Terminal(words(host), lines=10, LOGONSCOPE_PAGER="less") as terminal:
        terminal.wait_for("\x1b[K")  # less asks for a key
        assert terminal.leave_by("q") == 0
        assert "Traceback" not in terminal.text
        assert "backup" not in terminal.text


def test_a_pager_that_is_left_at_once_is_no_error(host: str) -> None:
    with Terminal(words(host), lines=10, LOGONSCOPE_PAGER="true") as terminal:
        assert terminal.leave() == 0
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize("pager", ["/nosuch/pager", "/dev/null"])
def test_a_pager_that_cannot_be_run_is_an_error(host: str, pager: str) -> None:
    with Terminal(words(host), lines=10, LOGONSCOPE_PAGER=pager) as terminal:
        assert terminal.leave() == 2
        assert f"logonscope: cannot run the pager '{pager}'" in terminal.text
        assert "Traceback" not in terminal.text


@needs_less
def test_ctrl_c_is_for_the_pager(host: str) -> None:
    with Terminal(words(host), lines=10, LOGONSCOPE_PAGER="less") as terminal:
        terminal.wait_for("\x1b[K")
        terminal.type("\x03")
        time.sleep(0.3)
        assert terminal.child.poll() is None
        assert terminal.leave_by("q") in {0, 130}
        assert "Traceback" not in terminal.text


@pytest.mark.parametrize(
    ("more", "environment"), [(["--no-pager"], {"PAGER": "echo PAGED"}), ([], {"PAGER": "cat"}), ([], {"PAGER": ""})]
)
def test_the_pager_can_be_turned_off(host: str, more: list[str], environment: dict[str, str]) -> None:
    with Terminal(words(host, *more), 80, 10, **environment) as terminal:
        assert terminal.leave() == 0
        assert "PAGED" not in terminal.text
        assert "backup --all" in terminal.text


@pytest.mark.parametrize(
    ("environment", "setting", "command"),
    [
        ({"LOGONSCOPE_PAGER": "a", "PAGER": "c"}, "b", "a"),
        ({"PAGER": "c"}, "b", "b"),
        ({"PAGER": "c"}, None, "c"),
        ({"LOGONSCOPE_PAGER": "", "PAGER": "c"}, "b", None),
        ({"PAGER": " cat "}, None, None),
    ],
)
def test_the_nearest_word_names_the_pager(
    environment: dict[str, str], setting: str | None, command: str | None
) -> None:
    assert pager_command(environment, setting) == command


@needs_less
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be elevated")
def test_through_sudo_the_pager_runs_no_other_program(host: str) -> None:
    assert pager_command({"SUDO_UID": "1000", "PAGER": "sh"}, "sh") in {None, "/usr/bin/less", "/bin/less"}
    with Terminal(words(host), lines=10, LOGONSCOPE_PAGER="sh -c 'echo PWNED'", SUDO_UID="1000") as terminal:
        terminal.wait_for("/sbin/init")
        terminal.type("!echo PWNED\n")
        terminal.wait_for("not available")
        assert terminal.leave_by("\rq") == 0
        assert "\nPWNED" not in terminal.text
