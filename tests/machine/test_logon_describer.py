"""Logon sessions that the journal describes."""

import pytest

from logonscope.machine import Owner
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


@pytest.mark.parametrize(("pid_namespaces", "user"), [(1, "root"), (2, None)])
def test_a_login_of_another_pid_namespace_has_no_account_name_of_this_host(
    pid_namespaces: int, user: str | None
) -> None:
    ((process, _),) = PolledMachine().read(frozenset({1}))
    owner = Owner("5", "audit")
    member = process._replace(ses=5, loginuid=0, cgroup="/", pid_namespaces=pid_namespaces)
    session = LogonDescriber(LinuxSource(), LINUX).describe(owner, [member])
    assert (session.uid, session.user) == (0, user)
