"""What the operating system says, as data without behaviour: facts know nothing of CIM, of access or of output.

Every field is raw, as its source gave it. None means "not asked" or "not readable"; where it was asked and could
not be read, ``Process.unread`` and ``Snapshot.troubles`` keep the reason.
"""

from logonscope.facts.login import Login
from logonscope.facts.logon_session import Check, LogonSession, LogonTree, Owner, SessionOf, SessionProcess, Whose
from logonscope.facts.needs import NO_PROCESSES, UNSET, Needs
from logonscope.facts.process import FACTS, Process
from logonscope.facts.snapshot import PARTIAL, Account, Machine, Snapshot, Socket, Source, Trouble

__all__ = [
    "FACTS",
    "NO_PROCESSES",
    "PARTIAL",
    "UNSET",
    "Account",
    "Check",
    "Login",
    "LogonSession",
    "LogonTree",
    "Machine",
    "Needs",
    "Owner",
    "Process",
    "SessionOf",
    "SessionProcess",
    "Snapshot",
    "Socket",
    "Source",
    "Trouble",
    "Whose",
]
