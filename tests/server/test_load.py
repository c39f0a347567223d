"""A small load test: clients that connect at the same time get each row once, in bounded memory; see `make load`."""

from bench.served import PEOPLE
from tests.server.load import load

CLIENTS, PROCESSES = 30, 1_000
OF_PASSWORDS, OF_AN_ANSWER = 8 * 19, 2
"""MiB at most: workers that look at a password at the same time; an answer while it is put together and sent."""


def test_a_crowd_gets_what_is_its_own_each_row_once() -> None:
    report = load(CLIENTS, PROCESSES)
    assert report.wrong == []
    rows = {user: {told.rows for told in report.told if told.user == user} for user in PEOPLE}
    assert rows == {"scanner": {PROCESSES}, "alice": {PROCESSES // 2}, "bob": {PROCESSES // 2}}
    assert (report.peak - report.before) >> 10 < OF_PASSWORDS + CLIENTS * OF_AN_ANSWER
