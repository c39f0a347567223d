"""History over the JSON API: a client reads the same rows as the broker returned, and they fit their schema."""

import json
from pathlib import Path

import pytest

from logonscope.answers.history import HistoryFilter
from logonscope.answers.json_rows import RowWriter
from logonscope.broker.history import history, past_processes
from logonscope.broker.timeline import timeline
from logonscope.client import json_answers
from logonscope.server.json import JSON_OPERATIONS, JsonDoor
from logonscope.server.json_schemas import operation_schema
from logonscope.wire.json.text import VALUE_WRITERS, write_text
from tests.broker.test_history import request
from tests.journal.kept import Kept


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    story = Kept(tmp_path / "history")
    story.feed(story.story.start_logons())
    story.live(200)
    return story


def test_rows_are_the_same_at_the_other_end(kept: Kept) -> None:
    writer = RowWriter(write_text, VALUE_WRITERS)
    logins, processes = history(request(kept)), list(past_processes(request(kept)))
    assert [json_answers.read_past_login(json.loads(writer.write(row))) for row in logins] == logins
    assert [json_answers.read_past_process(json.loads(writer.write(row))) for row in processes] == processes
    jsonschema = pytest.importorskip("jsonschema")
    for name, rows in (("history", logins), ("past_processes", processes)):
        document = operation_schema(name)
        validator = jsonschema.Draft202012Validator({**document["properties"]["answer"], "$defs": document["$defs"]})
        for row in rows:
            validator.validate(json.loads(writer.write(row)))


def test_a_filter_and_a_moment_are_decoded() -> None:
    where = HistoryFilter("41", failed=True)
    body = json.dumps({"where": json_answers.write_filter(where)}).encode()
    headers = {"logonscope-at": "2026-01-31T14:00:00+01:00"}
    operation = JsonDoor().decode(body, "application/json", "/v1/history", headers)
    assert operation.arguments == {"where": where}
    assert operation.moment is not None
    assert operation.moment.isoformat() == headers["logonscope-at"]
    assert {"history", "past_processes"} <= set(JSON_OPERATIONS)


def test_a_timeline_fits_its_schema(kept: Kept) -> None:
    span = {"since": "2023-11-14T22:13:20Z", "until": "2023-11-14T22:23:20Z", "resolution": 10}
    operation = JsonDoor().decode(json.dumps(span).encode(), "application/json", "/v1/timeline", {})
    logins = list(timeline(request(kept), **operation.arguments))
    writer = RowWriter(write_text, VALUE_WRITERS)
    lines = [json.loads(writer.write(row)) for row in logins]
    assert [len(line["bins"]) for line in lines] == [len(login.bins) for login in logins]
    assert lines[0]["bins"][0] == logins[0].bins[0]._asdict()
    jsonschema = pytest.importorskip("jsonschema")
    document = operation_schema("timeline")
    validator = jsonschema.Draft202012Validator({**document["properties"]["answer"], "$defs": document["$defs"]})
    for line in lines:
        validator.validate(line)
