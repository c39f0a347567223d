"""Logon sessions that the journal describes."""

from logonscope.machine.logon_describer import LogonDescriber
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from tests.journal.polled import PolledMachine


def test_a_logon_session_is_described_as_the_ownership_does() -> None:
    source, machine = LinuxSource(), PolledMachine()
    process, owner = machine.read(frozenset({1}))[0]
    session = LogonDescriber(source, LINUX).describe(owner, [process])
    assert session.logon_id == owner.logon_id
    assert session == LINUX.describe(owner, [process], machine.machine, session.user)
