"""Interface between the broker and machines: queries, sources and ownership, as protocols and plain data."""

from logonscope.machine.kernel_numbers import (
    boot_time,
    datetime_of_microseconds,
    local_datetime,
    start_time,
    terminal_name,
)
from logonscope.machine.look import Deadline, Look
from logonscope.machine.ownership import OWNER_FACT, Leader, LogonContainer, LogonIndex, Owner, Ownership
from logonscope.machine.queries import (
    ANY_LOGON,
    MAX_CMDLINE_BYTES,
    NO_FACTS,
    AccountQuery,
    AuthenticationQuery,
    EarlyFilter,
    Facts,
    LogonHint,
    Membership,
    MembershipGroup,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
    group_of_membership,
    process_of_membership,
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
    "LogonContainer",
    "LogonHint",
    "LogonIndex",
    "Look",
    "Membership",
    "MembershipGroup",
    "Owner",
    "Ownership",
    "Part",
    "ProcessQuery",
    "Selection",
    "ServiceQuery",
    "SocketQuery",
    "Source",
    "Trouble",
    "boot_time",
    "datetime_of_microseconds",
    "group_of_membership",
    "local_datetime",
    "process_of_membership",
    "start_time",
    "terminal_name",
]
