"""Activity: root that somebody gained, gaps, clocks that are set, and boots."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from logonscope.broker.history import past_processes
from logonscope.broker.timeline import timeline
from logonscope.facts import Process
from logonscope.machine import Owner
from logonscope.machine.events import Event, ProcessEnded, ProcessStarted
from tests.broker.test_history import moment, request
from tests.broker.test_timeline import bins_of, counted
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM, owner_of

SECOND = timedelta(seconds=1)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    story = Kept(tmp_path / "history")
    story.feed(story.story.start_logons())
    yield story
    story.keeper.stop()


def check_span(kept: Kept, since: datetime, until: datetime, resolution: timedelta) -> None:
    """Compare a timeline with the rows of processes."""
    rows = list(past_processes(request(kept)))
    assert bins_of(timeline(request(kept), since, until, resolution)) == counted(rows, since, until, resolution) != {}


def started(kept: Kept, process: Process, owner: Owner, parent: Process | None, ms: int) -> Event:
    origin = None if parent is None else (parent.pid, parent.start or 0)
    return ProcessStarted(kept.story.head(ms), process, owner, origin)


def test_gained_root(kept: Kept) -> None:
    login, other, root_login = owner_of(1), owner_of(2), Owner("900", "audit", owner_of(1).login)
    outside = process_of(50, 0, 2000)
    story: list[tuple[Process, Owner, Process | None, bool]] = []

    def add(uid: int, parent: Process | None, owner: Owner, is_gained: bool) -> Process:
        one = process_of(400 + len(story), uid, 3000 + 1000 * len(story))
        story.append((one, owner, parent, is_gained))
        return one

    leader = add(0, outside, login, is_gained=False)  # sshd's own root
    worker = add(0, leader, login, is_gained=False)
    shell = add(1001, worker, login, is_gained=False)
    sudo = add(0, shell, login, is_gained=True)
    below = add(0, sudo, login, is_gained=True)
    add(33, below, login, is_gained=False)
    add(0, shell, other, is_gained=False)  # a login below another: its first process is its login service's
    add(0, None, root_login, is_gained=False)
    kept.feed([started(kept, outside, SYSTEM, None, 2000)])
    kept.feed(started(kept, one, owner, parent, (one.start or 0) * 10) for one, owner, parent, _ in story)
    kept.feed(ProcessEnded(kept.story.head(20_000), one, owner, 0) for one, owner, _, _ in story[:6])
    kept.move_all()
    logins = {login.logon_id: login for login in timeline(request(kept), moment(0), moment(30_000), SECOND)}
    as_root = {one.number: one.as_root for one in logins["1"].bins}
    assert as_root == {number: 0 if number < 6 else 1 if number < 7 else 2 for number in range(3, 21)}
    assert {one.as_root for key in ("2", "900") for one in logins[key].bins} == {0}


def process_of(pid: int, uid: int, ms: int) -> Process:
    return Process(
        pid, ses=1, loginuid=1001, cgroup="/", comm="p", ppid=1, tty_nr=0, start=ms // 10, uids=(uid,) * 4,
        gids=(uid,) * 4, pid_namespaces=1, cmdline=b"p\0", exe="/bin/p", name="p",
    )  # fmt: skip


def test_a_clock_that_was_set_and_a_service_that_was_restarted(kept: Kept) -> None:
    kept.live(300, 1000)
    kept.keeper.stop()
    kept.reopen()
    kept.live(300, 1000)
    # rows have the wall time of their minute: the clock is set at the beginning of one
    kept.story.ms = (kept.story.ms // 60_000 + 2) * 60_000
    kept.clock.set_by += 3600 * 1_000_000
    kept.feed([started(kept, process_of(3998, 0, kept.story.ms), SYSTEM, None, kept.story.ms)])
    kept.live(300, 1000)
    end = moment(kept.story.ms + 3_700_000)
    check_span(kept, moment(0), end, timedelta(seconds=7))
    check_span(kept, moment(kept.story.ms + 3_600_000 - 9000), end, SECOND)
    check_span(kept, moment(5000), moment(20_000), timedelta(milliseconds=300))


def test_another_boot(kept: Kept) -> None:
    kept.live(300, 1000)
    kept.keeper.stop()
    kept.clock.set_by += 100_000_000
    kept.reopen(boot_id="boot-2")
    kept.feed(kept.story.start_logons())
    kept.live(300, 1000)
    end = moment(kept.story.ms + 200_000)
    check_span(kept, moment(0), end, SECOND)
    check_span(kept, moment(kept.story.ms // 3), moment(kept.story.ms // 2), SECOND)


def test_what_started_in_a_gap_is_counted_where_it_started(kept: Kept) -> None:
    kept.live(100, 3000)
    kept.keeper.stop()
    last = kept.story.ms
    kept.story.ms += 600_000
    kept.clock.ms = kept.story.ms
    kept.reopen()
    ms = last + 300_000
    kept.feed([started(kept, process_of(3999, 1001, ms)._replace(ses=3), owner_of(3), None, kept.story.ms)])
    span = moment(last - 5000), moment(ms + 5000)
    check_span(kept, *span, SECOND)
    bins = bins_of(timeline(request(kept), *span, SECOND))
    assert bins["3", (ms // 10 * 10 - last + 5000) // 1000][1] == 1
