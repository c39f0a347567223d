"""Tests of tests/peers/events.py: the connector's messages are parsed, and become a history."""

import pytest

from tests.peers.events import EXEC, FORK, SID, Event, History, apply_event, parse_event, subscription
from tests.peers.facts import Process
from tests.peers.samples import PTS_1, SHELL, SHELL_PROCESS

HEADERS = "4c0000000300000001000000000000000100000001000000010000000000000028000000"
FORKED = "0100000001000000f1cab78cf60e00008856000088560000ca560000ca5600000000000000000000"
EXECUTED = "0200000001000000fe5abb8cf60e0000ca560000ca56000000000000000000000000000000000000"
ENDED = "00000080010000000bd8c48cf60e0000ca560000ca56000000000000110000008856000088560000"
ACKNOWLEDGED = "0000000000000000efc1b68cf60e0000000000000000000000000000000000000000000000000000"
THREAD = FORKED[:48] + "cb560000" + FORKED[56:]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (FORKED, Event(FORK, 0x56CA, 0x5688)),
        (EXECUTED, Event(EXEC, 0x56CA)),
        ("80" + EXECUTED[2:], Event(SID, 0x56CA)),
        (ENDED, None),
        (ACKNOWLEDGED, None),
        (THREAD, None),
        ("", None),
    ],
)
def test_messages_of_a_kernel_are_parsed(message: str, expected: Event | None) -> None:
    assert parse_event(bytes.fromhex(HEADERS + message)) == expected


def test_the_subscription_is_one_message() -> None:
    message = subscription()
    assert int.from_bytes(message[:4], "little") == len(message) == 40
    assert message[-4:] == b"\1\0\0\0"


def nothing(_pid: int) -> None:
    """Read a process that has ended."""


def test_a_forked_process_is_as_its_parent_until_it_executes() -> None:
    sleep = Process(50, 1, 50, 0, "sleep", "/usr/bin/sleep", 1000, 41)
    history: History = {SHELL: SHELL_PROCESS}
    apply_event(history, Event(FORK, 50, SHELL), nothing)
    assert history[50] == SHELL_PROCESS._replace(pid=50, ppid=SHELL, has_executed=False)
    apply_event(history, Event(SID, 50), nothing)
    assert (history[50].sid, history[50].tty, history[SHELL].tty) == (50, 0, PTS_1)
    apply_event(history, Event(EXEC, 50), lambda _pid: sleep)
    assert history[50] == sleep._replace(ppid=SHELL), "an orphan keeps the parent that forked it"


def test_what_is_not_known_does_no_harm() -> None:
    history: History = {}
    apply_event(history, Event(FORK, 50, 49), nothing)
    apply_event(history, Event(SID, 50), nothing)
    apply_event(history, Event(EXEC, 50), nothing)
    assert history == {}
