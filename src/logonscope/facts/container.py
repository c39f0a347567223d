"""Containers: what the cgroup of a process shows of the container that the process runs in."""

from typing import NamedTuple


class Container(NamedTuple):
    """A container: its id or name, the engine that runs it, and its Kubernetes pod."""

    id: str
    runtime: str
    pod_uid: str | None = None
