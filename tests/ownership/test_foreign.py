"""Tests of ownership/foreign.py: which uids do not belong to this host."""

import pytest

from logonscope.facts import UNSET, Container, Login, Machine, Process
from logonscope.machine import LogonContainer, Owner
from logonscope.ownership import foreign

HOST = Machine("web1")
ID = "3f2a" * 16
DOCKER = f"/system.slice/docker-{ID}.scope"
ALICES = f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container"
AUDIT = Owner("41", "audit")
RECORDED = Owner("41", "audit", Login("41", 1000))


@pytest.mark.parametrize(
    ("cgroup", "uid", "is_foreign"),
    [
        (DOCKER, 0, True),
        (DOCKER, 1000, True),
        ("/lxc.payload.web/user.slice/user-1000.slice/user@1000.service", 1000, True),
        # a user's own container: the user is the user, root is root, subordinate uids are nobody's
        (ALICES, 1000, False),
        (ALICES, 0, False),
        (ALICES, 1001, True),
        (ALICES, 100_999, True),
        ("/user.slice/user-1000.slice/session-41.scope", 1001, False),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/firefox.scope", 1001, False),
        (None, 1000, False),
    ],
)
def test_a_uid_is_that_of_the_container_of_its_process(cgroup: str | None, uid: int, *, is_foreign: bool) -> None:
    assert foreign.is_uid_of_container(Process(7, cgroup=cgroup), uid, HOST) is is_foreign


def test_a_container_in_the_tree_of_another_user_is_not_ones_own() -> None:
    forged = ALICES.replace("user-1000.slice", "user-1001.slice", 1)
    assert foreign.is_uid_of_container(Process(7, cgroup=forged), 1000, HOST)


def test_a_host_that_is_a_container_has_uids_of_its_own() -> None:
    host = HOST._replace(root_cgroup=f"/docker/{ID}/init.scope")
    assert not foreign.is_uid_of_container(Process(7, cgroup=f"/docker/{ID}/system.slice/cron.service"), 1000, host)
    assert foreign.is_uid_of_container(Process(7, cgroup=f"/docker/{ID}/docker/{'ab' * 32}"), 1000, host)


FIRST = Process(7, ses=41, loginuid=1000, cgroup="/payload/x")
NESTED = FIRST._replace(pid_namespaces=2)


@pytest.mark.parametrize(
    ("owner", "first", "container"),
    [
        (AUDIT, FIRST, LogonContainer()),
        (AUDIT, FIRST._replace(host_root=False), LogonContainer()),
        (AUDIT, NESTED._replace(host_root=True), LogonContainer()),
        (AUDIT, NESTED._replace(host_root=False), LogonContainer(is_foreign=True)),
        (AUDIT, NESTED, LogonContainer(is_foreign=True)),
        (AUDIT, FIRST._replace(cgroup=DOCKER), LogonContainer(is_foreign=True, container=Container(ID, "docker"))),
        (AUDIT, FIRST._replace(cgroup=ALICES), LogonContainer(is_foreign=False, container=Container(ID, "podman"))),
        (AUDIT, FIRST._replace(cgroup=ALICES, loginuid=101_000),
         LogonContainer(is_foreign=True, container=Container(ID, "podman"))),
        # this host has a record of it, or made its place
        (RECORDED, FIRST._replace(cgroup=DOCKER), LogonContainer()),
        (RECORDED, NESTED, LogonContainer()),
        (Owner("4294967301", "scope"), NESTED, LogonContainer()),
        (Owner(str(UNSET), "none"), NESTED, LogonContainer()),
    ],
)  # fmt: skip
def test_a_logon_session_is_foreign_where_its_first_process_is(
    owner: Owner, first: Process, container: LogonContainer
) -> None:
    assert foreign.logon_container(owner, first, HOST) == container
    # what decides alone that a logon session is this host's never contradicts its first process
    assert foreign.may_be_foreign(first, owner, HOST) or not container.is_foreign


def test_the_root_directory_is_needed_only_in_another_pid_namespace_and_no_container() -> None:
    assert foreign.needs_root_directory(NESTED, HOST)
    assert not foreign.needs_root_directory(FIRST, HOST)
    assert not foreign.needs_root_directory(NESTED._replace(cgroup=DOCKER), HOST)
