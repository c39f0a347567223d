"""The timeline: its numbers are those of the processes' own rows, and of the story that made them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest

from logonscope.answers.history import PastProcess
from logonscope.answers.timeline import TimelineLogin
from logonscope.broker import Caller
from logonscope.broker.history import history, past_processes
from logonscope.broker.record_keys import number_key
from logonscope.broker.request import Request
from logonscope.broker.timeline import timeline
from logonscope.errors import AccessDeniedError, InvalidParameterError, NotSupportedError
from logonscope.ownership import LINUX
from tests.broker.test_history import ROOT, Present, kept, moment, request
from tests.journal.kept import Kept

__all__ = ["kept"]

Key = tuple[str | None, int]
Bins = dict[Key, tuple[int, int, int]]
"""Of a login and a bin: running, started and failed."""

SPANS = ((0, 1, 500), (1, 2, 37), (5, 6, 1000), (0, 6, 90_000))
"""Sixths of the story, and the milliseconds of a bin."""


def bins_of(logins: Iterable[TimelineLogin]) -> Bins:
    return {
        (login.logon_id, one.number): (one.running, one.started, one.failed) for login in logins for one in login.bins
    }


def counted(rows: Iterable[PastProcess], since: datetime, until: datetime, resolution: timedelta) -> Bins:
    """Count processes by bins, each process on its own."""
    running, started, failed = Counter[Key](), Counter[Key](), Counter[Key]()
    last_bin = (until - since - timedelta(microseconds=1)) // resolution
    for row in rows:
        assert row.start is not None
        if row.start >= until or (row.end is not None and row.end < since):
            continue
        first = (row.start - since) // resolution
        last = last_bin if row.end is None else (row.end - since) // resolution
        running.update((row.logon_id, number) for number in range(max(first, 0), min(last, last_bin) + 1))
        if first >= 0:
            started[row.logon_id, first] += 1
        if row.end is not None and last <= last_bin:
            failed[row.logon_id, last] += row.is_failed
    return {key: (running[key], started[key], failed[key]) for key in running}


@pytest.fixture(params=SPANS)
def span(request: pytest.FixtureRequest, kept: Kept) -> tuple[datetime, datetime, timedelta]:
    first, last, resolution = request.param
    sixth = kept.story.ms // 6
    return moment(first * sixth + 3), moment(last * sixth + 8), timedelta(milliseconds=resolution)


def test_the_numbers_are_those_of_the_processes(kept: Kept, span: tuple[datetime, datetime, timedelta]) -> None:
    since, until, resolution = span
    logins = list(timeline(request(kept), since, until, resolution))
    assert bins_of(logins) == counted(past_processes(request(kept)), since, until, resolution) != {}
    assert [login.record for login in logins] == [
        login.record for login in history(request(kept)) if login.start and login.start < until
    ]


def test_the_numbers_are_those_of_the_story(kept: Kept, span: tuple[datetime, datetime, timedelta]) -> None:
    since, until, resolution = span
    running = Counter[Key]()
    last_bin = (until - since - timedelta(microseconds=1)) // resolution
    for life in kept.story.lives:
        start, end = moment(life.ticks * 10), None if life.end is None else moment(life.end)
        if life.logon_id != "4294967295" and start < until and (end is None or end >= since):
            last = last_bin if end is None else min((end - since) // resolution, last_bin)
            running.update((life.logon_id, bin_) for bin_ in range(max((start - since) // resolution, 0), last + 1))
    found = {key: number for key, (number, _, _) in bins_of(timeline(request(kept), since, until, resolution)).items()}
    # an end is kept in milliseconds since the start, and a start in ticks of 10 ms
    differing = {key for key in running.keys() | found.keys() if running[key] != found.get(key, 0)}
    assert len(differing) <= len(running) * 10 / (resolution / timedelta(milliseconds=1)) + 2


def test_what_a_login_says_of_itself(kept: Kept) -> None:
    login = next(iter(timeline(request(kept), moment(0), moment(60_000), timedelta(seconds=1))))
    past = history(request(kept))[0]
    names = set(TimelineLogin._fields) - {"bins"}
    assert {name: getattr(login, name) for name in names} == {name: getattr(past, name) for name in names}
    assert [one.number for one in login.bins] == sorted({one.number for one in login.bins})


def test_a_user_sees_its_own_logins_alone(kept: Kept) -> None:
    span = moment(0), moment(kept.story.ms + 1000), timedelta(seconds=1)
    caller = Caller("user1003", 1003, administrator=False)
    own = list(timeline(request(kept, caller), *span))
    everything = list(timeline(request(kept), *span))
    # an administrator gets the numbers of records themselves, others opaque keys
    reveal = kept.history().reveal_number
    revealed = [login._replace(record=number_key(reveal("logon", login.record) or 0)) for login in own]
    assert revealed == [login for login in everything if login.logon_id in {"3", "10"}]
    assert list(timeline(request(kept, caller, {1003: "carol"}), *span)) == []
    renamed = Caller("carol", 1003, administrator=False)
    assert list(timeline(request(kept, renamed, {1003: "carol"}), *span)) == []
    with pytest.raises(AccessDeniedError):
        list(timeline(request(kept, Caller("nobody", None, administrator=False)), *span))


def test_what_is_rejected(kept: Kept) -> None:
    second = timedelta(seconds=1)
    with pytest.raises(InvalidParameterError, match="does not end after it begins"):
        list(timeline(request(kept), moment(1000), moment(1000), second))
    with pytest.raises(InvalidParameterError, match="more than 2000 bins"):
        list(timeline(request(kept), moment(0), moment(2_000_001), second))
    assert list(timeline(request(kept), moment(0), moment(2_000_000), second))
    with pytest.raises(NotSupportedError, match="no history found"):
        list(timeline(Request(Present({}), LINUX, ROOT), moment(0), moment(1000), second))


def test_a_time_before_everything_has_no_logins(kept: Kept) -> None:
    assert list(timeline(request(kept), moment(-9000), moment(-8000), timedelta(seconds=1))) == []
