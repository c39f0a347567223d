"""Tests of sources/linux/sudo_line.py: lines of sudo 1.9.13 and 1.9.16, and directories that look like fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.sources.linux.sudo_line import SudoLine, parse_sudo_line

LINES = {
    "   alice : PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/cat /etc/hostname": SudoLine(
        "alice", None, 1, None, "root", "/usr/bin/cat /etc/hostname"
    ),
    "alice : TTY=pts/3 ; PWD=/home/alice ; USER=bob ; GROUP=adm ; COMMAND=/bin/sh -c a=1 ; b=2": SudoLine(
        "alice", None, 1, "pts/3", "bob", "/bin/sh -c a=1 ; b=2"
    ),
    "     bob : user NOT in sudoers ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/true": SudoLine(
        "bob", "user NOT in sudoers", 1, None, "root", "/usr/bin/true"
    ),
    "alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=list": SudoLine(
        "alice", "3 incorrect password attempts", 3, "pts/0", "root", "list"
    ),
    "alice : a password is required ; PWD=/ ; USER=root ; COMMAND=/usr/bin/id": SudoLine(
        "alice", "a password is required", 1, None, "root", "/usr/bin/id"
    ),
}


@pytest.mark.parametrize(("text", "line"), LINES.items())
def test_a_line(text: str, line: SudoLine) -> None:
    assert parse_sudo_line(text) == line


@pytest.mark.parametrize("text", [
    "alice : PWD=/tmp/a ; USER=bob ; COMMAND=/bin/true ; USER=root ; COMMAND=/bin/evil",
    "alice : PWD=/tmp/a ; USER=root ; COMMAND=/bin/true ; COMMAND=/bin/evil",
])  # fmt: skip
def test_a_directory_that_looks_like_fields_leaves_no_command(text: str) -> None:
    assert parse_sudo_line(text) == SudoLine("alice", None, 1)


@pytest.mark.parametrize("text", [
    "", "alice", "pam_unix(sudo:session): session opened for user root(uid=0) by (uid=1000)",
    "alice : PWD=/ ; USER=root ; COMMAND=/bin/a\n", "alice : PWD=/ ; USER=root ; COMMAND=\x1b[2J", "alice : hello",
    "alice : PWD=/ ; USER=root ; COMMAND=" + "a" * 40_000,
    # sudo 1.9.13: the second line of a command with an argument that looks like the fields
    "    root : (command continued) x ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/ls",
])  # fmt: skip
def test_other_lines_are_none(text: str) -> None:
    assert parse_sudo_line(text) is None


@given(st.text(st.sampled_from("a;:= /PWDUSERCOMMANDTTY"), max_size=60))
def test_no_line_makes_it_fail(text: str) -> None:
    line = parse_sudo_line("alice : " + text)
    assert line is None or line.account == "alice"
