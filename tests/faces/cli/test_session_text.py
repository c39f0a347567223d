"""Tests of faces/cli/session_text.py: words for values that are unknown, and the order of user managers."""

from datetime import UTC, datetime, timedelta

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.faces.cli.session_text import (
    is_logged_out,
    origin_text,
    selecting_word,
    start_text,
    type_text,
    user_change_mark,
    user_text,
    with_managers_after_logins,
)

MOMENT = datetime(2026, 1, 1, 10, tzinfo=UTC)
ALICE = LogonSession("41", user="alice", uid=1000, logon_type=10, logon_type_name="RemoteInteractive", start=MOMENT)
UNKNOWN = LogonSession("42")
SYSTEM = LogonSession("4294967295", logon_type=0, logon_type_name="System")


@pytest.mark.parametrize(
    ("session", "words"),
    [
        (ALICE, ("alice", "41", "RemoteInteractive (10)", "-")),
        (ALICE._replace(user=None, login="c1", seat="seat0"), ("uid 1000", "c1", "RemoteInteractive (10)", "seat0")),
        (UNKNOWN, ("?", "42", "-", "-")),
        (SYSTEM, ("System", "system", "System (0)", "-")),
    ],
)
def test_every_value_has_a_word(session: LogonSession, words: tuple[str, ...]) -> None:
    assert (user_text(session), selecting_word(session), type_text(session), origin_text(session)) == words


def test_an_approximate_start_is_marked() -> None:
    exact = start_text(ALICE)
    approximate = ALICE._replace(sources={"start": "approximately: the earliest process"})
    assert start_text(approximate) == f"~{exact}"
    # without the boot time, no start is known: nothing is approximate
    assert start_text(approximate._replace(start=None)) == ""


def test_the_number_of_a_type_is_never_cut() -> None:
    assert type_text(ALICE, 12) == "Remote… (10)"


def test_a_user_manager_follows_the_login_that_caused_it() -> None:
    late = ALICE._replace(logon_id="50", start=MOMENT + timedelta(hours=1))
    manager = ALICE._replace(logon_id=str((1 << 33) + 1000), login_class="manager", start=MOMENT - timedelta(seconds=1))
    assert [session.logon_id for session in with_managers_after_logins([manager, late, ALICE])] == [
        "50", "41", manager.logon_id,
    ]  # fmt: skip


def test_only_the_state_says_that_a_login_is_logged_out() -> None:
    assert is_logged_out(ALICE._replace(state="logged out"))
    assert not is_logged_out(UNKNOWN)


def row(pid: int, name: str = "sh", uid: int | None = 1000) -> SessionProcess:
    user = {0: "root", 1000: "alice"}.get(uid or 0)
    return SessionProcess("41", "audit", pid, 1, name, user, uid, 1000, None, None, "S", None, None, None, {})


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
