"""Tests of faces/cli/session_text.py: words for values that are unknown, and the order of user managers."""

from datetime import UTC, datetime, timedelta

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.faces.cli.session_text import (
    is_logged_out,
    origin_text,
    selecting_word,
    start_text,
    type_text,
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
    assert start_text(ALICE._replace(sources={"start": "approximately: the earliest process"})) == f"~{exact}"


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
