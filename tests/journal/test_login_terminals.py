"""journal/login_terminals.py: a login gets the terminal of its shell, and not that of what it runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Login
from logonscope.machine import Look, Owner
from logonscope.machine.events import LogonStarted, ProcessChanged, ProcessStarted
from logonscope.machine.history import LogonRecordQuery
from tests.journal.kept import Kept
from tests.journal.test_recorder import head, make

PTS_3 = 136 << 8 | 3
LEADER = make(40, 5000, comm="sshd", name="sshd", exe="/usr/sbin/sshd", ses=41, loginuid=1000, ppid=1)
LOGIN = Login("41", 1000, leader=40, user="alice", service="sshd", remote=True, cls="user", type="tty", audit=41)
OWNER = Owner("41", "audit", LOGIN)
# as it is described before sshd has opened the terminal
SESSION = LogonSession("41", "alice", 1000, 3, service="sshd")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = Kept(tmp_path / "history")
    yield story
    story.keeper.stop()


def start(pid: int, ppid: int, **facts: Any) -> ProcessStarted:
    process = LEADER._replace(pid=pid, ppid=ppid, **facts)
    return ProcessStarted(head(5000), process, OWNER, (ppid, LEADER.start or 0))


def become(started: ProcessStarted, **facts: Any) -> ProcessChanged:
    return ProcessChanged(head(5001), (started.process, OWNER), (started.process._replace(**facts), OWNER))


def terminal_and_type(kept: Kept) -> tuple[str | None, int | None]:
    (record,) = kept.history().logons(Look(), LogonRecordQuery(logon_ids=frozenset({"41"})))
    return record.tty, record.logon_type


SHELL = {"comm": "bash", "name": "bash", "exe": "/bin/bash", "tty_nr": PTS_3}


def test_a_shell_below_the_worker_of_sshd_has_the_terminal_of_the_login(kept: Kept) -> None:
    worker, shell = start(42, 40), start(43, 42)
    kept.feed([start(40, 1), worker, shell])
    kept.feed([LogonStarted(head(5000), SESSION, OWNER)])
    assert terminal_and_type(kept) == (None, 3)
    kept.feed([become(shell, **SHELL)])
    assert terminal_and_type(kept) == ("pts/3", 10)
    # what is described later, from a record without a terminal, does not take it away
    kept.feed([LogonStarted(head(5002), SESSION, OWNER)])
    assert terminal_and_type(kept) == ("pts/3", 10)
    (login,) = kept.keeper.remembered_logins()
    assert login.seen_tty == "pts/3"


def test_the_terminal_that_is_seen_before_the_login_is_described_stays(kept: Kept) -> None:
    kept.feed([start(40, 1), start(43, 40, **SHELL), LogonStarted(head(5000), SESSION, OWNER)])
    assert terminal_and_type(kept) == ("pts/3", 10)


def test_the_terminal_is_found_after_a_restart_of_the_service(kept: Kept) -> None:
    shell = start(43, 40)
    kept.feed([start(40, 1), shell, LogonStarted(head(5000), SESSION, OWNER)])
    kept.keeper.stop()
    kept.reopen()
    kept.feed([become(shell, **SHELL)])
    assert terminal_and_type(kept) == ("pts/3", 10)


@pytest.mark.parametrize("between", ["script", "tmux: server"])
def test_a_terminal_that_a_program_of_the_login_made_is_not_the_login_s(kept: Kept, between: str) -> None:
    program = start(42, 40)
    kept.feed([start(40, 1), program, become(program, comm=between, name=between, exe="/usr/bin/x")])
    kept.feed([start(43, 42, **SHELL), LogonStarted(head(5000), SESSION, OWNER)])
    assert terminal_and_type(kept) == (None, 3)


def test_neither_is_one_further_down(kept: Kept) -> None:
    kept.feed([start(40, 1), start(42, 40), start(43, 42), start(44, 43, **SHELL)])
    assert terminal_and_type(kept)[0] is None
