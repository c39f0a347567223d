"""Tests of broker/logon_of_process.py: one process and all of them give the same logon session."""

from logonscope.broker import Request
from logonscope.broker.logon_of_process import MAX_BELOW_A_LEADER, Logon, logon_of
from logonscope.machine import Owner
from tests import example
from tests.broker import operations as broker
from tests.broker.memory import Memory
from tests.hosts import ROOT


def told(request: Request, pid: int) -> tuple[Owner, Logon]:
    """Return the owner of a process, and the logon session that it tells of."""
    facts = request.ownership.owner_facts | request.ownership.description_facts
    process = request.read_process(pid, facts)
    assert process is not None
    logons = request.index_for(process)
    owner = logons.owner(process)
    return owner, logon_of(request, process, owner, logons, facts)


def test_each_process_gives_the_same_description_of_its_logon_session() -> None:
    """Each value and where it comes from, but for what is counted."""
    host = Memory(example.snapshot()).request(ROOT)
    whole = {session.logon_id: session for session in broker.sessions(host)}
    for process in example.PROCESSES:
        owner, logon = told(host, process.pid)
        known = whole[owner.logon_id or ""]
        uncounted = known._replace(processes=None, leftovers=None)
        assert logon.session == uncounted
        assert [link.pid for link, _ in logon.chain][-1] == process.pid
        assert all(link_owner.logon_id == owner.logon_id for _, link_owner in logon.chain)


def test_the_search_below_a_leader_has_a_limit() -> None:
    leader = example.BY_PID[4100]
    first_level = tuple(range(10_000, 10_600))
    children = [leader._replace(pid=pid, ppid=4100, children=(pid + 1000,)) for pid in first_level]
    grandchildren = [leader._replace(pid=pid + 1000, ppid=pid, children=()) for pid in first_level]
    leader = leader._replace(children=first_level)
    logins = tuple(login._replace(process=leader) if login.id == "41" else login for login in example.LOGINS)
    memory = Memory(example.snapshot()._replace(processes=[leader, *children, *grandchildren], logins=logins))
    told(memory.request(ROOT), 4100)
    assert len(set(memory.asked.pids) - {4100, leader.ppid}) == MAX_BELOW_A_LEADER - 1


def test_without_a_record_all_processes_describe_a_logon_session() -> None:
    """A job's child that lost its parent tells what the job itself tells (and not, as it once did, its own start)."""
    orphan = example.BY_PID[6001]._replace(pid=6002, ppid=1, start=example.BY_PID[6001].start + 9000)  # type: ignore[operator]  # it has one
    host = Memory(example.snapshot()._replace(processes=[*example.PROCESSES, orphan])).request(ROOT)
    _, logon = told(host, 6002)
    assert logon.session == told(host, 6001)[1].session
    assert (logon.session.start_is_approximate, logon.session.logon_type) == (True, 4)
