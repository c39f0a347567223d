"""ownership/terminal.py: is the terminal of a login the one that its person sits at?"""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Process
from logonscope.ownership.terminal import terminal_below, terminal_name

NAMES = [
    (0, 0, None),
    (4, 1, "tty1"),
    (4, 63, "tty63"),
    (4, 64, "ttyS0"),
    (4, 67, "ttyS3"),
    (5, 1, "console"),
    (136, 0, "pts/0"),
    (136, 255, "pts/255"),
    (137, 0, "pts/256"),
    (143, 255, "pts/2047"),
    (136, 300, "pts/300"),
    (136, 1_048_575, "pts/1048575"),
    (188, 2, "ttyUSB2"),
    (166, 0, "ttyACM0"),
    (229, 0, "hvc0"),
    (204, 64, "ttyAMA0"),
    (204, 80, "204:80"),
    (3, 7, "3:7"),
]


@pytest.mark.parametrize(("major", "minor", "name"), NAMES)
def test_a_terminal_has_the_name_that_ps_gives_it(major: int, minor: int, name: str | None) -> None:
    assert terminal_name(os.makedev(major, minor)) == name


def test_where_the_terminal_is_not_known_it_has_no_name() -> None:
    assert terminal_name(None) is None


def test_a_large_number_that_the_kernel_prints_as_negative_is_the_same_terminal() -> None:
    number = os.makedev(136, 600_000)
    assert terminal_name(number - (1 << 32)) == terminal_name(number) == "pts/600000"


PTS0, PTS1 = os.makedev(136, 0), os.makedev(136, 1)


def process(pid: int, ppid: int, comm: str, tty_nr: int = 0) -> Process:
    """Return a process."""
    return Process(pid, comm=comm, ppid=ppid, tty_nr=tty_nr)


MONITOR = process(10, 1, "sshd")
USER_SSHD = process(11, 10, "sshd")


def test_the_leaders_own_terminal_is_the_logins() -> None:
    assert terminal_below(process(5, 1, "login", os.makedev(4, 1)), []) == "tty1"


def test_the_shell_below_both_processes_of_sshd_has_the_terminal() -> None:
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, process(12, 11, "bash", PTS0)]) == "pts/0"


def test_a_command_without_a_terminal_is_a_login_without_one() -> None:
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, process(12, 11, "bash")]) is None
    assert terminal_below(MONITOR, [MONITOR]) is None


def test_a_terminal_that_was_made_inside_the_login_does_not_count() -> None:
    inside = [process(12, 11, "bash"), process(13, 12, "tmux: server"), process(14, 13, "bash", PTS1)]
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, *inside]) is None
    script = [process(12, 11, "script"), process(13, 12, "bash", PTS1)]
    assert terminal_below(MONITOR, [MONITOR, USER_SSHD, *script]) is None


def test_the_leader_need_not_be_among_the_processes() -> None:
    assert terminal_below(MONITOR, [USER_SSHD, process(12, 11, "bash", PTS0)]) == "pts/0"


members = st.lists(
    st.builds(
        process, st.integers(1, 8), st.integers(0, 8), st.sampled_from(["sshd", "bash"]), st.sampled_from([0, PTS0])
    ),
    max_size=12,
)


@given(members)
def test_parents_that_go_round_in_a_circle_end_the_search(processes: list[Process]) -> None:
    assert terminal_below(process(1, 2, "sshd"), processes) in {None, "pts/0"}
