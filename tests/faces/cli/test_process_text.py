"""Tests of faces/cli/process_text.py: the command line or name of a process, as in ps(1), and changes of user."""

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.faces.cli.process_text import command_text, user_change_mark

ALICE = LogonSession("41", user="alice", uid=1000)


def row(pid: int, name: str = "sh", uid: int | None = 1000) -> SessionProcess:
    user = {0: "root", 1000: "alice"}.get(uid or 0)
    return SessionProcess("41", "audit", pid, 1, name, user, uid, 1000, None, None, "S", None, None, None, {})


@pytest.mark.parametrize(
    ("name", "state", "command_line", "text"),
    [
        ("sh", "S", "sh -c true", "sh -c true"),
        ("kthreadd", "S", None, "[kthreadd]"),
        ("sh", "Z", "", "[sh] <defunct>"),
        (None, None, None, "[?]"),
    ],
)
def test_a_process_has_its_command_line_or_its_name(
    name: str | None, state: str | None, command_line: str | None, text: str
) -> None:
    assert command_text(row(7)._replace(name=name, state=state, command_line=command_line)) == text


@pytest.mark.parametrize(
    ("uid", "name", "parent", "mark"),
    [
        (1000, "sh", row(1), ""),
        (0, "sudo", row(1), "[as root by sudo]"),
        (0, "sh", row(1, "su", 0), ""),
        (0, "passwd", row(1), "[as root]"),
        (1000, "sh", row(1, "sudo", 0), "[as alice by sudo]"),
        (1000, "sshd", row(1, "sshd", 0), ""),
        (0, "sleep", None, "[as root]"),
        (None, "sleep", None, ""),
    ],
)
def test_changes_of_user_are_marked_with_what_made_them(
    uid: int | None, name: str, parent: SessionProcess | None, mark: str
) -> None:
    assert user_change_mark(row(9, name, uid), parent, ALICE) == mark


def test_the_login_programs_own_processes_are_no_change_of_user() -> None:
    assert user_change_mark(row(9, "sshd", 0), None, ALICE._replace(leader=9)) == ""


def test_a_name_that_a_user_chose_hides_no_change_of_user() -> None:
    session = ALICE._replace(uid=2000)
    assert user_change_mark(row(9, "su", 1000), row(8, "dropbear", 0), session) == "[as alice]"
    assert user_change_mark(row(9, "sh", 0), row(8, "sudo", 1000), session) == "[as root]"
