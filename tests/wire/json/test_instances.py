"""Tests of wire/json/instances.py: values of every type are the same after they were read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from logonscope import TransportFailureError
from logonscope.broker.instances import enumerate_instances
from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import LOGONSCOPE, schema
from logonscope.cim.types import Value
from logonscope.wire.json.instances import InstanceWriter, read_instance
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT

PROCESS = schema().get("LS_Process", LOGONSCOPE)


def written(columns: dict[str, Value], shown: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an instance of LS_Process as it arrives."""
    result = ClassRows(PROCESS, tuple(columns), iter(()), shown)
    line: dict[str, Any] = json.loads(json.dumps(InstanceWriter(result, "web1").write(tuple(columns.values()))))
    return line


def test_values_of_every_type() -> None:
    moment = datetime(2026, 1, 1, 10, 2, 0, 5, tzinfo=UTC)
    columns: dict[str, Value] = {
        "Handle": "4312", "CommandLine": "a\x1b", "CommandLineBytes": b"\xff\0", "StartTime": moment,
        "ProcessId": 4312, "Arguments": ("a", "b"), "Name": None,
    }  # fmt: skip
    line = written(columns)
    assert (line["path"], line["class"]) == ('\\\\web1\\root\\logonscope:LS_Process.Handle="4312"', "LS_Process")
    assert line["properties"]["CommandLineBytes"] == [255, 0]
    row = read_instance(line, schema())
    assert (row.cls, row.server, row.values, row.shown) == (PROCESS, "web1", columns, tuple(columns))


def test_an_interval_is_seconds() -> None:
    assert written({"Handle": "1", "StartTime": timedelta(hours=1)})["properties"]["StartTime"] == 3600


def test_a_projection_without_keys_has_no_path_and_one_with_a_path_has_its_keys() -> None:
    assert written({"Name": "x"})["path"] is None
    line = written({"Name": "x", "Handle": "1"}, ("Name", "__CLASS"))
    assert line["properties"] == {"Name": "x", "__CLASS": "LS_Process"}
    assert read_instance(line, schema()).values == {"Name": "x", "Handle": "1"}


@pytest.mark.parametrize(
    "changes", [{"class": "Nothing"}, {"properties": []}, {"properties": {"StartTime": "x"}}, {"path": "="}]
)
def test_what_is_no_instance(changes: dict[str, Any]) -> None:
    with pytest.raises(TransportFailureError):
        read_instance({**written({"Name": "x"}), **changes}, schema())


@pytest.mark.parametrize("class_name", ["LS_Process", "LS_SessionProcess", "LS_Socket", "LS_LogonSession"])
def test_the_fast_way_writes_what_the_other_one_does(class_name: str) -> None:
    request = Memory(SNAPSHOT).request(ROOT)
    for result in enumerate_instances(request, class_name, None, "root/logonscope"):
        writer = InstanceWriter(result, "a%s\0\\")
        for row in result.rows:
            assert json.loads(writer.write_text(row)) == json.loads(json.dumps(writer.write(row)))
