"""Tests of server/soap_answer.py: what a request and an answer have without more."""

from logonscope.server.soap_answer import Body, SoapRequest
from logonscope.wire.wsman.envelope import Envelope


def test_a_request_without_a_message_asks_for_no_count() -> None:
    request = SoapRequest(Envelope({}, None))
    assert (request.message, request.wants_count) == (None, False)


def test_an_answer_without_items_has_no_rows() -> None:
    assert Body("action", "<x/>")[2:] == ("", (), "", 0)
