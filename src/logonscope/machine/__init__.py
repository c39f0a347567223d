"""The seam below the broker: what is asked of a machine, and what it hands over, as protocols and plain data."""

from logonscope.machine.needs import MOST_CMDLINE, NO_PROCESSES, LoggedIn, Needs, Sieve
from logonscope.machine.owner import Owner
from logonscope.machine.selection import EVERYTHING, Selection
from logonscope.machine.snapshot import PARTIAL, Action, Snapshot, Source, Trouble

__all__ = [
    "EVERYTHING",
    "MOST_CMDLINE",
    "NO_PROCESSES",
    "PARTIAL",
    "Action",
    "LoggedIn",
    "Needs",
    "Owner",
    "Selection",
    "Sieve",
    "Snapshot",
    "Source",
    "Trouble",
]
