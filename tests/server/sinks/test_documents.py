"""Tests of server/sinks/documents.py: each event is one line of ASCII, in the fields of its format."""

import json

import pytest

from logonscope.server.sinks.documents import make_encoder
from tests.server.sinks.receivers import CHANGED, FAILED, HOST, LOST


@pytest.mark.parametrize("name", ["jsonl", "ecs"])
def test_each_event_is_one_line_of_ascii(name: str) -> None:
    encode = make_encoder(name, HOST)
    for event in (FAILED, CHANGED, LOST):
        text = encode(event)
        assert text.isascii()
        assert text.isprintable()
        assert json.loads(text)


def test_jsonl_has_the_host_and_the_fields_of_the_event() -> None:
    row = json.loads(make_encoder("jsonl", HOST)(FAILED))
    assert (row["host"], row["event"], row["attempt"]["user"]) == ("web1", "LogonFailed", "mallory\n\u20ac")
    assert "session" not in row


def test_ecs_has_who_was_refused_and_from_where() -> None:
    document = json.loads(make_encoder("ecs", HOST)(FAILED))
    assert (document["event"]["outcome"], document["source"]) == ("failure", {"ip": "203.0.113.7", "port": 50312})
    changed = json.loads(make_encoder("ecs", HOST)(CHANGED))
    assert changed["user"]["effective"] == {"id": "0", "name": "root"}
