"""Tests of broker/whose_candidates.py: the processes that a name, a path, an account or an address selects."""

from typing import Any

import pytest

from logonscope import InvalidParameterError, NotFoundError
from logonscope.broker import whose, whose_candidates
from logonscope.broker.request import Request
from logonscope.facts import Process
from logonscope.machine.snapshot import Snapshot
from tests.broker.memory import Memory
from tests.example import ACCOUNTS, PROCESSES, snapshot
from tests.hosts import ROOT, user


def web1(*processes: Process) -> Snapshot:
    return snapshot()._replace(processes=(*PROCESSES, *processes))


def asked(*processes: Process) -> Request:
    return Memory(web1(*processes)).request(ROOT)


def pids(found: list[whose_candidates.Match]) -> list[int]:
    return [pid for pid, _ in found]


def like(pid: int, of: int, **facts: Any) -> Process:
    (process,) = (process for process in PROCESSES if process.pid == of)
    return process._replace(pid=pid, children=(), **facts)


def test_a_name_is_that_of_processes() -> None:
    assert pids(whose_candidates.find_by_name(asked(), "sshd")) == [700, 4100, 4150]
    assert whose_candidates.find_by_name(asked(), "nosuch") == []


def test_a_path_is_that_of_an_executable_replaced_ones_included() -> None:
    request = asked(like(1, 1, exe="/sbin/init"), like(77, 4312, exe="/opt/x"), like(78, 4312, exe="/opt/x (deleted)"))
    assert pids(whose_candidates.find_by_executable(request, "/opt/x")) == [77, 78]
    assert whose_candidates.find_by_executable(request, "/opt/y") == []


def test_an_account_has_what_its_logins_started_and_what_runs_as_it() -> None:
    assert pids(whose_candidates.find_by_account(asked(), "alice")) == [4100, 4120, 4150, 4151, 4300, 4312]
    assert pids(whose_candidates.find_by_account(asked(), "postgres")) == [3900, 3901]
    runs_as_bob = like(79, 700, uids=(1001,) * 4)
    assert pids(whose_candidates.find_by_account(asked(runs_as_bob), "bob")) == [79, 3990, 3991]
    assert whose_candidates.find_by_account(asked(), "mallory") == []


def test_an_account_that_only_a_login_record_names_is_found() -> None:
    without = web1()._replace(users=tuple(account for account in ACCOUNTS.values() if account.name != "bob"))
    assert pids(whose_candidates.find_by_account(Memory(without).request(ROOT), "bob")) == [3990, 3991]


def test_an_account_as_target_shows_only_visible_processes() -> None:
    assert whose_candidates.find_by_account(Memory(web1()).request(user(1001)), "alice") == []


def test_a_word_that_is_both_is_not_guessed() -> None:
    request = asked(like(80, 700, name="bob", comm="bob"))
    with pytest.raises(
        InvalidParameterError, match=r"'bob' is ambiguous: .* 1 processes, and an account with 2"
    ) as error:
        whose_candidates.find_by_word(request, "bob")
    assert error.value.hint == "use name:bob or user:bob"
    assert pids(whose_candidates.find_by_word(asked(), "bob")) == [3990, 3991]
    assert pids(whose_candidates.find_by_word(asked(), "cron")) == [650, 6000]


def test_a_word_that_is_neither_says_what_was_tried() -> None:
    with pytest.raises(
        NotFoundError, match="no process is named 'x', and no process belongs to an account of that name"
    ):
        whose_candidates.find_by_word(asked(), "x")


@pytest.mark.parametrize("name", ["postgres", "mallory"])
def test_an_account_with_hidden_processes_reads_like_one_that_does_not_exist(name: str) -> None:
    request = Memory(web1()).request(user(1001))
    with pytest.raises(NotFoundError) as word_error:
        whose_candidates.find_by_word(request, name)
    assert word_error.value.message == (
        f"no process is named '{name}', and none of those that you may see belongs to an account of that name"
    )
    assert word_error.value.hint.startswith('run it as root, or connect(visibility="kernel"); use a pid')
    with pytest.raises(NotFoundError) as account_error:
        whose.whose(request, f"user:{name}")
    assert account_error.value.message == f"none of the processes that you may see belongs to an account '{name}'"
