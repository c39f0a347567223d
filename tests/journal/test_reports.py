"""Rows of failed logons and changes of user: what the policy keeps of them, and of which process a change was."""

from pathlib import Path
from typing import Any

import pytest

from logonscope.facts import FailedLogon, UserChange
from logonscope.journal.policy import Policy
from logonscope.machine.events import Event, LogonFailed, UserChanged
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM, owner_of
from tests.journal.test_recorder import ended, head, make, started

SUDO = UserChange(1001, "user1001", 0, "root", True, "id", "sudo", "/usr/bin/id --password=secret -a", "kernel")
ATTEMPT = FailedLogon("sshd", 9, "bob", True, "192.0.2.1", 5, None, "password", attempts=3, source="journal")


def changed(process: Any, ms: int, change: UserChange = SUDO) -> Event:
    return UserChanged(head(ms), process, owner_of(1), change)


def stored(kept: Kept, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return kept.database.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id").fetchall()


def test_an_attempt_is_a_row(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed([LogonFailed(head(6000), ATTEMPT, SYSTEM)])
    columns = ("ms", "service", "pid", "user", "is_known_user", "address", "port", "method", "attempts", "source")
    expected = (6000, "sshd", 9, "bob", 1, "192.0.2.1", 5, "password", 3, "journal")
    assert stored(kept, "failed_logon", *columns) == [expected]


def test_text_of_any_kind_is_stored(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    names = ["\udcff\ud800\0x", "n" * 100_000, ""]
    kept.feed([LogonFailed(head(6000), ATTEMPT._replace(user=name), SYSTEM) for name in names])
    assert [user for (user,) in stored(kept, "failed_logon", "user")] == ["??\0x", "n" * 4096, ""]
    kept.move_all()
    assert kept.verify().is_intact


@pytest.mark.parametrize("wait", [0, 400, 5000])
def test_a_change_is_of_the_process_that_has_ended_by_then(tmp_path: Path, wait: int) -> None:
    kept = Kept(tmp_path / "history")
    process, later = make(10, 5000), make(10, 6000 + wait)
    kept.feed([started(process, 5000), ended(process, 5010)])
    kept.feed([started(make(11, 5010 + wait), 5010 + wait), changed(process, 5010 + wait), started(later, 6000 + wait)])
    kept.feed([changed(later, 6001 + wait)])
    rows = stored(kept, "user_change", "process", "pid", "to_user")
    first, _, last = (number for (number,) in stored(kept, "every", "id"))
    assert rows == [(first if wait < 5000 else rows[0][0], 10, "root"), (last, 10, "root")]


@pytest.mark.parametrize(("kind", "command"), [
    ("off", None), ("name", "/usr/bin/id --password=[redacted] -a"), ("full", "/usr/bin/id --password=[redacted] -a"),
])  # fmt: skip
def test_the_command_of_sudo_is_kept_without_secrets(tmp_path: Path, kind: Any, command: str | None) -> None:
    kept = Kept(tmp_path / "history", Policy(command_lines=kind))
    kept.feed([changed(make(10, 5000), 5000)])
    assert stored(kept, "user_change", "command") == [(command,)]


@pytest.mark.parametrize("policy", [
    Policy(excluded_users=frozenset({"bob", "user1001"})), Policy(excluded_users=frozenset({"bob", "root"})),
])  # fmt: skip
def test_excluded_users_have_no_rows(tmp_path: Path, policy: Policy) -> None:
    kept = Kept(tmp_path / "history", policy)
    kept.feed([
        changed(make(10, 5000), 5000), LogonFailed(head(6000), ATTEMPT, SYSTEM),
        LogonFailed(head(6000), ATTEMPT._replace(user="x", by_user="bob"), SYSTEM),
        LogonFailed(head(6000), ATTEMPT._replace(user="kept"), SYSTEM),
    ])  # fmt: skip
    assert stored(kept, "user_change", "id") == []
    assert stored(kept, "failed_logon", "user") == [("kept",)]
