"""broker/logon.py: is a logon session described from one process as from all of them, where a record vouches for it?"""

from logonscope.broker import Request
from logonscope.broker.logon import Logon, logon_of
from logonscope.machine import Owner
from tests import example
from tests.broker import operations as broker
from tests.broker.memory import Memory
from tests.hosts import ROOT


def told(request: Request, pid: int) -> tuple[Owner, Logon]:
    """Return the owner of a process, and the logon session that it tells of."""
    facts = request.ownership.facts | request.ownership.describing
    process = request.read_process(pid, facts)
    assert process is not None
    logons = request.index_for(process)
    return logons.owner(process), logon_of(request, process, logons, facts)


def test_what_one_process_tells_is_what_all_of_them_tell() -> None:
    """But for what is counted, and for the start of a logon session that no record vouches for."""
    host = Memory(example.snapshot()).request(ROOT)
    whole = {session.logon_id: session for session in broker.sessions(host)}
    for process in example.PROCESSES:
        owner, logon = told(host, process.pid)
        known = whole[owner.logon or ""]
        uncounted = known._replace(processes=None, leftovers=None)
        assert logon.session._replace(sources={}) == uncounted._replace(sources={})
        assert [link.pid for link, _ in logon.chain][-1] == process.pid
        assert all(link_owner.logon == owner.logon for _, link_owner in logon.chain)


def test_a_start_without_a_record_says_that_it_is_of_the_parents_alone() -> None:
    _, logon = told(Memory(example.snapshot()).request(ROOT), 6001)
    assert logon.session.sources["start"] == "approximate: not later than the earliest of this process's parents"
