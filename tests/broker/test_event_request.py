"""broker/event_request.py: an event about any process makes the broker read no other one."""

from logonscope.answers.jsonable import jsonable
from logonscope.machine import Owner
from tests import example
from tests.broker.scripted_events import EventMemory, Times, results, watch
from tests.hosts import user


def test_events_read_no_processes_whatever_they_are_about() -> None:
    host, times = EventMemory(example.snapshot()), Times()
    subscription = watch(host, user(1000))
    host.forget()
    for process in example.snapshot().processes:
        owner = Owner("77", "audit")
        elsewhere = process._replace(ses=77, loginuid=1000, pid_namespaces=2, uids=(1000,) * 4)
        host.script.add(times.started(elsewhere, owner), times.ended(elsewhere, owner))
    # without the first process of its logon session it could be of a container: it is hidden
    assert [jsonable(row) for row in results(subscription)] == []
    assert host.asked.processes == []
