"""Facts: what the operating system reports, as data without behaviour. They know nothing of CIM, access or output.

Every field is raw, as its source returned it. None means that it was not requested or could not be read; in the latter
case ``Process.unread`` has the reason.
"""

from logonscope.facts.account import Account, Group
from logonscope.facts.authentication import Authentication
from logonscope.facts.container import Container
from logonscope.facts.login import Login
from logonscope.facts.machine import Machine, Platform, Vitals
from logonscope.facts.process import ALL_FACTS, FACTS_OF_FILE, FILE_OF_FACT, UNSET, Process
from logonscope.facts.socket import UNIX, HeldSockets, Socket

__all__ = [
    "ALL_FACTS",
    "FACTS_OF_FILE",
    "FILE_OF_FACT",
    "UNIX",
    "UNSET",
    "Account",
    "Authentication",
    "Container",
    "Group",
    "HeldSockets",
    "Login",
    "Machine",
    "Platform",
    "Process",
    "Socket",
    "Vitals",
]
