"""Unit requests: which process requested that the system's manager start a unit, as far as a log shows it."""

from typing import NamedTuple

from logonscope.facts.process import Process


class UnitRequest(NamedTuple):
    """The request that led to the last start of a unit, and the process that made the request and has ended since.

    Attributes:
        unit: "nginx.service".
        started: microseconds since the epoch: when the manager had started the unit.
        requested: microseconds since the epoch: when the command was permitted.
        pid, ses, loginuid, cgroup: facts of the process that made the request, as in Process.
        command: the command line of that process: "sudo systemctl restart nginx".
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
