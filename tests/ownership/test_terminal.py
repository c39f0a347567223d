"""ownership/terminal.py: which terminal is it, and which one did the login itself give?"""

import pytest

from logonscope.facts import Process
from logonscope.ownership import terminal_name
from logonscope.ownership.terminal import terminal_below

PTS0 = 136 << 8


@pytest.mark.parametrize(
    ("tty_nr", "name"),
    [
        (None, None),
        (0, None),
        (PTS0, "pts/0"),
        (PTS0 + 255, "pts/255"),
        ((137 << 8) + 1, "pts/257"),
        ((136 << 8) | (1 << 20), "pts/256"),
        ((4 << 8) + 1, "tty1"),
        ((4 << 8) + 64, "ttyS0"),
        ((5 << 8) + 1, "console"),
        (229 << 8, "hvc0"),
        ((204 << 8) + 64, "ttyAMA0"),
        ((188 << 8) + 3, "ttyUSB3"),
        ((250 << 8) + 7, "250:7"),
    ],
)
def test_a_terminal_is_named_as_ps_names_it(tty_nr: int | None, name: str | None) -> None:
    assert terminal_name(tty_nr) == name


def process(pid: int, ppid: int, comm: str, tty_nr: int = 0) -> Process:
    return Process(pid, ppid=ppid, comm=comm, tty_nr=tty_nr)


SSHD = process(10, 1, "sshd")


def test_the_leader_s_own_terminal_comes_first() -> None:
    assert terminal_below(process(5, 1, "login", PTS0 + 1), [process(6, 5, "bash", PTS0 + 2)]) == "pts/1"


def test_the_shell_s_terminal_counts_below_the_login_program_s_own_processes() -> None:
    assert terminal_below(SSHD, [process(11, 10, "sshd"), process(12, 11, "bash", PTS0 + 3)]) == "pts/3"


def test_a_terminal_that_was_made_inside_a_login_without_one_does_not_count() -> None:
    members = [process(11, 10, "sshd"), process(12, 11, "bash"), process(13, 12, "script"), process(14, 13, "sh", PTS0)]
    assert terminal_below(SSHD, members) is None
    assert terminal_below(SSHD, [process(20, 1, "tmux: server"), process(21, 20, "bash", PTS0)]) is None


def test_a_circle_of_parents_ends() -> None:
    assert terminal_below(SSHD, [process(11, 12, "sshd"), process(12, 11, "sshd"), process(10, 10, "sshd")]) is None
