"""Tests of formats/otel.py: attributes of lists/otel.txt, in the JSON of OTLP."""

from typing import Any

from logonscope.formats.otel import LOGON_EVENT, PROCESS_EVENT, otel_request
from tests.formats.records import listed, process_of, records

ATTRIBUTES = listed("otel.txt")
KINDS = {"string": "stringValue", "int": "intValue", "boolean": "boolValue"}
TYPES = {"stringValue": str, "intValue": str, "boolValue": bool}


def attributes(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return attributes by their names, checked against the list."""
    found = {}
    for item in items:
        (kind,) = item["value"]
        if not item["key"].startswith("logonscope."):
            assert KINDS[ATTRIBUTES[item["key"]]] == kind, item
        assert isinstance(item["value"][kind], TYPES[kind]), item
        found[item["key"]] = item["value"][kind]
    return found


def test_every_attribute_is_one_of_the_conventions() -> None:
    for record in records():
        (resource_logs,) = otel_request(record)["resourceLogs"]
        assert attributes(resource_logs["resource"]["attributes"])["host.name"] == "web1"
        (scope_logs,) = resource_logs["scopeLogs"]
        (log,) = scope_logs["logRecords"]
        found = attributes(log["attributes"])
        assert log["eventName"] == (LOGON_EVENT if record.process is None else PROCESS_EVENT)
        assert not any("session_leader" in name for name in found)


def test_a_process_of_an_ssh_login() -> None:
    log = otel_request(process_of(4312))["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    found = attributes(log["attributes"])
    assert (found["process.pid"], found["logonscope.logon.id"], found["logonscope.logon.kernel_id"]) == (
        "4312", "41", "41",
    )  # fmt: skip
    assert int(log["timeUnixNano"]) > 10**18
