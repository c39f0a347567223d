"""broker/event_instances.py: logon sessions from the stream, and limits of what is compared."""

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.broker import event_instances
from logonscope.broker.request import Request
from logonscope.cim.schema import schema
from logonscope.errors import QuotaViolationError
from logonscope.machine import Owner
from logonscope.machine.events import LoggedOut, LogonEnded, LogonStarted
from logonscope.ownership import LINUX
from tests import example
from tests.broker.scripted_events import EventMemory, Times, results, watch
from tests.hosts import ROOT


def test_a_logon_session_is_made_changed_by_its_logout_and_removed() -> None:
    host, times = EventMemory(example.snapshot()), Times()
    query = "SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'LS_LogonSession'"
    subscription = watch(host, ROOT, query, namespace="root/logonscope")
    session = LogonSession("99", "alice", 1000, state="active", key_fingerprint="SHA256:ab")
    left, owner = session._replace(state="logged out", key_fingerprint=None), Owner("99", "audit")
    host.script.add(
        times.logon(LogonStarted, session, owner), times.logon(LoggedOut, left, owner),
        times.logon(LogonEnded, left, owner),
    )  # fmt: skip
    made, changed, removed = results(subscription)
    assert made.TargetInstance.State == "active"
    assert (changed.PreviousInstance.State, changed.TargetInstance.State) == ("active", "logged out")
    assert changed.TargetInstance.KeyFingerprint == "SHA256:ab"
    assert removed.cim_class.name == "__InstanceDeletionEvent"
    # Win32_LogonSession has no property that a logout changes
    query = "SELECT * FROM __InstanceModificationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_LogonSession'"
    subscription = watch(host, ROOT, query)
    host.script.add(times.logon(LogonStarted, session, owner), times.logon(LoggedOut, left, owner))
    assert results(subscription) == []


def test_a_class_with_too_many_instances_cannot_be_compared() -> None:
    request = Request(EventMemory(example.snapshot()), LINUX, ROOT)
    with pytest.raises(QuotaViolationError, match="Win32_UserAccount has more than 2 instances"):
        event_instances.PolledClass(request, schema().get("Win32_UserAccount"), 1, max_rows=2)
