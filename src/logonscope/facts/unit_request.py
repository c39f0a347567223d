"""Unit requests: which process had a unit of the system's manager started, as far as a log shows it."""

from typing import NamedTuple

from logonscope.facts.process import Process


class UnitRequest(NamedTuple):
    """The request that led to the last start of a unit, and the process that made it, which has ended.

    Attributes:
        unit: "nginx.service".
        started: microseconds since the epoch: when the manager had started it.
        requested: microseconds since the epoch: when the command was permitted.
        pid: of the requester; the next three are facts of it, as in Process.
        command: the command line: "sudo systemctl restart nginx".
        source: the log and the program.
    """

    unit: str
    started: int
    requested: int
    pid: int
    ses: int
    loginuid: int
    cgroup: str | None = None
    command: str = ""
    source: str = ""

    @property
    def requester(self) -> Process:
        """Return the process that made the request, with the facts that determine its owner."""
        return Process(self.pid, ses=self.ses, loginuid=self.loginuid, cgroup=self.cgroup)
