"""Tests of server/json_host_events.py: an event has the same text as all other JSON, whatever was written before it."""

import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.answers.host_event import ChangedUser, EventName, FailedAttempt, HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.server.json_host_events import MAX_PIECES, HostEventWriter
from logonscope.wire.json.text import write_text

texts = st.none() | st.sampled_from(["", "bash", '"', "\\", "\ud800", "\u2028ä", "{0}", "%s"]) | st.text(max_size=5)
numbers = st.none() | st.integers(-1, 1 << 40)
zones = st.sampled_from([UTC, timezone(timedelta(hours=2)), timezone(timedelta(minutes=-90))])
times = st.none() | st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=zones)  # noqa: DTZ001 -- bounds have none
rows = st.builds(
    SessionProcess, texts, st.sampled_from(["audit", "none"]), st.integers(1, 9), numbers, texts, texts, numbers,
    numbers, times, texts, texts, st.none() | st.booleans(), texts, texts,
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2), texts, texts, texts, texts, texts, texts,
)  # fmt: skip
sessions = st.builds(LogonSession, st.sampled_from(["41", "42"]), user=texts, remote_host=texts)
changes = st.builds(
    ChangedUser, numbers, texts, st.integers(0, 9), texts, st.booleans(), texts, texts, texts, st.just("journal")
)
attempts = st.builds(
    FailedAttempt,
    st.just("sshd"),
    texts,
    st.none(),
    texts,
    numbers,
    texts,
    texts,
    texts,
    texts,
    texts,
    texts,
    st.just(1),
    numbers,
    st.just("journal"),
)
kinds: st.SearchStrategy[EventName] = st.sampled_from(["ProcessStarted", "ProcessChanged", "ProcessEnded", "Lost"])


@st.composite
def streams(draw: st.DrawFn) -> list[HostEvent]:
    """Return events that have rows, sessions and times in common, as objects and as equal values."""
    kept_rows = draw(st.lists(rows, min_size=1, max_size=4))
    kept_sessions = draw(st.lists(sessions, min_size=1, max_size=2))
    events = []
    for _ in range(draw(st.integers(1, 12))):
        row = draw(st.sampled_from(kept_rows))
        if draw(st.booleans()):
            row = row._replace(pid=draw(st.integers(1, 9)), start=draw(times), process_guid=draw(texts))
        some = st.none() | st.just(row) | st.sampled_from(kept_rows)
        session = draw(st.none() | st.sampled_from(kept_sessions))
        event = HostEvent(draw(kinds), draw(times), draw(texts), draw(some), draw(some), session)
        event = event._replace(exit_code=draw(numbers), signal=draw(numbers), missed=draw(numbers))
        missed_all = draw(st.none() | st.booleans())
        event = event._replace(attempt=draw(st.none() | attempts), change=draw(st.none() | changes))
        events.append(event._replace(missed_all=missed_all))
    return events


WRITER = HostEventWriter()


@given(streams())
@settings(max_examples=25, deadline=None)
def test_the_text_is_that_of_any_other_json(events: list[HostEvent]) -> None:
    writer = HostEventWriter()
    # one writer is new, the other has written the events of all examples before
    for event in events:
        assert writer.write(event) == WRITER.write(event) == write_text(jsonable(event))


def test_what_is_kept_is_limited() -> None:
    writer = HostEventWriter()
    for number in range(MAX_PIECES + 10):
        row = SessionProcess(
            "41", "audit", number, 1, str(number), None, None, None, None, None, None, None, None, None, {}
        )
        event = HostEvent("ProcessStarted", None, None, row)
        assert json.loads(writer.write(event))["process"]["name"] == str(number)
    assert repr(writer) == "<HostEventWriter with 10 pieces>"
