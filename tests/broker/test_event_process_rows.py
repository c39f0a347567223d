"""Tests of broker/event_process_rows.py: rows are those of ``process_row``, whatever they have in common."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.broker import Caller
from logonscope.broker.access import HIDDEN
from logonscope.broker.event_process_rows import EventProcessRows
from logonscope.broker.event_request import EventRequest
from logonscope.broker.session_processes import process_row
from logonscope.facts import Process
from logonscope.machine import Owner
from tests import example
from tests.broker.crowds import Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT

CHANGES: tuple[dict[str, Any], ...] = (
    {}, {"pid": 4_000_000}, {"ppid": None}, {"ppid": 7}, {"start": None}, {"start": 123}, {"comm": "other"},
    {"name": "a-name-that-the-kernel-cuts"}, {"uids": (1, 2, 3, 4)}, {"uids": None}, {"tty_nr": 136 << 8},
    {"state": "Z"}, {"cmdline": b"a\0b\0"}, {"exe": "/usr/bin/\x01"}, {"loginuid": 880_001}, {"cgroup": "/"},
    {"cgroup": "/lxc.payload.web/init.scope"}, {"pid_namespaces": 2}, {"unread": {"exe": "not permitted"}},
    {"unread": {}}, {"utime": 99}, {"minflt": 1},
)  # fmt: skip
"""How the next process differs from one before."""

steps = st.lists(
    st.tuples(st.integers(0, 50), st.lists(st.sampled_from(CHANGES), max_size=2), st.booleans()), max_size=20
)


def request(host: Memory, caller: Caller = ROOT) -> EventRequest:
    return EventRequest.renewed(host.request(caller))


@given(crowds(), steps)
@settings(max_examples=60, deadline=None)
def test_rows_of_processes_with_much_in_common(
    crowd: Crowd, made: list[tuple[int, list[dict[str, Any]], bool]]
) -> None:
    host = Memory(crowd.snapshot)
    pairs = [(process, crowd.owner[pid]) for pid, process in crowd.process.items()]
    for number, changes, is_hidden in made:
        process, owner = pairs[number % len(pairs)]
        for change in changes:
            process = process._replace(**change)
        # an equal owner that is another object, as after the logins were read again
        pairs.append((process, HIDDEN if is_hidden else Owner(*owner)))
    rows, ordinary = EventProcessRows(request(host)), request(host)
    # each twice: the start and the end of a process
    for process, owner in [*pairs, *pairs]:
        expected = process_row(ordinary, process, owner)
        row = rows.row(process, owner)
        assert row == expected
        assert [type(value) for value in row] == [type(value) for value in expected]


def test_the_row_of_a_process_that_ended_is_that_of_its_start() -> None:
    rows = EventProcessRows(request(Memory(example.snapshot())))
    owner = Owner("41", "audit")
    process = example.BY_PID[4312]
    assert rows.row(process, owner) is rows.row(process, owner)
    # a later process can have the memory of an earlier one, but not while that is kept
    numbers = {rows.row(Process(pid), owner).pid for pid in range(100)}
    assert numbers == set(range(100))
    assert repr(rows) == "<EventProcessRows of 101 processes>"
