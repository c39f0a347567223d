"""Small load tests of the server: crowds, open enumerations, many requests; `make load` has the large ones."""

from bench.served import PEOPLE
from tests.server.load import load
from tests.server.load_enumerations import ADMINISTRATOR, BEYOND, LATE, load_enumerations
from tests.server.load_requests import load_requests

CLIENTS, PROCESSES = 30, 1_000
OF_PASSWORDS, OF_AN_ANSWER = 8 * 19, 2
"""MiB at most: workers that look at a password at the same time; an answer while it is put together and sent."""


def test_a_crowd_gets_what_is_its_own_each_row_once() -> None:
    report = load(CLIENTS, PROCESSES)
    assert report.wrong == []
    rows = {user: {told.rows for told in report.told if told.user == user} for user in PEOPLE}
    assert rows == {"scanner": {PROCESSES}, "alice": {PROCESSES // 2}, "bob": {PROCESSES // 2}}
    assert (report.peak - report.before) >> 10 < OF_PASSWORDS + CLIENTS * OF_AN_ANSWER


def test_users_have_as_many_enumerations_as_they_may_and_administrators_keep_theirs() -> None:
    users, each = 8, 8
    report = load_enumerations(users, each)
    everybody = [f"user{number}" for number in range(users)]
    assert report.faults == []
    assert report.opened == dict.fromkeys([*everybody, ADMINISTRATOR], each) | {LATE: 1}
    assert report.refused == dict.fromkeys([*everybody, ADMINISTRATOR, LATE], BEYOND)


def test_memory_does_not_grow_with_the_number_of_requests() -> None:
    assert load_requests(3000).wrong == []
