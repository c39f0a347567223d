"""sources/live/process_details.py: details that are read, inherited, or not known."""

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Account, Login, Machine, Process
from logonscope.machine import Owner
from logonscope.machine.events import (
    Event,
    EventHead,
    LogonStarted,
    ProcessChanged,
    ProcessEnded,
    ProcessStarted,
)
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.live.process_details import ENDED, ProcessDetails
from tests.broker.memory import Memory

SYSTEM = Owner("4294967295", "none")
SHELL = Process(
    10, ses=5, loginuid=1000, cgroup="/", comm="bash", ppid=1, start=100, uids=(1000,) * 4, gids=(1000,) * 4,
    pid_namespaces=1, cmdline=b"bash\0", exe="/bin/bash", name="bash",
)  # fmt: skip
MACHINE = Machine("h", None, 0)


def host(*later: Process) -> ProcessDetails:
    """Return details of a host with a shell, on which these processes are read later."""
    snapshots = [
        Snapshot(
            MACHINE, processes, (), users=(Account("a", 1000, 1000, "", "/", ""),), sockets=(), groups=(), troubles=[]
        )
        for processes in ((SHELL,), (SHELL,), (SHELL, *later))
    ]
    return ProcessDetails(Memory(*snapshots), LINUX)


def bare(pid: int, start: int, ppid: int = 10) -> Process:
    """Return what an event says of a process."""
    return Process(pid, ses=5, loginuid=1000, cgroup="/", ppid=ppid, start=start)


def started(pid: int, start: int) -> ProcessStarted:
    return ProcessStarted(EventHead(1, 0), bare(pid, start), SYSTEM, (10, 100))


def executed(pid: int, start: int) -> ProcessChanged:
    return ProcessChanged(EventHead(2, 0), (bare(pid, start), SYSTEM), (bare(pid, start), SYSTEM))


def ended(pid: int, start: int) -> ProcessEnded:
    return ProcessEnded(EventHead(3, 0), bare(pid, start), SYSTEM, 0)


def process_of(event: Event) -> Process:
    assert isinstance(event, ProcessStarted | ProcessEnded)
    return event.process


def test_a_start_has_the_program_that_it_executed_at_once() -> None:
    ls = SHELL._replace(pid=20, ppid=10, start=201, comm="ls", name="ls", cmdline=b"ls\0", exe="/bin/ls")
    (event,) = host(ls).add([started(20, 200), executed(20, 200)])
    assert (process_of(event).name, process_of(event).cmdline, process_of(event).start) == ("ls", b"ls\0", 201)


def test_a_child_that_ended_is_what_its_parent_was_unless_it_executed_a_program() -> None:
    details = host()
    begin, end = details.add([started(20, 200), ended(20, 200)])
    assert [process_of(event).name for event in (begin, end)] == ["bash", "bash"]
    assert process_of(begin).pid == 20
    begin, end = details.add([started(21, 200), executed(21, 200), ended(21, 200)])
    for event in (begin, end):
        process = process_of(event)
        assert (process.name, process.cmdline, process.uids) == (None, None, (1000,) * 4)
        assert (process.unread or {})["cmdline"] == ENDED


def test_an_end_has_the_details_that_were_read_before() -> None:
    details = host()
    (event,) = details.add([ended(10, 100)])
    assert (process_of(event).name, process_of(event).cmdline) == ("bash", b"bash\0")
    (event,) = details.add([ended(10, 100)])
    assert process_of(event).name is None


def test_details_of_an_earlier_process_with_the_pid_are_not_used() -> None:
    reused = SHELL._replace(pid=20, start=900, comm="other", name="other")
    (event,) = host(reused).add([started(20, 200)])
    assert process_of(event).name == "bash"
    (event,) = host().add([ended(10, 777)])
    assert process_of(event).name is None


def test_a_program_that_a_known_process_executes_is_a_change_of_its_own() -> None:
    vim = SHELL._replace(comm="vim", name="vim", cmdline=b"vim\0")
    snapshots = [
        Snapshot(MACHINE, (process,), (), users=(), sockets=(), groups=(), troubles=[])
        for process in (SHELL, SHELL, vim)
    ]
    (event,) = ProcessDetails(Memory(*snapshots), LINUX).add([executed(10, 100)])
    assert isinstance(event, ProcessChanged)
    assert (event.before[0].name, event.after[0].name) == ("bash", "vim")


def test_a_logon_session_without_a_record_may_be_foreign_unless_a_process_shows_that_it_is_not() -> None:
    details = host()
    recorded = Owner("6", "audit", Login("6", 1000, recorded=True))
    for owner, expected in ((Owner("5", "audit"), False), (Owner("6", "audit"), True), (recorded, False)):
        (event,) = details.add([LogonStarted(EventHead(1, 0), LogonSession(owner.logon_id or ""), owner)])
        assert isinstance(event, LogonStarted)
        assert event.session.is_foreign is expected
