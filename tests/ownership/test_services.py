"""Tests of ownership/services.py: the service of a cgroup, and names that only look like one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import ServiceName
from logonscope.ownership.services import service_of_cgroup

MANAGER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("cgroup", "name"),
    [
        ("/system.slice/nginx.service", "nginx.service"),
        ("/system.slice/nginx.service/", "nginx.service"),
        ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"),
        ("/system.slice/system-a.slice/system-a-b.slice/a-b@x\\x2dy.service", "a-b@x\\x2dy.service"),
        ("/top.service", "top.service"),
        ("/system.slice/_cpu.service", "cpu.service"),
        ("/system.slice/__own.service", "_own.service"),
        ("/system.slice/docker.service/other.service/x", "docker.service"),
        ("/system.slice/systemd-nspawn@box.service/payload/system.slice/ssh.service", "systemd-nspawn@box.service"),
        (MANAGER, "user@1000.service"),
        (f"{MANAGER}/init.scope", "user@1000.service"),
        ("/openrc.sshd", "sshd"),
        ("/openrc/sshd/below", "sshd"),
        ("/openrc.mount-ro", "mount-ro"),
        ("/openrc.swap", "swap"),
        ("/openrc.service", "openrc.service"),
        ("/openrc.slice/foo.service", "foo.service"),
        ("/openrc.slice/openrc-a.slice/foo.service", "foo.service"),
    ],
)
def test_the_first_component_that_is_no_slice_is_the_service_of_the_system(cgroup: str, name: str) -> None:
    assert service_of_cgroup(cgroup) == ServiceName(name)


@pytest.mark.parametrize(
    ("below", "name"),
    [
        ("app.slice/mine.service", "mine.service"),
        ("app.slice/app-a.slice/a@1.service/x.service", "a@1.service"),
        ("background.slice/ssh.service", "ssh.service"),  # a user's unit of that name, not the system's
        ("ssh.service", "ssh.service"),
    ],
)
def test_what_a_users_manager_runs_is_that_users(below: str, name: str) -> None:
    assert service_of_cgroup(f"{MANAGER}/{below}") == ServiceName(name, 1000)


@pytest.mark.parametrize(
    "cgroup",
    [
        "", "/", "/init.scope", "/user.slice", "/system.slice", "/user.slice/user-1000.slice/session-41.scope",
        "/user.slice/user-1000.slice/session-41.scope/ssh.service",
        "/system.slice/docker-0123.scope/system.slice/nginx.service", "/machine.slice/machine-x.scope/ssh.service",
        "/docker/0123/system.slice/nginx.service", "/lxc.payload.box/system.slice/nginx.service",
        "/../system.slice/nginx.service", "/system.slice/getty@.service", "/system.slice/@x.service",
        "/system.slice/a b.service", "/system.slice/a\nb.service", "/system.slice/x.service\n",
        "/system.slice/.service", f"/system.slice/{'a' * 250}.service", f"{MANAGER}/app.slice/app-x.scope/y.service",
        "/user.slice/user-1000.slice/user@1001.service\n/init.scope", "/openrc.", "/openrc.../x y",
        "/openrc.scope", "/openrc.scope/x.service", "/openrc.slice", "/openrc.mount", "/openrc.socket",
    ],
)  # fmt: skip
def test_scopes_containers_and_forgeries_are_no_services(cgroup: str) -> None:
    found = service_of_cgroup(cgroup)
    assert found is None or cgroup == "/openrc.../x y"


@given(st.text(alphabet="/.@_-abservic0slicopen\\ \n", max_size=80))
def test_any_path_has_a_service_that_it_names_or_none(path: str) -> None:
    found = service_of_cgroup(path)
    assert found is None or found.name in path


@given(st.text(max_size=30).filter(lambda text: "/" not in text))
def test_a_user_cannot_make_a_directory_that_is_a_service_of_the_system(name: str) -> None:
    found = service_of_cgroup(f"{MANAGER}/app.slice/{name}")
    assert found is None or found.uid == 1000 or found.name == "user@1000.service"
