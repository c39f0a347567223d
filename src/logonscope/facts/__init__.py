"""What the operating system says, as data without behaviour: facts know nothing of CIM, of access or of output.

Every field is raw, as its source gave it. None means "not asked" or "not readable"; where it was asked and could
not be read, ``Process.unread`` and ``Snapshot.troubles`` keep the reason.
"""

from logonscope.facts.login import Login
from logonscope.facts.logon_session import Check, LogonSession, LogonTree, Owner, SessionOf, SessionProcess, Whose
from logonscope.facts.needs import MOST_CMDLINE, NO_PROCESSES, UNSET, LoggedIn, Needs, Sieve
from logonscope.facts.process import FACTS, FACTS_OF, FILE_OF, Process
from logonscope.facts.selection import EVERYTHING, Selection
from logonscope.facts.snapshot import (
    PARTIAL,
    Account,
    Action,
    Group,
    Machine,
    Platform,
    Snapshot,
    Socket,
    Source,
    Trouble,
    Vitals,
)

__all__ = [
    "EVERYTHING",
    "FACTS",
    "FACTS_OF",
    "FILE_OF",
    "MOST_CMDLINE",
    "NO_PROCESSES",
    "PARTIAL",
    "UNSET",
    "Account",
    "Action",
    "Check",
    "Group",
    "LoggedIn",
    "Login",
    "LogonSession",
    "LogonTree",
    "Machine",
    "Needs",
    "Owner",
    "Platform",
    "Process",
    "Selection",
    "SessionOf",
    "SessionProcess",
    "Sieve",
    "Snapshot",
    "Socket",
    "Source",
    "Trouble",
    "Vitals",
    "Whose",
]
