"""Facts: what the operating system reports, as plain data. Their modules know nothing of CIM, access or output.

A field has the value that the source returned; if the field is derived from such values, its comment says so. None
means: not requested, not readable, or the host has no such value. If a fact of a process could not be read,
``Process.unread`` has the reason. Readers of other facts can report the reason to the request's Look, as a Trouble.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logonscope.facts.account import Account, Group
    from logonscope.facts.authentication import Authentication
    from logonscope.facts.container import Container
    from logonscope.facts.failed_logon import FailedLogon
    from logonscope.facts.hardware import Hardware
    from logonscope.facts.login import Login
    from logonscope.facts.login_history import LoginHistory
    from logonscope.facts.machine import Machine, Platform, Vitals
    from logonscope.facts.process import ALL_FACTS, FACTS_OF_FILE, FILE_OF_FACT, UNSET, Process
    from logonscope.facts.service import Service, ServiceName, is_service_unit
    from logonscope.facts.socket import UNIX, HeldSockets, Socket
    from logonscope.facts.unit_request import UnitRequest
    from logonscope.facts.user_change import UserChange

__all__ = [
    "ALL_FACTS",
    "FACTS_OF_FILE",
    "FILE_OF_FACT",
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
    "is_service_unit",
]

_HOMES = {
    "Account": "account",
    "Group": "account",
    "Authentication": "authentication",
    "Container": "container",
    "FailedLogon": "failed_logon",
    "Hardware": "hardware",
    "Login": "login",
    "LoginHistory": "login_history",
    "Machine": "machine",
    "Platform": "machine",
    "Vitals": "machine",
    "ALL_FACTS": "process",
    "FACTS_OF_FILE": "process",
    "FILE_OF_FACT": "process",
    "UNSET": "process",
    "Process": "process",
    "Service": "service",
    "ServiceName": "service",
    "is_service_unit": "service",
    "UNIX": "socket",
    "HeldSockets": "socket",
    "Socket": "socket",
    "UnitRequest": "unit_request",
    "UserChange": "user_change",
}


# a type checker that sees __getattr__ would accept any name
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Import a kind of facts when it is first used: an import takes time, and most requests need few (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module 'logonscope.facts' has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 -- as in logonscope/__init__.py

        # kept in the module, so that the next import finds it without this function
        value = globals()[name] = getattr(import_module(f"logonscope.facts.{_HOMES[name]}"), name)
        return value
