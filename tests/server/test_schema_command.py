"""Tests of server/schema_command.py: what `logonscope schema` prints."""

import json

from tests.conversation import reply


def test_it_prints_the_schema_of_an_operation_and_the_whole_api() -> None:
    assert json.loads(reply(["schema", "whose"])[1])["title"] == "whose"
    assert json.loads(reply(["schema"])[1])["openapi"] == "3.1.0"
    assert reply(["schema", "nothing"])[0] == 2
