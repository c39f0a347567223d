"""Tests of ownership/containers.py: the container of a process, from cgroup paths as engines write them.

The paths are those that the engines' own documentation and issue trackers show, with other ids. Of nested ones the
outermost counts: root of a container can make directories with any name below its own.
"""

import pytest

from logonscope.facts import Container
from logonscope.ownership.containers import container_of_cgroup

ID, OTHER = "3f2a" * 16, "0b1c" * 16
POD = "5a7cd1f2-9d1f-4f3e-8a35-0c9be41b2e61"
POD_SLICE = f"kubepods-burstable-pod{POD.replace('-', '_')}.slice"
BURSTABLE = f"/kubepods.slice/kubepods-burstable.slice/{POD_SLICE}"


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (f"/system.slice/docker-{ID}.scope", Container(ID, "docker")),
        (f"/system.slice/docker-{ID}.scope/init.scope", Container(ID, "docker")),
        (f"/docker/{ID}", Container(ID, "docker")),
        (f"/docker/{ID}/docker/{OTHER}", Container(ID, "docker")),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope", Container(ID, "docker")),
        (f"/machine.slice/libpod-{ID}.scope/container", Container(ID, "podman")),
        (f"/machine.slice/libpod_pod_{OTHER}.slice/libpod-{ID}.scope", Container(ID, "podman")),
        (f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope", Container(ID, "podman")),
        (f"/libpod_parent/libpod-{ID}", Container(ID, "podman")),
        (f"/system.slice/web.service/libpod-payload-{ID}", Container(ID, "podman")),
        (f"/docker/{ID}/supervisor", Container(ID, "docker")),
        (f"/actions_job/{ID}", Container(ID, "docker")),
        (f"/default/{ID}", Container(ID, "containerd")),
        (f"/../docker-{ID}.scope", Container(ID, "docker")),
        (f"/system.slice/nerdctl-{ID}.scope", Container(ID, "containerd")),
        (f"{BURSTABLE}/cri-containerd-{ID}.scope", Container(ID, "containerd", POD)),
        (f"/kubepods.slice/{POD_SLICE}:cri-containerd:{ID}", Container(ID, "containerd", POD)),
        (f"/system.slice/containerd.service/{POD_SLICE}:cri-containerd:{ID}", Container(ID, "containerd", POD)),
        (f"{BURSTABLE}/crio-{ID}.scope/container", Container(ID, "cri-o", POD)),
        (f"/kubepods/burstable/pod{POD}/{ID}", Container(ID, "kubernetes", POD)),
        (f"/kubepods/besteffort/pod{POD}/{ID}/init.scope", Container(ID, "kubernetes", POD)),
        (f"/docker/{OTHER}/kubelet/kubepods/pod{POD}/{ID}", Container(OTHER, "docker")),
        (f"/docker/{OTHER}{BURSTABLE}/cri-containerd-{ID}.scope", Container(OTHER, "docker")),
        ("/lxc.payload.web/init.scope", Container("web", "lxc")),
        ("/lxc.payload.project_web/user.slice/user-0.slice/session-c1.scope", Container("project_web", "lxc")),
        ("/lxc/web/system.slice/ssh.service", Container("web", "lxc")),
        ("/machine.slice/systemd-nspawn@debian.service/payload/init.scope", Container("debian", "nspawn")),
        (r"/machine.slice/machine-my\x2ddebian.scope/payload", Container("my-debian", "nspawn")),
        (r"/machine.slice/machine-lxc\x2d4\x2dweb.scope", Container("web", "lxc")),
    ],
)  # fmt: skip
def test_a_container_is_recognized_by_its_cgroup(cgroup: str, container: Container) -> None:
    assert container_of_cgroup(cgroup) == container


@pytest.mark.parametrize(
    "cgroup",
    [
        "/",
        "",
        "/init.scope",
        "/user.slice/user-1000.slice/session-41.scope",
        "/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox.scope",
        "/system.slice/docker.service",
        "/system.slice/containerd.service",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"/system.slice/crio-conmon-{ID}.scope",
        "/lxc.monitor.web",
        "/machine.slice/systemd-nspawn@debian.service/supervisor",
        r"/machine.slice/machine-qemu\x2d1\x2dweb.scope/libvirt/emulator",
        f"/system.slice/docker-{ID[:12]}.scope",
        f"/docker/{ID}x",
        f"/home/{ID}",
        f"/kubepods/burstable/pod{POD}",
    ],
)
def test_other_cgroups_are_in_no_container(cgroup: str) -> None:
    assert container_of_cgroup(cgroup) is None


@pytest.mark.parametrize(
    ("cgroup", "root_cgroup", "container"),
    [
        (f"/docker/{ID}/system.slice/ssh.service", f"/docker/{ID}/init.scope", None),
        (f"/docker/{ID}", f"/docker/{ID}", None),
        (f"/docker/{ID}/docker/{OTHER}", f"/docker/{ID}/init.scope", Container(OTHER, "docker")),
        (f"/docker/{OTHER}", f"/docker/{ID}", Container(OTHER, "docker")),
        (f"/kubepods/pod{POD}/{ID}", f"/kubepods/pod{POD}/{ID}", None),
        (f"/docker/{OTHER}/kubelet/kubepods/pod{POD}/{ID}", f"/docker/{OTHER}/init.scope",
         Container(ID, "kubernetes", POD)),
        (f"/docker/{OTHER}/kubelet/kubepods/pod{POD}/{ID}", f"/docker/{OTHER}/kubelet/kubepods/pod{POD}/{ID}", None),
        (f"/docker/{ID}", "/init.scope", Container(ID, "docker")),
    ],
)  # fmt: skip
def test_the_container_that_the_host_is_itself_is_none_of_its_containers(
    cgroup: str, root_cgroup: str, container: Container | None
) -> None:
    assert container_of_cgroup(cgroup, root_cgroup) == container
