"""Actions on processes."""

from typing import NamedTuple


class Action(NamedTuple):
    """Something to do to one process, told from a later one with its pid by its start."""

    pid: int
    start: int  # clock ticks since boot, as in Process
    nice: int | None = None  # set it to this; None: end the process at once
    uid: int | None = None  # as whom; None: with the rights of this very process
