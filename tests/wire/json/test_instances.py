"""Tests of wire/json/instances.py: values of every type are the same after they were read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope import TransportFailureError
from logonscope.broker.instances import enumerate_instances
from logonscope.cim.instances import ClassRows
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.cim.types import Value
from logonscope.providers.helpers.registry import find_provider
from logonscope.wire.json.instances import InstanceWriter, read_instance
from tests.broker.memory import Memory
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT

KEYS = st.text() | st.text("0123456789%", max_size=5) | st.sampled_from(["KEY", "%s", "%20", 'a"'])
PROCESS = schema().get("LS_Process", LOGONSCOPE)


def providers(namespace: str) -> list[str]:
    """Return the classes that have a provider."""
    return [cls.name for cls in schema().classes(namespace) if find_provider(cls) is not None]


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
    "changes",
    [
        {"class": "Nothing"}, {"properties": []}, {"properties": {"StartTime": "x"}}, {"path": "="},
        {"properties": {"StartTime": 1e300}}, {"properties": {"ProcessId": float("inf")}},
    ],
)  # fmt: skip
def test_what_is_no_instance(changes: dict[str, Any]) -> None:
    with pytest.raises(TransportFailureError):
        read_instance({**written({"Name": "x"}), **changes}, schema())


@pytest.mark.parametrize("server", ["web1", "a%s\0\\KEY%d"])
def test_rows_that_are_written_at_once_are_those_that_are_written_one_by_one(server: str) -> None:
    request = Memory(SNAPSHOT).request(ROOT)
    for namespace in (CIMV2, LOGONSCOPE):
        for class_name in providers(namespace):
            for result in enumerate_instances(request, class_name, None, namespace, deep=False):
                writer, rows = InstanceWriter(result, server), list(result.rows)
                assert [json.loads(text) for text in writer.write_rows(rows)] == [
                    json.loads(json.dumps(writer.write(row))) for row in rows
                ]


def test_the_path_of_an_instance_names_its_own_class() -> None:
    request = Memory(SNAPSHOT).request(ROOT)
    base = schema().get("CIM_Process", CIMV2)
    (result,) = enumerate_instances(request, "Win32_Process", tuple(base.properties), CIMV2, deep=False)
    writer, rows = InstanceWriter(result, "web1", base), list(result.rows)
    lines = [json.loads(text) for text in writer.write_rows(rows)]
    assert lines == [json.loads(json.dumps(writer.write(row))) for row in rows]
    assert {line["class"] for line in lines} == {"CIM_Process"}
    assert all(":Win32_Process.Handle=" in line["path"] for line in lines)


@given(st.lists(st.tuples(KEYS, KEYS, KEYS | st.none(), st.integers() | st.none()), min_size=1, max_size=4))
def test_keys_of_any_text(rows: list[tuple[Any, ...]]) -> None:
    cls = schema().get("LS_SessionProcess", LOGONSCOPE)
    columns = ("Antecedent", "Dependent", "Evidence", "LoginUid")
    writer = InstanceWriter(ClassRows(cls, columns, iter(())), "web1")
    pairs = [(("LS_LogonSession", key), ("LS_Process", other), *values) for key, other, *values in rows]
    assert [json.loads(text) for text in writer.write_rows(pairs)] == [
        json.loads(json.dumps(writer.write(row))) for row in pairs
    ]
