"""Containers of processes, recognized by their cgroup paths.

Every engine names the cgroup of a container in its own way. ``FORMS`` lists the names. With the cgroupfs driver, some
engines name the cgroup by the container's id alone, in a directory of ``PARENTS``. Of nested containers the outermost
one counts: this host's engine runs it. The cgroups below it prove nothing, because root in the container can give them
any name. Processes that manage a container (conmon, the supervisor of nspawn, lxc.monitor) are not in the container.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from logonscope.facts import Container


class CgroupForm(NamedTuple):
    """One form of a container's cgroup: the engine, and an expression for a part of the path, with the group ``id``."""

    runtime: str
    word: str  # a text in every part that matches, and in few others: looked for first, because this is fast
    expression: str


_HEX = r"(?P<id>[0-9a-f]{64})"

# An expression matches a part of the path in which systemd's escapes are resolved (\x2d is "-"). The expressions are
# compiled at their first use: most hosts have no containers, and compiling would take a tenth of the time of a short
# command.
FORMS = (
    CgroupForm("docker", "docker-", rf"docker-{_HEX}\.scope"),
    CgroupForm("podman", "libpod-", rf"libpod-(?:payload-)?{_HEX}(?:\.scope)?"),
    CgroupForm("containerd", "cri-containerd-", rf"cri-containerd-{_HEX}\.scope"),
    CgroupForm("containerd", "nerdctl-", rf"nerdctl-{_HEX}\.scope"),
    CgroupForm("containerd", ":cri-containerd:", rf"(?P<slice>.*):cri-containerd:{_HEX}"),
    CgroupForm("cri-o", "crio-", rf"crio-{_HEX}(?:\.scope)?"),
    CgroupForm("nspawn", "systemd-nspawn@", r"systemd-nspawn@(?P<id>.+)\.service"),
    CgroupForm("lxc", "lxc.payload.", r"lxc\.payload\.(?P<id>.+)"),
    CgroupForm("lxc", "machine-lxc-", r"machine-lxc-\d+-(?P<id>.+)\.scope"),
    CgroupForm("nspawn", "machine-", r"machine-(?!qemu-)(?P<id>.+)\.scope"),
)

# With the cgroupfs driver, the directory of a container is named by its id alone (lxc: by its name). The directory
# above it shows the engine.
PARENTS = {"docker": "docker", "actions_job": "docker", "default": "containerd", "k8s.io": "containerd", "lxc": "lxc"}

# A static pod has a hash as its uid, without hyphens.
POD = (
    r"(?:kubepods(?:-burstable|-besteffort)?-)?"
    r"pod(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?"
)

_BARE_ID = r"[0-9a-f]{64}"
_ESCAPED = r"\\x([0-9a-f]{2})"
_SUPERVISOR = "supervisor"


@lru_cache(4096)
def container_of_cgroup(cgroup: str, root_cgroup: str | None = None) -> Container | None:
    """Return the outermost container that a cgroup path is in; None: the path is in no container.

    Args:
        cgroup: the cgroup of a process.
        root_cgroup: the cgroup of the host's first process. If this cgroup is in a container, the host itself is that
            container: only the processes in containers below it count as processes in a container.
    """
    parts, host_parts = cgroup.split("/"), _parts_of_host(root_cgroup)
    if parts[: len(host_parts)] == host_parts:
        parts = ["", *parts[len(host_parts) :]]
    container = _first_container(parts)
    return container and container[0]


def _parts_of_host(root_cgroup: str | None) -> list[str]:
    """If the host itself is a container, return the parts of this container's cgroup path; otherwise an empty list."""
    host_parts, parts = list[str](), (root_cgroup or "").split("/")
    # the host may be a container in a container: then the innermost container is the host
    while container := _first_container(parts):
        _, index = container
        host_parts += parts[: index + 1] if not host_parts else parts[1 : index + 1]
        parts = ["", *parts[index + 1 :]]
    return host_parts


def _first_container(parts: list[str]) -> tuple[Container, int] | None:
    """Return the outermost container in a path, and the index of the part that names it; None: there is none."""
    pod_uid: str | None = None
    for index, part in enumerate(parts):
        if "pod" in part and (pod := re.fullmatch(POD, part)) is not None:
            pod_uid = pod["uid"].replace("_", "-")
            continue
        parent = parts[index - 1] if index else ""
        child = parts[index + 1] if index + 1 < len(parts) else ""
        name = re.sub(_ESCAPED, _unescape, part) if "\\" in part else part
        container = _container_of_part(name, parent, pod_uid)
        # nspawn itself runs in the directory "supervisor" of its unit, and not in the container. With other engines,
        # the container itself can have created a directory of that name.
        if container is not None and not (container.runtime == "nspawn" and child == _SUPERVISOR):
            return container, index
    return None


def _container_of_part(name: str, parent: str, pod_uid: str | None) -> Container | None:
    for form in FORMS:
        if form.word in name and (match := re.fullmatch(form.expression, name)) is not None:
            pod = re.fullmatch(POD, match.groupdict().get("slice", ""))
            return Container(match["id"], form.runtime, pod["uid"].replace("_", "-") if pod else pod_uid)
    if parent in PARENTS and (parent == "lxc" or re.fullmatch(_BARE_ID, name)):
        return Container(name, PARENTS[parent], pod_uid)
    if pod_uid is not None and re.fullmatch(_BARE_ID, name):
        # The cgroupfs driver does not name the engine: containerd and cri-o write the same path.
        return Container(name, "kubernetes", pod_uid)
    return None


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
