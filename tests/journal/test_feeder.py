"""The enricher: what is read of the processes of events."""

import os
import subprocess

from logonscope.facts import Process
from logonscope.journal.feeder import Enricher
from logonscope.machine import Owner
from logonscope.machine.events import EventHead, ProcessChanged, ProcessEnded, ProcessStarted
from logonscope.machine.logon_describer import LogonDescriber
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from tests.journal.polled import PolledMachine
from tests.journal.story import SYSTEM
from tests.lab.systemd import wait_until

HEAD = EventHead(1, 1)


def test_the_last_event_of_a_running_process_has_what_was_read() -> None:
    source = LinuxSource()
    ((here, owner),) = PolledMachine().read(frozenset({os.getpid()}))
    bare = Process(here.pid, ses=here.ses, loginuid=here.loginuid, cgroup=here.cgroup, start=here.start)
    gone = Process(4_000_000, ses=here.ses, start=1)
    events = Enricher(source, LogonDescriber(source, LINUX)).enrich([
        ProcessStarted(HEAD, bare, owner, None), ProcessStarted(HEAD, gone, SYSTEM, None),
        ProcessChanged(HEAD, (bare, owner), (bare, owner)), ProcessEnded(HEAD, gone, SYSTEM, 0),
    ])  # fmt: skip
    first, second, third, last = events
    assert isinstance(first, ProcessStarted)
    assert first.process == bare
    assert isinstance(third, ProcessChanged)
    assert (third.after[0].comm, third.after[0].exe, third.after[0].ses) == (here.comm, here.exe, here.ses)
    assert (second, last) == (ProcessStarted(HEAD, gone, SYSTEM, None), ProcessEnded(HEAD, gone, SYSTEM, 0))


def test_another_process_with_the_pid_is_not_taken() -> None:
    source = LinuxSource()
    other = Process(os.getpid(), ses=1, start=5)
    event = ProcessStarted(HEAD, other, SYSTEM, None)
    assert Enricher(source, LogonDescriber(source, LINUX)).enrich([event]) == [event]


def test_the_second_reading_keeps_the_owner_of_the_last_event() -> None:
    """A service is moved to the cgroup of its login right after its start, and executes its program then."""
    source = LinuxSource()
    login = Owner("4294967297", "scope")
    with subprocess.Popen(["sh", "-c", "read line; exec sleep 60"], stdin=subprocess.PIPE, text=True) as child:
        ((here, _),) = PolledMachine().read(frozenset({child.pid}))
        before = Process(child.pid, ses=here.ses, cgroup="/system.slice/run-1.service", start=here.start)
        after = before._replace(cgroup="/user.slice/user-0.slice/session-c1.scope")
        enricher = Enricher(source, LogonDescriber(source, LINUX))
        enricher.enrich([ProcessStarted(HEAD, before, SYSTEM, None)])
        enricher.enrich([ProcessChanged(HEAD, (before, SYSTEM), (after, login))])
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
        wait_until(lambda: PolledMachine().read(frozenset({child.pid}))[0][0].comm == "sleep")
        events = wait_until(enricher.read_again)
        child.kill()
    assert [event.after[1] for event in events if isinstance(event, ProcessChanged)] == [login]
    (event,) = events
    assert isinstance(event, ProcessChanged)
    assert (event.after[0].cgroup, event.after[0].comm) == (after.cgroup, "sleep")


def test_a_zombie_keeps_the_program_that_it_ended_with() -> None:
    source = LinuxSource()
    enricher = Enricher(source, LogonDescriber(source, LINUX))
    with subprocess.Popen(["sleep", "60"]) as child:
        ((here, _),) = PolledMachine().read(frozenset({child.pid}))
        bare = Process(child.pid, ses=here.ses, loginuid=here.loginuid, cgroup=here.cgroup, start=here.start)
        logged_in = bare._replace(ses=3)
        enricher.enrich([ProcessStarted(HEAD, bare, SYSTEM, None)])
        child.kill()
        # waits for the end, and leaves the zombie
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        owner_change = ProcessChanged(HEAD, (bare, SYSTEM), (logged_in, Owner("3", "audit")))
        assert enricher.enrich([owner_change]) == [owner_change]
        # the second reading of a later process shows that that of the zombie was due
        second = subprocess.Popen(["sh", "-c", "read line; exec sleep 60"], stdin=subprocess.PIPE)
        ((later, owner),) = PolledMachine().read(frozenset({second.pid}))
        enricher.enrich([ProcessStarted(HEAD, later, owner, None)])
        assert second.stdin is not None
        second.stdin.write(b"\n")
        second.stdin.flush()
        events = wait_until(enricher.read_again)
        second.kill()
        second.communicate()
    assert [event.after[0].pid for event in events if isinstance(event, ProcessChanged)] == [second.pid]
