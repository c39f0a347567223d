"""Tests of formats/otel_event.py: a log record for each event, with the attributes of its process."""

from logonscope.answers.host_event import HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.formats.otel_event import otel_export
from tests.formats.records import process_of
from tests.formats.test_otel import attributes
from tests.server.sinks.receivers import CHANGED, FAILED, LOST


def test_each_event_is_a_record_of_one_request() -> None:
    ended = HostEvent("ProcessEnded", FAILED.time, None, process_of(4312).process, exit_code=3)
    (resource,) = otel_export(HostIdentity("web1", None, "m"), [FAILED, CHANGED, LOST, ended])["resourceLogs"]
    assert attributes(resource["resource"]["attributes"]) == {"host.name": "web1", "host.id": "m"}
    records = resource["scopeLogs"][0]["logRecords"]
    assert [record["severityNumber"] for record in records] == [13, 13, 13, 9]
    assert {record["timeUnixNano"] for record in records} == {"1795804777160186000"}
    changed, process = (attributes(records[number]["attributes"]) for number in (1, 3))
    assert (changed["logonscope.change.to_uid"], changed["logonscope.change.is_complete"]) == ("0", True)
    assert (process["process.pid"], process["process.exit.code"]) == ("4312", "3")
