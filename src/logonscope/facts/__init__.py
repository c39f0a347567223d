"""What the operating system says, as data without behaviour: facts know nothing of CIM, of access or of output.

Every field is raw, as its source gave it. None means "not asked" or "not readable"; where it was asked and could
not be read, ``Process.unread`` keeps the reason.
"""

from logonscope.facts.account import Account, Group
from logonscope.facts.login import Login
from logonscope.facts.machine import Machine, Platform, Vitals
from logonscope.facts.process import FACTS, FACTS_OF, FILE_OF, UNSET, Process
from logonscope.facts.socket import Socket

__all__ = [
    "FACTS",
    "FACTS_OF",
    "FILE_OF",
    "UNSET",
    "Account",
    "Group",
    "Login",
    "Machine",
    "Platform",
    "Process",
    "Socket",
    "Vitals",
]
