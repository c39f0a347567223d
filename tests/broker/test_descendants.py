"""broker/descendants.py: whose events are those of the processes that a watch itself has started."""

from typing import Any

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.broker.descendants import MAX_ENDED
from logonscope.facts import FailedLogon, Process, UserChange
from logonscope.machine import Owner
from logonscope.machine.events import Event, LoggedOut, LogonEnded, LogonFailed, LogonStarted, UserChanged
from tests import example
from tests.broker.scripted_events import EventMemory, Times, results, watch
from tests.hosts import ROOT

OWNER, NEW = Owner("41", "audit"), Owner("90", "audit")
ROOT_PID = 70_000
"""The pid of the process that watches; the example host has no such process, as a watch sees itself seldom."""


class Story:
    """Events of processes, and what a watch of one process gets of them."""

    def __init__(self) -> None:
        self.times, self.host = Times(), EventMemory(example.snapshot())
        self.watch = watch(self.host, ROOT, without_descendants_of=ROOT_PID)

    def started(self, pid: int, ppid: int, start: int = 1000) -> Event:
        return self.times.started(process(pid, ppid, start), OWNER)

    def ended(self, pid: int, ppid: int = 1, start: int = 1000) -> Event:
        return self.times.ended(process(pid, ppid, start), OWNER)

    def seen(self, *events: Event) -> list[Any]:
        """Return the kinds of the events that are reported, with pid or LogonId."""
        self.host.script.add(*events)
        return [
            (row.event, (row.process and row.process.pid) or (row.session and row.session.logon_id))
            for row in results(self.watch)
        ]


def process(pid: int, ppid: int, start: int = 1000) -> Process:
    return Process(pid, ppid=ppid, start=start, name="x", uids=(0, 0, 0, 0), gids=(0, 0, 0, 0))


@pytest.fixture
def story() -> Story:
    return Story()


def test_children_and_their_children_are_left_out_also_after_their_parents_have_ended(story: Story) -> None:
    assert story.seen(story.started(500, ROOT_PID), story.started(501, 500), story.ended(500)) == []
    # an orphan, and what it starts
    assert story.seen(story.started(502, 501), story.started(503, 1), story.ended(502)) == [("ProcessStarted", 503)]
    before = process(501, 1)
    assert story.seen(story.times.changed((before, OWNER), (before._replace(exe="/y"), OWNER))) == []


def test_the_process_itself_and_others_are_reported(story: Story) -> None:
    assert story.seen(story.started(ROOT_PID, 1), story.started(600, 1), story.ended(600)) == [
        ("ProcessStarted", ROOT_PID), ("ProcessStarted", 600), ("ProcessEnded", 600),
    ]  # fmt: skip


def test_a_pid_that_another_process_got_is_reported(story: Story) -> None:
    assert story.seen(story.started(500, ROOT_PID), story.ended(500), story.started(500, 1, 2000)) == [
        ("ProcessStarted", 500)
    ]
    # an end was missed
    assert story.seen(story.started(510, ROOT_PID, 1000), story.started(510, 1, 3000), story.ended(510, 1, 3000)) == [
        ("ProcessStarted", 510), ("ProcessEnded", 510),
    ]  # fmt: skip


def test_changes_of_user_that_are_reported_after_the_end(story: Story) -> None:
    change = UserChange(1000, "alice", 0, "root", is_complete=True)
    late = UserChanged(story.times.head, process(500, ROOT_PID), OWNER, change)
    assert story.seen(story.started(500, ROOT_PID), story.ended(500), late) == []
    other = UserChanged(story.times.head, process(501, 1), OWNER, change)
    assert story.seen(other) == [("UserChanged", 501)]


def test_a_failed_logon_of_a_descendant(story: Story) -> None:
    def failed(pid: int) -> Event:
        return LogonFailed(story.times.head, FailedLogon("su", pid, "bob"), OWNER)

    assert story.seen(story.started(500, ROOT_PID), failed(500), story.ended(500), failed(500)) == []
    assert story.seen(failed(0), failed(4312)) == [("LogonFailed", None)] * 2


@pytest.mark.parametrize("leader", [500, None])
def test_a_logon_session_that_a_descendant_began(story: Story, leader: int | None) -> None:
    before = process(500, ROOT_PID)
    session, other = LogonSession("90", leader=leader), LogonSession("91", leader=700)
    events = [
        story.started(500, ROOT_PID), story.times.changed((before, OWNER), (before, NEW)),
        story.times.logon(LogonStarted, session, NEW), story.ended(500),
        story.times.logon(LoggedOut, session, NEW), story.times.logon(LogonEnded, session, NEW),
    ]  # fmt: skip
    assert story.seen(*events) == []
    assert story.seen(story.times.logon(LogonStarted, other, Owner("91", "audit"))) == [("LogonStarted", "91")]
    # the number of a logon session that has ended can be given out again
    assert story.seen(story.times.logon(LogonStarted, session._replace(leader=800), NEW)) == [("LogonStarted", "90")]


def test_those_that_started_among_lost_events_are_read() -> None:
    first = example.snapshot()
    late = [process(801, 800), process(800, ROOT_PID), process(802, 1)]
    second = first._replace(processes=[*first.processes, *late])
    story = Story()
    story.host = EventMemory(first, second)
    story.watch = watch(story.host, ROOT, without_descendants_of=ROOT_PID)
    assert story.seen(story.times.lost(3)) == [("Lost", None)]
    assert story.seen(story.ended(801), story.ended(802)) == [("ProcessEnded", 802)]


def test_those_that_run_when_the_watch_begins() -> None:
    story = Story()
    # 4312 is a child of 4300, and that one of 4210
    story.watch = watch(story.host, ROOT, without_descendants_of=4300)
    ended = next(row for row in example.snapshot().processes if row.pid == 4312)
    assert story.seen(story.times.ended(ended, OWNER)) == []


def test_what_is_remembered_is_bounded(story: Story) -> None:
    for pid in range(1000, 1000 + 2 * MAX_ENDED):
        assert story.seen(story.started(pid, ROOT_PID), story.ended(pid)) == []
    assert "0 running" in repr(story.watch._descendants)  # noqa: SLF001 -- what it holds is what the test is about
