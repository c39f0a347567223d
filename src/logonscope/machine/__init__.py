"""Interface between the broker and machines: queries, sources and ownership, as protocols and plain data."""

from logonscope.machine.kernel_numbers import boot_time, local_datetime, start_time, terminal_name
from logonscope.machine.look import Deadline, Look
from logonscope.machine.ownership import OWNER_FACT, Leader, LogonIndex, LogonOrigin, Owner, Ownership
from logonscope.machine.queries import (
    ANY_LOGON,
    MAX_CMDLINE_BYTES,
    NO_FACTS,
    AccountQuery,
    AuthenticationQuery,
    EarlyFilter,
    Facts,
    LogonHint,
    ProcessQuery,
    SocketQuery,
)
from logonscope.machine.selection import EVERYTHING, Selection
from logonscope.machine.source import NO_PARTS, Ability, AccountLookup, BaseSource, Part, Source
from logonscope.machine.trouble import PARTIAL, SOCKETS, Trouble

__all__ = [
    "ANY_LOGON",
    "EVERYTHING",
    "MAX_CMDLINE_BYTES",
    "NO_FACTS",
    "NO_PARTS",
    "OWNER_FACT",
    "PARTIAL",
    "SOCKETS",
    "Ability",
    "AccountLookup",
    "AccountQuery",
    "AuthenticationQuery",
    "BaseSource",
    "Deadline",
    "EarlyFilter",
    "Facts",
    "Leader",
    "LogonHint",
    "LogonIndex",
    "LogonOrigin",
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
    "local_datetime",
    "start_time",
    "terminal_name",
]
