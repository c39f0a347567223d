"""broker/event_classes.py: the properties of events that are about no instance."""

from logonscope.answers.logon_session import LogonSession
from logonscope.broker.event_classes import EVENT_CLASSES
from logonscope.cim.schema import schema
from logonscope.facts import FailedLogon, UserChange
from logonscope.machine import Owner
from logonscope.machine.events import LogonFailed, LogonStarted, UserChanged
from tests import example
from tests.broker.scripted_events import EventMemory, Times, results, watch
from tests.hosts import ROOT, user

NAMESPACE = "root/logonscope"


def test_every_property_is_one_of_its_class() -> None:
    for name, event_class in EVENT_CLASSES.items():
        namespace = "root\\cimv2" if name.startswith("Win32_") else "root\\logonscope"
        declared = set(schema().get(name, namespace).properties) - {"TIME_CREATED", "SECURITY_DESCRIPTOR"}
        assert set(event_class.properties) == declared


def test_logon_events_and_failed_attempts_are_one_class() -> None:
    host, times = EventMemory(example.snapshot()), Times()
    subscription = watch(host, ROOT, "SELECT * FROM LS_LogonEvent", namespace=NAMESPACE)
    session = LogonSession("41", "alice", 1000, remote_address="203.0.113.7", remote_port=50312, service="sshd")
    attempt = FailedLogon("sshd", 9, "admin", False, "198.51.100.1", 4, method="password", reason="no", attempts=3)
    host.script.add(
        LogonStarted(times.head, session, Owner("41", "audit")), LogonFailed(times.head, attempt, Owner(None, "unread"))
    )
    started, failed = results(subscription)
    assert (started.Event, started.LogonId, started.User, started.Uid) == ("LogonStarted", "41", "alice", 1000)
    assert (started.RemoteAddress, started.RemotePort, started.Service) == ("203.0.113.7", 50312, "sshd")
    assert (failed.Event, failed.LogonId, failed.User, failed.IsKnownUser) == ("LogonFailed", None, "admin", False)
    assert (failed.RemoteAddress, failed.AuthenticationMethod, failed.Attempts) == ("198.51.100.1", "password", 3)
    assert failed.Time.timestamp() > started.Time.timestamp()


def test_a_change_of_user_shows_its_command_to_administrators_alone() -> None:
    change = UserChange(1000, "alice", 0, "root", is_complete=False, through="sudo", command="/bin/true secret")
    process = next(one for one in example.snapshot().processes if one.pid == 4312)._replace(pid_namespaces=1)
    shown = []
    for caller in (ROOT, user(1000), user(1001)):
        host, times = EventMemory(example.snapshot()), Times()
        subscription = watch(host, caller, "SELECT * FROM LS_UserChangeEvent", namespace=NAMESPACE)
        host.script.add(UserChanged(times.head, process, Owner("41", "audit"), change))
        shown.append([(event.ProcessId, event.ToUser, event.Command) for event in results(subscription)])
    assert shown == [[(4312, "root", "/bin/true secret")], [(4312, "root", None)], []]
