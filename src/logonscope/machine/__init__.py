"""Interface between the broker and machines: queries, sources and ownership, as protocols and plain data."""

from logonscope.machine.kernel_numbers import boot_time, moment, started_at, terminal_name
from logonscope.machine.look import Deadline, Look
from logonscope.machine.ownership import OWNER, LogonIndex, Owner, Ownership
from logonscope.machine.queries import (
    ANY_LOGON,
    MOST_CMDLINE,
    NO_FACTS,
    AccountQuery,
    EarlyFilter,
    Facts,
    LogonHint,
    ProcessQuery,
    SocketQuery,
)
from logonscope.machine.selection import EVERYTHING, Selection
from logonscope.machine.source import NO_PARTS, Ability, AccountLookup, BaseSource, Part, Source
from logonscope.machine.trouble import PARTIAL, Trouble

__all__ = [
    "ANY_LOGON",
    "EVERYTHING",
    "MOST_CMDLINE",
    "NO_FACTS",
    "NO_PARTS",
    "OWNER",
    "PARTIAL",
    "Ability",
    "AccountLookup",
    "AccountQuery",
    "BaseSource",
    "Deadline",
    "EarlyFilter",
    "Facts",
    "LogonHint",
    "LogonIndex",
    "Look",
    "Owner",
    "Ownership",
    "Part",
    "ProcessQuery",
    "Selection",
    "SocketQuery",
    "Source",
    "Trouble",
    "boot_time",
    "moment",
    "started_at",
    "terminal_name",
]
