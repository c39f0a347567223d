"""Containers of processes, recognized by their cgroup paths.

Every engine names the cgroup of a container in its own way; the table lists them, with the cgroupfs driver beside the
systemd driver where an engine has both. In nested containers the innermost one is the process's container. Processes
that manage a container (conmon, the supervisor of nspawn, lxc.monitor) are not in it.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Container(NamedTuple):
    """A container: its id or name, the engine that runs it, and its Kubernetes pod."""

    id: str
    runtime: str
    pod_uid: str | None = None


class CgroupForm(NamedTuple):
    """One form of a container's cgroup: the engine, and what matches a part of the path, with the group ``id``."""

    runtime: str
    pattern: re.Pattern[str]


_HEX = r"(?P<id>[0-9a-f]{64})"

# A part of the path, its name unescaped as systemd writes it (\x2d is "-").
FORMS = (
    CgroupForm("docker", re.compile(rf"docker-{_HEX}\.scope")),
    CgroupForm("podman", re.compile(rf"libpod-{_HEX}(?:\.scope)?")),
    CgroupForm("containerd", re.compile(rf"(?:cri-containerd|nerdctl)-{_HEX}\.scope")),
    CgroupForm("containerd", re.compile(rf".*:cri-containerd:{_HEX}")),
    CgroupForm("cri-o", re.compile(rf"crio-{_HEX}(?:\.scope)?")),
    CgroupForm("nspawn", re.compile(r"systemd-nspawn@(?P<id>.+)\.service")),
    CgroupForm("lxc", re.compile(r"lxc\.payload\.(?P<id>.+)")),
    CgroupForm("lxc", re.compile(r"machine-lxc-\d+-(?P<id>.+)\.scope")),
    CgroupForm("nspawn", re.compile(r"machine-(?!qemu-)(?P<id>.+)\.scope")),
)

# Engines whose containers are directories with a bare id, by the directory above: the cgroupfs driver.
PARENTS = {"docker": "docker", "lxc": "lxc"}

# A static pod has a hash as its uid, without hyphens.
POD = re.compile(
    r"(?:kubepods(?:-burstable|-besteffort)?-)?"
    r"pod(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?"
)

_BARE_ID = re.compile(r"[0-9a-f]{64}")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")
_SUPERVISOR = "supervisor"


def container_of_cgroup(cgroup: str) -> Container | None:
    """Return the innermost container that a cgroup path is in; None if it is in none."""
    containers = [*_containers(cgroup.split("/"))]
    return containers[-1] if containers else None


def _containers(parts: list[str]) -> Iterator[Container]:
    """Yield the containers along a path, the outermost first."""
    pod_uid: str | None = None
    for index, part in enumerate(parts):
        if (pod := POD.fullmatch(part)) is not None:
            pod_uid = pod["uid"].replace("_", "-")
            continue
        parent, after = parts[index - 1] if index else "", parts[index + 1] if index + 1 < len(parts) else ""
        container = _container_of_part(_ESCAPED.sub(_unescape, part), parent, is_in_pod=pod_uid is not None)
        if container is not None and after != _SUPERVISOR:
            yield container._replace(pod_uid=pod_uid)


def _container_of_part(name: str, parent: str, *, is_in_pod: bool) -> Container | None:
    for form in FORMS:
        if (match := form.pattern.fullmatch(name)) is not None:
            return Container(match["id"], form.runtime)
    if parent in PARENTS and (parent == "lxc" or _BARE_ID.fullmatch(name)):
        return Container(name, PARENTS[parent])
    if is_in_pod and _BARE_ID.fullmatch(name):
        # The cgroupfs driver does not name the engine: containerd and cri-o write the same path.
        return Container(name, "kubernetes")
    return None


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
