"""Actions on processes and services."""

from typing import Literal, NamedTuple


class Action(NamedTuple):
    """An action on one process. The start time distinguishes the process from a later one with the same pid."""

    pid: int
    start: int  # clock ticks since boot, as in Process
    nice: int | None = None  # the nice value to set; None: end the process (SIGKILL)
    uid: int | None = None  # the user whose rights are used; None: the rights of the process that performs the action


ServiceVerb = Literal["start", "stop", "freeze", "thaw"]


class ServiceAction(NamedTuple):
    """An action on one service of the system's manager."""

    name: str
    verb: ServiceVerb
    uid: int | None = None  # as in Action
