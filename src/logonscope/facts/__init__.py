"""Facts: what the operating system reports, as data without behaviour. They know nothing of CIM, access or output.

Every field is raw, as its source returned it. None means that it was not requested or could not be read; in the latter
case ``Process.unread`` has the reason.
"""

from logonscope.facts.account import Account, Group
from logonscope.facts.authentication import Authentication
from logonscope.facts.container import Container
from logonscope.facts.failed_logon import FailedLogon
from logonscope.facts.hardware import Hardware
from logonscope.facts.login import Login
from logonscope.facts.login_history import LoginHistory
from logonscope.facts.machine import Machine, Platform, Vitals
from logonscope.facts.process import ALL_FACTS, FACTS_OF_FILE, FILE_OF_FACT, UNSET, Process
from logonscope.facts.service import SERVICE_UNIT, Service, ServiceName
from logonscope.facts.socket import UNIX, HeldSockets, Socket
from logonscope.facts.unit_request import UnitRequest
from logonscope.facts.user_change import UserChange

__all__ = [
    "ALL_FACTS",
    "FACTS_OF_FILE",
    "FILE_OF_FACT",
    "SERVICE_UNIT",
    "UNIX",
    "UNSET",
    "Account",
    "Authentication",
    "Container",
    "FailedLogon",
    "Group",
    "Hardware",
    "HeldSockets",
    "Login",
    "LoginHistory",
    "Machine",
    "Platform",
    "Process",
    "Service",
    "ServiceName",
    "Socket",
    "UnitRequest",
    "UserChange",
    "Vitals",
]
