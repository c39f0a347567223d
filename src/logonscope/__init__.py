"""The Python API of Logonscope, which finds the logon session of each process.

::

    import logonscope

    host = logonscope.connect()
    host.whose(4312)[0].session.user
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logonscope.answers.check import Check
    from logonscope.answers.explanation import Explanation, PartExplained
    from logonscope.answers.history import HistoryFilter, PastLogin, PastProcess, PastProgram
    from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
    from logonscope.answers.host_identity import HostIdentity
    from logonscope.answers.jsonable import jsonable
    from logonscope.answers.logon_filter import LogonFilter
    from logonscope.answers.logon_session import LogonSession
    from logonscope.answers.logon_usage import LogonUsage
    from logonscope.answers.session_process import Leftovers, LogonTree, SessionOf, SessionProcess
    from logonscope.answers.session_service import SessionService
    from logonscope.answers.whose import UnseenLogin, Whose
    from logonscope.app import connect
    from logonscope.cim.classes import Class
    from logonscope.cim.instances import Instance, Outcome
    from logonscope.cim.schema import Schema
    from logonscope.client import Host
    from logonscope.client.watch import Watch
    from logonscope.errors import (
        AccessDeniedError,
        AggregatingByObjectError,
        AnswerTooLargeError,
        EnumerationNotFoundError,
        InternalError,
        InvalidClassError,
        InvalidMethodError,
        InvalidMethodParametersError,
        InvalidNamespaceError,
        InvalidObjectPathError,
        InvalidParameterError,
        InvalidPropertyError,
        InvalidQueryError,
        InvalidQueryTypeError,
        LogonscopeError,
        MissingAggregationListError,
        MissingGroupWithinError,
        NotEventClassError,
        NotFoundError,
        NotSupportedError,
        PropertyNotAnObjectError,
        PullInProgressError,
        QuotaViolationError,
        RecordingError,
        RegistrationTooBroadError,
        RegistrationTooPreciseError,
        RequestTooLargeError,
        ServerTooBusyError,
        TimedOutError,
        TransportFailureError,
        TypeMismatchError,
    )
    from logonscope.facts import Socket
    from logonscope.machine.history import Forgotten, Verification

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "AggregatingByObjectError",
    "AnswerTooLargeError",
    "ChangedUser",
    "Check",
    "Class",
    "EnumerationNotFoundError",
    "Explanation",
    "FailedAttempt",
    "Forgotten",
    "HistoryFilter",
    "Host",
    "HostEvent",
    "HostIdentity",
    "Instance",
    "InternalError",
    "InvalidClassError",
    "InvalidMethodError",
    "InvalidMethodParametersError",
    "InvalidNamespaceError",
    "InvalidObjectPathError",
    "InvalidParameterError",
    "InvalidPropertyError",
    "InvalidQueryError",
    "InvalidQueryTypeError",
    "Leftovers",
    "LogonFilter",
    "LogonSession",
    "LogonTree",
    "LogonUsage",
    "LogonscopeError",
    "MissingAggregationListError",
    "MissingGroupWithinError",
    "NotEventClassError",
    "NotFoundError",
    "NotSupportedError",
    "Outcome",
    "PartExplained",
    "PastLogin",
    "PastProcess",
    "PastProgram",
    "PropertyNotAnObjectError",
    "PullInProgressError",
    "QuotaViolationError",
    "RecordingError",
    "RegistrationTooBroadError",
    "RegistrationTooPreciseError",
    "RequestTooLargeError",
    "Schema",
    "ServerTooBusyError",
    "SessionOf",
    "SessionProcess",
    "SessionService",
    "Socket",
    "TimedOutError",
    "TransportFailureError",
    "TypeMismatchError",
    "UnseenLogin",
    "Verification",
    "Watch",
    "Whose",
    "connect",
    "jsonable",
]

_HOMES = {
    "connect": "logonscope.app",
    "jsonable": "logonscope.answers.jsonable",
    "Class": "logonscope.cim.classes",
    "Instance": "logonscope.cim.instances",
    "Outcome": "logonscope.cim.instances",
    "Schema": "logonscope.cim.schema",
    "Host": "logonscope.client",
    "Check": "logonscope.answers.check",
    "Explanation": "logonscope.answers.explanation",
    "PartExplained": "logonscope.answers.explanation",
    "HistoryFilter": "logonscope.answers.history",
    "PastLogin": "logonscope.answers.history",
    "PastProcess": "logonscope.answers.history",
    "PastProgram": "logonscope.answers.history",
    "ChangedUser": "logonscope.answers.host_event",
    "FailedAttempt": "logonscope.answers.host_event",
    "HostEvent": "logonscope.answers.host_event",
    "HostIdentity": "logonscope.answers.host_identity",
    "Leftovers": "logonscope.answers.session_process",
    "LogonFilter": "logonscope.answers.logon_filter",
    "LogonSession": "logonscope.answers.logon_session",
    "LogonUsage": "logonscope.answers.logon_usage",
    "LogonTree": "logonscope.answers.session_process",
    "SessionOf": "logonscope.answers.session_process",
    "SessionProcess": "logonscope.answers.session_process",
    "SessionService": "logonscope.answers.session_service",
    "UnseenLogin": "logonscope.answers.whose",
    "Whose": "logonscope.answers.whose",
    "Watch": "logonscope.client.watch",
    "Socket": "logonscope.facts",
    "Forgotten": "logonscope.machine.history",
    "Verification": "logonscope.machine.history",
}
"""The modules that define the names; a name that is not in this table is defined in ``logonscope.errors``."""


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is first used, so that unused names cost no time (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'logonscope' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- `import logonscope` must take no time

    return getattr(import_module(_HOMES.get(name, "logonscope.errors")), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
