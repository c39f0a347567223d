"""Tests of server/soap_answer.py: the elements that messages share."""

from logonscope.server.soap_answer import context_element, duration
from logonscope.wire.wsman.envelope import parse_duration


def test_a_duration_is_read_as_it_was_written() -> None:
    for seconds in (0.0, 0.25, 3600.0, 86_400.0):
        assert parse_duration(duration(seconds), "Expires") == seconds


def test_a_context_is_an_element_of_enumeration() -> None:
    assert context_element("uuid:1") == "<n:EnumerationContext>uuid:1</n:EnumerationContext>"
