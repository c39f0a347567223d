"""Messages between helper and service: what is packed is parsed again, and what is not a message is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.sources.live import messages
from logonscope.sources.live.feed import EventSource
from logonscope.sources.live.records import LoginWrite, Writes
from logonscope.sources.live.write_watch import CgroupMount

IDS = st.integers(0, (1 << 31) - 1)
PATHS = st.binary(max_size=80).map(lambda data: data.decode("utf-8", "surrogateescape"))
WRITES = st.builds(
    Writes,
    st.frozensets(st.builds(LoginWrite, IDS, st.none() | IDS)),
    st.frozensets(PATHS),
    st.integers(0, (1 << 63) - 1),
    st.booleans(),
)


@given(WRITES, st.integers(-(1 << 60), 1 << 60), st.integers(0, (1 << 32) - 1), st.booleans())
def test_writes_and_ends_are_parsed_again(writes: Writes, offset: int, lost: int, is_partial: bool) -> None:
    assert messages.parse_writes(messages.pack_writes(writes)) == writes
    end = messages.BatchEnd(offset, lost, is_partial, writes)
    assert messages.parse_end(messages.pack_end(end)) == end


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_an_error_of_the_feed(data: bytes) -> None:
    for parse in (messages.parse_hello, messages.parse_end, messages.parse_writes):
        with suppress(messages.MessageError):
            parse(data)


def test_hello_is_parsed_again_and_another_version_is_refused() -> None:
    hello = messages.Hello(EventSource("a", ("b: c",)), sees_writes=True, cgroup_mounts=(CgroupMount("/a", "/"),))
    content = messages.pack_hello(hello)
    assert messages.parse_hello(content) == hello
    with pytest.raises(messages.MessageError, match="version 9, expected 2"):
        messages.parse_hello(content.replace(b'"version": 2', b'"version": 9'))


@pytest.mark.parametrize("header", [messages.HEADER.pack(9, 1), messages.HEADER.pack(3, (1 << 20) + 1)])
def test_a_frame_has_a_known_kind_and_a_bounded_length(header: bytes) -> None:
    with pytest.raises(messages.MessageError, match="invalid frame"):
        messages.parse_header(header)
    assert messages.parse_header(messages.pack_frame(messages.END, b"abc")[: messages.HEADER.size]) == (messages.END, 3)


def test_more_writes_than_a_frame_holds_are_lost_not_cut() -> None:
    writes = Writes(frozenset(LoginWrite(thread, thread) for thread in range(100_000)), until=7)
    assert messages.parse_writes(messages.pack_writes(writes)) == Writes(until=7, are_lost=True)


def test_writes_that_are_cut_off_are_an_error() -> None:
    content = messages.pack_writes(Writes(frozenset({LoginWrite(5, 5), LoginWrite(6, 6)}), until=7))
    for length in range(len(content)):
        with pytest.raises(messages.MessageError, match="invalid writes"):
            messages.parse_writes(content[:length])
