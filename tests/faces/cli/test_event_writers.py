"""faces/cli/event_writers.py: events as lines, JSON and CSV, each written at once."""

import csv
import json
from datetime import UTC, datetime

import pytest

from logonscope.answers.host_event import HostEvent
from logonscope.faces.cli.event_values import VALUE_NAMES
from logonscope.faces.cli.event_writers import CsvWriter, EventWriter, JsonWriter, LineWriter
from tests.faces.cli.test_event_text import ALICE, PYTHON

MOMENT = datetime(2026, 1, 31, 12, tzinfo=UTC)
EVENTS = (
    HostEvent("LogonStarted", MOMENT, "c1", session=ALICE), HostEvent("ProcessEnded", MOMENT, "c2", PYTHON, signal=9),
)  # fmt: skip


def written(writer: EventWriter, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with writer:
        for event in EVENTS:
            writer.write(event)
        writer.step()
    return capsys.readouterr().out.splitlines()


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = written(LineWriter(), capsys)
    assert [f"{ALICE.user} logged in" in lines[0], lines[1].endswith("signal 9")] == [True, True]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in written(JsonWriter(), capsys)]
    assert [(row["event"], row["cursor"], row["signal"]) for row in rows] == [
        ("LogonStarted", "c1", None), ("ProcessEnded", "c2", 9),
    ]  # fmt: skip


def test_csv_has_the_same_columns_for_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    heading, *rows = csv.reader(written(CsvWriter(), capsys))
    assert tuple(heading) == VALUE_NAMES
    assert [dict(zip(heading, row, strict=True))["cursor"] for row in rows] == ["c1", "c2"]


def test_losses_are_no_row_among_instances(capsys: pytest.CaptureFixture[str]) -> None:
    CsvWriter(is_query=True).write(HostEvent("Lost", MOMENT, None, missed=3))
    assert capsys.readouterr() == ("", "logonscope: 3 events were lost\n")
