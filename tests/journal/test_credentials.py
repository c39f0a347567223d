"""Tests of journal/credentials.py: a uid has the name of an account only if it belongs to this host."""

from collections.abc import Iterator

import pytest

from logonscope.facts import UNSET, Login, Machine, Process
from logonscope.journal.credentials import NAME_CHECK_MS, Credentials
from logonscope.journal.dictionaries import Dictionary
from logonscope.machine import Owner
from logonscope.ownership import LINUX

ALICE = Process(5, ses=7, loginuid=1000, uids=(1000,) * 4, gids=(100,) * 4, pid_namespaces=1, cgroup="/a")
CONTAINER = f"/system.slice/docker-{'ab' * 32}.scope"
UNRECORDED = Owner("7", "audit")
RECORDED = Owner("7", "audit", Login("7", 1000, leader=5, audit=7))
SYSTEM = Owner(str(UNSET), "none")


class Accounts:
    """The only account of a host; it counts how often it was asked for."""

    def __init__(self, name: str) -> None:
        self.name, self.count = name, 0

    def __call__(self, uid: int) -> str | None:
        """Return the name of a uid."""
        self.count += 1
        return self.name if uid == 1000 else None


def names(accounts: Accounts, *pairs: tuple[Process, Owner]) -> Iterator[str | None]:
    """Yield the name in the row of each process."""
    credentials = Credentials(Dictionary(1), Machine(""), LINUX, accounts)
    rows: dict[int, str | None] = {}
    for process, owner in pairs:
        number = credentials.number_of(process, owner, 1, 1)
        assert number is not None
        rows |= {row[0]: row[-1] for row in credentials.take_new_rows()}
        yield rows[number]


@pytest.mark.parametrize(
    ("process", "owner", "expected"),
    [
        (ALICE, RECORDED, "alice"),
        (ALICE, UNRECORDED, "alice"),
        (ALICE, SYSTEM, "alice"),
        (ALICE._replace(cgroup=CONTAINER), SYSTEM, None),
        (ALICE._replace(cgroup=CONTAINER), UNRECORDED, None),
        (ALICE._replace(pid_namespaces=2), UNRECORDED, None),  # perhaps a login inside a container
        (ALICE._replace(pid_namespaces=2), RECORDED, "alice"),  # such as a browser
        (ALICE._replace(uids=(2000,) * 4), RECORDED, None),
    ],
)
def test_the_name_is_that_of_an_account_of_this_host(process: Process, owner: Owner, expected: str | None) -> None:
    assert list(names(Accounts("alice"), (process, owner))) == [expected]


def test_the_same_uids_have_two_rows_inside_and_outside_of_a_container() -> None:
    accounts = Accounts("alice")
    inside = ALICE._replace(cgroup=CONTAINER)
    pairs = [(ALICE, SYSTEM), (inside, SYSTEM), (ALICE, SYSTEM), (inside, SYSTEM)]
    assert list(names(accounts, *pairs)) == ["alice", None, "alice", None]
    assert accounts.count == 1


def test_names_are_looked_up_again_after_a_time() -> None:
    accounts = Accounts("alice")
    credentials = Credentials(Dictionary(1), Machine(""), LINUX, accounts)
    assert credentials.number_of(ALICE, SYSTEM, 1, 1) == credentials.number_of(ALICE, SYSTEM, 2, NAME_CHECK_MS) == 1
    accounts.name = "alicia"
    assert credentials.number_of(ALICE, SYSTEM, 3, 2 * NAME_CHECK_MS) == 2
    assert [row[-1] for row in credentials.take_new_rows()] == ["alice", "alicia"]


def test_a_row_that_was_deleted_is_added_again() -> None:
    credentials = Credentials(Dictionary(1), Machine(""), LINUX, Accounts("alice"))
    assert credentials.number_of(ALICE, SYSTEM, 1, 1) == 1
    credentials.drop({1})
    assert credentials.number_of(ALICE, SYSTEM, 2, 1) == 2


def test_without_uids_there_is_no_row() -> None:
    credentials = Credentials(Dictionary(1), Machine(""), LINUX, Accounts("alice"))
    assert credentials.number_of(ALICE._replace(uids=None), SYSTEM, 1, 1) is None
    assert credentials.take_new_rows() == []
