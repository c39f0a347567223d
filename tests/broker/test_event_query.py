"""broker/event_query.py: which events are results of a WQL query, and what they contain."""

from typing import Any

import pytest

from logonscope.errors import NotSupportedError
from logonscope.facts import Process
from logonscope.machine import Owner
from logonscope.machine.events import ProcessStarted
from tests import example
from tests.broker.scripted_events import EventMemory, Times, results, watch
from tests.hosts import ROOT, user

ALICES, SYSTEM = Owner("41", "audit"), Owner("4294967295", "none")


def process(pid: int, **facts: Any) -> Process:
    """Return a process of the example host with other facts."""
    return next(one for one in example.snapshot().processes if one.pid == pid)._replace(**facts)


def after(query: str, *events: Any, namespace: str | None = None, caller: Any = ROOT) -> list[Any]:
    """Return the results of a query for these events."""
    host = EventMemory(example.snapshot())
    subscription = watch(host, caller, query, namespace=namespace)
    host.script.add(*events)
    return results(subscription)


CREATED = "SELECT * FROM __InstanceCreationEvent WITHIN 1 WHERE TargetInstance ISA "


def test_a_start_is_the_creation_of_an_instance_with_all_its_properties() -> None:
    (event,) = after(f"{CREATED}'Win32_Process'", Times().started(process(4312), ALICES))
    assert event.cim_class.name == "__InstanceCreationEvent"
    target = event.TargetInstance
    assert (target.Handle, target.Name, target.ParentProcessId) == ("4312", "python3", 4300)
    assert target.CommandLine == "python3 -m http.server 8080"
    assert target.path == r'\\web1\root\cimv2:Win32_Process.Handle="4312"'


@pytest.mark.parametrize(
    ("condition", "count"),
    [
        ("TargetInstance.Name = 'PYTHON3'", 1),
        ("TargetInstance.Name LIKE 'py%' AND TargetInstance.ProcessId > 4000", 1),
        ("TargetInstance.Name = 'sshd'", 0),
        ("NOT TargetInstance.Name = 'sshd'", 1),
        ("TargetInstance.CommandLine IS NULL", 0),
        ("TargetInstance.__CLASS = 'Win32_Process'", 1),
        ("TargetInstance.__RELPATH = 'Win32_Process.Handle=\"4312\"'", 1),
        ("TargetInstance ISA 'CIM_Process'", 1),
        ("TargetInstance ISA 'Win32_LogonSession'", 0),
        ("__CLASS = '__InstanceCreationEvent'", 1),
        ("__PROPERTY_COUNT = 3", 1),
        ("TIME_CREATED > 0", 1),
    ],
)
def test_a_condition_is_tested_on_the_instance(condition: str, count: int) -> None:
    query = f"{CREATED}'Win32_Process' AND {condition}"
    if count == 0 and "ISA" in condition:
        with pytest.raises(NotSupportedError, match="no instance of Win32_Process can match"):
            after(query)
    else:
        assert len(after(query, Times().started(process(4312), ALICES))) == count


def test_the_property_count_is_that_of_the_selected_properties() -> None:
    query = "SELECT TargetInstance, __CLASS FROM __InstanceCreationEvent WITHIN 1 WHERE __PROPERTY_COUNT = 1"
    (event,) = after(f"{query} AND TargetInstance ISA 'Win32_Process'", Times().started(process(4312), ALICES))
    assert event.system_properties()["__PROPERTY_COUNT"] == 1


def test_an_association_is_made_with_its_process_and_compared_by_the_instance_it_names() -> None:
    condition = "TargetInstance.Antecedent = 'Win32_LogonSession.LogonId=\"41\"'"
    times = Times()
    events = [times.started(process(4312), ALICES), times.started(process(700), SYSTEM)]
    (event,) = after(f"{CREATED}'Win32_SessionProcess' AND {condition}", *events)
    assert event.TargetInstance.Dependent == r'\\.\root\cimv2:Win32_Process.Handle="4312"'


def test_a_change_has_the_instance_before_it() -> None:
    query = (
        "SELECT TargetInstance, PreviousInstance FROM __InstanceModificationEvent WITHIN 1"
        " WHERE TargetInstance ISA 'Win32_Process' AND PreviousInstance.Name = 'bash'"
    )
    before, changed = process(4312, name="bash", comm="bash"), process(4312)
    (event,) = after(query, Times().changed((before, ALICES), (changed, ALICES)))
    assert list(event) == ["TargetInstance", "PreviousInstance"]
    assert (event.PreviousInstance.Name, event.TargetInstance.Name) == ("bash", "python3")
    assert after(query, Times().changed((changed, ALICES), (changed, ALICES))) == []


def test_a_process_that_gets_another_logon_session_ends_one_association_and_begins_another() -> None:
    query = "SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_SessionProcess'"
    moved = Times().changed((process(4312), SYSTEM), (process(4312), ALICES))
    events = [(event.cim_class.name, event.TargetInstance.Antecedent) for event in after(query, moved)]
    assert events == [
        ("__InstanceDeletionEvent", r'\\.\root\cimv2:Win32_LogonSession.LogonId="4294967295"'),
        ("__InstanceCreationEvent", r'\\.\root\cimv2:Win32_LogonSession.LogonId="41"'),
    ]


def test_processes_of_others_have_identity_columns_only() -> None:
    trace = "SELECT * FROM Win32_ProcessStopTrace"
    times = Times()
    (event,) = after(f"{CREATED}'Win32_Process'", times.started(process(700), SYSTEM), caller=user(1000))
    assert (event.TargetInstance.Name, event.TargetInstance.CommandLine) == ("sshd", None)
    (event,) = after(trace, times.ended(process(700), SYSTEM, 256), caller=user(1000))
    assert (event.ProcessName, event.ExitStatus, event.SessionID, event.Sid) == ("sshd", None, None, None)
    (event,) = after(trace, times.ended(process(700), SYSTEM, 256))
    assert (event.ExitStatus, event.SessionID) == (1, 0)


def test_groups_are_counted_by_their_values_and_delivered_when_their_interval_is_over() -> None:
    host = EventMemory(example.snapshot())
    query = f"{CREATED}'Win32_Process' GROUP WITHIN 1 BY TargetInstance.Name HAVING NumberOfEvents > 1"
    subscription, times = watch(host, ROOT, query), Times()
    events: list[ProcessStarted] = [times.started(process(pid), ALICES) for pid in (700, 4100, 4150, 4312)]
    host.script.add(*events)
    assert results(subscription) == []
    (event,) = results(subscription, 20)
    assert (event.cim_class.name, event.NumberOfEvents) == ("__AggregateEvent", 3)
    assert event.Representative.TargetInstance.Name == "sshd"


def test_other_classes_are_compared_with_the_reading_before() -> None:
    first = example.snapshot()
    changed = [user._replace(gecos="Alice B.") if user.name == "alice" else user for user in first.users]
    second = first._replace(users=tuple(user for user in changed if user.name != "bob"))
    host = EventMemory(first)
    query = "SELECT * FROM __InstanceOperationEvent WITHIN 0.1 WHERE TargetInstance ISA 'Win32_UserAccount'"
    subscription = watch(host, ROOT, query)
    host._snapshots = (second,)  # noqa: SLF001 -- the host is another one from now on
    found = {(event.cim_class.name, event.TargetInstance.Name) for event in results(subscription, 20)}
    assert found == {("__InstanceDeletionEvent", "bob"), ("__InstanceModificationEvent", "alice")}
