"""Tests of sources/linux/scopes.py: facts of logins are read from the right cgroup directories, and no others."""

import pytest

from logonscope.machine import ProcessQuery
from logonscope.sources.linux.processes import Reader
from logonscope.sources.linux.scopes import MAX_MEMBERS, Scopes
from tests.hosts import HostFolder, manager_service, session_scope

C1 = session_scope(1000, "c1")


def scopes(host: HostFolder) -> Scopes:
    """Return the scopes of a host."""
    read = Reader(str(host.root / "proc"), ProcessQuery(frozenset({"ses", "loginuid", "cgroup"}))).read
    return Scopes(str(host.root), read)


def carried(host: HostFolder) -> set[int | None]:
    """Return the kernel ids that the processes in c1 carry."""
    found = scopes(host)
    return {process.ses for process in found.processes_with_kernel_id(found.unit_path(1000, "session-c1.scope"), C1)}


@pytest.mark.parametrize("hierarchy", ["", "/unified", "/systemd"])
def test_scopes_are_found_in_every_layout_of_hierarchies(host: HostFolder, hierarchy: str) -> None:
    folder = host.root / f"sys/fs/cgroup{hierarchy}{C1}"
    folder.mkdir(parents=True)
    found = scopes(host)
    assert found.inode(found.unit_path(1000, "session-c1.scope")) == folder.stat().st_ino
    assert list(found.logins_without_record([], None)) == [("c1", 1000)]


def test_without_a_slice_of_users_there_are_none(host: HostFolder) -> None:
    found = scopes(host)
    assert found.unit_path(1000, "session-c1.scope") is None
    assert found.inode(None) is None
    assert list(found.logins_without_record([], None)) == []
    assert list(found.pids(None)) == []


def test_nothing_but_a_scope_in_the_slice_of_a_user_is_a_login(host: HostFolder) -> None:
    for cgroup in (
        manager_service(1000), f"{manager_service(1000)}/session-c2.scope", f"{C1}/session-c3.scope",
        "/user.slice/session-c4.scope", "/user.slice/user-x.slice/session-c5.scope",
        "/user.slice/user-1000.slice/session-.scope", "/user.slice/user-1000.slice/session-c6.scope.d",
        "/user.slice/user-1000.slice/session-c 7.scope", "/system.slice/user-1000.slice/session-c8.scope",
    ):  # fmt: skip
        host.group(cgroup)
    assert list(scopes(host).logins_without_record([], None)) == [("c1", 1000)]


def test_those_that_are_recorded_or_not_wanted_are_left_out(host: HostFolder) -> None:
    for login_id in ("c1", "c2", "41"):
        host.group(session_scope(1000, login_id))
    found = scopes(host)
    assert list(found.logins_without_record([("c1", 1000)], None)) == [("41", 1000), ("c2", 1000)]
    assert list(found.logins_without_record([("c1", 1001)], None)) == [("41", 1000), ("c1", 1000), ("c2", 1000)]
    assert list(found.logins_without_record([], {"c2", "c9"})) == [("c2", 1000)]
    assert list(found.logins_without_record([("c1", 1001)], {"c1"})) == []


def test_the_groups_below_a_scope_belong_to_it(host: HostFolder) -> None:
    host.group(C1, 500)
    host.group(f"{C1}/below/further", 501)
    host.process(500, ses=41, cgroup=C1)
    host.process(501, ses=42, cgroup=f"{C1}/below/further")
    assert carried(host) == {41, 42}


def test_a_process_that_left_the_scope_is_ignored(host: HostFolder) -> None:
    host.group(C1, 500, 501, 502, 503)
    host.process(500, ses=41, cgroup=f"{C1}x")  # its pid was given to another
    host.process(501, cgroup=C1)  # without a kernel id
    host.process(502, ses=43, cgroup=C1)
    assert carried(host) == {43}


def test_of_a_crowded_scope_the_first_processes_are_read(host: HostFolder) -> None:
    crowd = range(1000, 1001 + MAX_MEMBERS)
    host.group(C1, *crowd)
    for pid in crowd:
        host.process(pid, ses=pid, cgroup=C1)
    assert carried(host) == {*crowd} - {crowd[-1]}


def test_elogind_has_a_hierarchy_of_its_own_or_the_only_one(host: HostFolder) -> None:
    found = scopes(host)
    assert found.elogind_path("c1") is None
    host.group("/c1")
    assert found.elogind_path("c1") == str(host.root / "sys/fs/cgroup/c1")
    host.group("/elogind/c1")
    assert found.elogind_path("c1") == str(host.root / "sys/fs/cgroup/elogind/c1")
