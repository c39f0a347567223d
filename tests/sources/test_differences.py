"""sources/differences.py: what differs between two readings are events."""

from logonscope.facts import Account, Machine, Process
from logonscope.machine.events import Event, LogonEnded, LogonStarted, ProcessChanged, ProcessEnded, ProcessStarted
from logonscope.machine.snapshot import Snapshot
from logonscope.ownership import LINUX
from logonscope.sources.differences import DifferenceFeed
from tests.broker.memory import Memory

INIT = Process(1, ses=4294967295, loginuid=4294967295, cgroup="/", comm="init", ppid=0, start=0, pid_namespaces=1)
SHELL = Process(
    10, ses=5, loginuid=1000, cgroup="/", comm="bash", ppid=1, start=100, uids=(1000,) * 4, pid_namespaces=1, tty_nr=0
)


class Changing(Memory):
    """A host whose processes a test changes."""

    def __init__(self, *processes: Process) -> None:
        super().__init__()
        self.change(*processes)

    def change(self, *processes: Process) -> None:
        machine, users = Machine("h", None, 0), (Account("alice", 1000, 1000, "", "/", ""),)
        self._snapshots = (Snapshot(machine, processes, (), users=users, sockets=(), groups=(), troubles=[]),)


def read(feed: DifferenceFeed, count: int) -> list[Event]:
    """Read until there are so many events."""
    events: list[Event] = []
    for _ in range(2000):
        events += feed.read(0.05)
        if len(events) >= count:
            break
    return events


def test_processes_begin_change_and_end() -> None:
    host = Changing(INIT)
    feed = DifferenceFeed(host, LINUX, 0.05)
    child = SHELL._replace(pid=11, ses=4294967295, loginuid=4294967295)
    host.change(INIT, child)
    (event,) = read(feed, 1)
    assert isinstance(event, ProcessStarted)
    assert (event.process.pid, event.parent, event.head.kernel_ns) == (11, (1, 0), 1_000_000_000)
    host.change(INIT, child._replace(comm="vim", utime=7))
    (event,) = read(feed, 1)
    assert isinstance(event, ProcessChanged)
    assert (event.before[0].comm, event.after[0].comm) == ("bash", "vim")
    host.change(INIT, child._replace(comm="vim", utime=8))
    assert feed.read(0.1) == []
    # the pid of another process: one has ended, another has begun
    host.change(INIT, child._replace(start=300))
    events = read(feed, 2)
    assert [type(event) for event in events] == [ProcessEnded, ProcessStarted]
    feed.close()
    assert not feed.read(60)


def test_a_logon_session_begins_settled_and_ends_with_its_last_process() -> None:
    host = Changing(INIT)
    feed = DifferenceFeed(host, LINUX, 0.05)
    host.change(INIT, SHELL)
    (started,) = [event for event in read(feed, 2) if isinstance(event, LogonStarted)]
    assert (started.session.logon_id, started.session.user, started.session.is_foreign) == ("5", "alice", False)
    host.change(INIT)
    events = read(feed, 2)
    assert {type(event) for event in events} == {ProcessEnded, LogonEnded}
    assert "misses what begins and ends in between" in feed.description
