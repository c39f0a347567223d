"""client/json_watch.py: events in parts of any size, and answers that are none."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.client.json_watch import SentEvents
from logonscope.errors import AccessDeniedError, TransportFailureError

STREAM = b':\n\nid: a\nevent: X\ndata: {"n":1}\n\n:\n\nid: b\nevent: Y\ndata: {"n":"\\u00e9"}\n\n'


class Nothing:
    """A connection that carries nothing."""

    def post(self, *_: Any) -> Any:
        raise AssertionError

    def close(self) -> None:
        """Close nothing."""

    def abort(self) -> None:
        """End nothing."""


def row(name: str, data: dict[str, Any]) -> Any:
    if name == "error":
        raise AccessDeniedError("no more")
    return name, data["n"]


def reader(parts: Iterator[bytes]) -> SentEvents:
    return SentEvents(Nothing(), parts, row, "web1")


def read_all(events: SentEvents) -> list[Any]:
    found: list[Any] = []
    while True:
        try:
            found += events.read(30)
        except TransportFailureError:
            return found


@given(st.lists(st.integers(0, len(STREAM))))
def test_events_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(STREAM)]
    parts = [STREAM[begin:end] for begin, end in pairwise(ends)]
    assert read_all(reader(iter(parts))) == [("a", ("X", 1)), ("b", ("Y", "é"))]


@pytest.mark.parametrize(
    "data", [b"data: [1]\n\n", b"data: {\n\n", b"data: {}\n\n", b"data: \xff\n\n", b"x" * (9 << 20)]
)
def test_what_is_no_event_ends_it(data: bytes) -> None:
    with pytest.raises(TransportFailureError, match="invalid event from web1"):
        reader(iter([data])).read(30)


def test_an_error_of_the_server_is_raised_and_ends_it() -> None:
    events = reader(iter([b'event: error\ndata: {"error":{}}\n\n']))
    with pytest.raises(AccessDeniedError, match="no more"):
        events.read(30)
    assert events.is_closed
    assert events.read(30) == ()
