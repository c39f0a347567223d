"""broker/logon.py: is a logon session described from one process as from all of them, where a record vouches for it?"""

from logonscope import broker
from logonscope.broker.logon import KEY, logon_of
from logonscope.broker.view import keyed
from logonscope.machine import Needs
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT


def test_what_one_process_tells_is_what_all_of_them_tell() -> None:
    """But for what is counted, and for the start of a logon session that no record vouches for."""
    host = Memory(example.snapshot()).broker(ROOT)
    whole = {session.logon_id: session for session in broker.sessions(host)}
    for process in example.PROCESSES:
        view = keyed(host, Needs(process=KEY), frozenset({process.pid}))
        ((found, owner),) = view.owned
        logon = logon_of(host, view.snapshot, found)
        known = whole[owner.logon or ""]
        uncounted = known._replace(processes=None, leftovers=None)
        assert logon.session._replace(sources={}) == uncounted._replace(sources={})
        assert [link.pid for link, _ in logon.chain][-1] == process.pid
        assert all(link_owner.logon == owner.logon for _, link_owner in logon.chain)


def test_a_start_without_a_record_says_that_it_is_of_the_parents_alone() -> None:
    host = Memory(example.snapshot()).broker(ROOT)
    view = keyed(host, Needs(process=KEY), frozenset({6001}))
    ((found, _),) = view.owned
    sources = logon_of(host, view.snapshot, found).session.sources
    assert sources["start"] == "approximate: not later than the earliest of this process's parents"
