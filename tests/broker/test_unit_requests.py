"""Tests of broker/unit_requests.py: requests to start units, as far as callers may see who made them."""

from logonscope.broker import Caller
from logonscope.broker.unit_requests import read_unit_requests
from logonscope.facts import UnitRequest
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

ALICE = UnitRequest(
    "ssh.service", example.since(9), example.since(8), 4400, 41, 1000, "/user.slice/user-1000.slice/session-41.scope",
    "sudo systemctl restart ssh", "journal, sudo",
)  # fmt: skip
BOB_WHO_LOGGED_OUT = ALICE._replace(unit="cron.service", ses=99, loginuid=1001, cgroup="")


def read(caller: Caller, *requests: UnitRequest) -> list[tuple[str, str | None]]:
    request = Memory(example.snapshot()._replace(unit_requests=requests)).request(caller)
    return [(row.unit, owner.logon_id) for row, owner in read_unit_requests(request)]


def test_an_administrator_sees_each_request_with_its_logon_session() -> None:
    assert read(ROOT, ALICE, BOB_WHO_LOGGED_OUT) == [("ssh.service", "41"), ("cron.service", "99")]


def test_others_see_those_of_their_own_logon_sessions() -> None:
    assert read(user(1000), ALICE, BOB_WHO_LOGGED_OUT) == [("ssh.service", "41")]
    assert read(user(1001), ALICE, BOB_WHO_LOGGED_OUT) == [("cron.service", "99")]
    assert read(user(1002), ALICE, BOB_WHO_LOGGED_OUT) == []


def test_without_requests_nothing_is_read() -> None:
    memory = Memory(example.snapshot())
    assert list(read_unit_requests(memory.request(ROOT))) == []
    assert (memory.asked.logins, memory.asked.processes) == ([], [])
