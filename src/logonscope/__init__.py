"""Logonscope: which logon session does each process belong to?

::

    import logonscope

    host = logonscope.connect()
    host.whose(4312)[0].session.user
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logonscope.answers import Check, LogonSession, LogonTree, SessionOf, SessionProcess, Whose
    from logonscope.app import connect
    from logonscope.cim.classes import Class
    from logonscope.cim.instances import Instance, Outcome
    from logonscope.client import Host
    from logonscope.errors import (
        AccessDeniedError,
        AggregatingByObjectError,
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
        QuotaViolationError,
        RecordingError,
        RegistrationTooBroadError,
        RegistrationTooPreciseError,
        ServerTooBusyError,
        TimedOutError,
        TransportFailureError,
        TypeMismatchError,
    )

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "AggregatingByObjectError",
    "Check",
    "Class",
    "Host",
    "Instance",
    "InvalidClassError",
    "InvalidMethodError",
    "InvalidMethodParametersError",
    "InvalidNamespaceError",
    "InvalidObjectPathError",
    "InvalidParameterError",
    "InvalidPropertyError",
    "InvalidQueryError",
    "InvalidQueryTypeError",
    "LogonSession",
    "LogonTree",
    "LogonscopeError",
    "MissingAggregationListError",
    "MissingGroupWithinError",
    "NotEventClassError",
    "NotFoundError",
    "NotSupportedError",
    "Outcome",
    "PropertyNotAnObjectError",
    "QuotaViolationError",
    "RecordingError",
    "RegistrationTooBroadError",
    "RegistrationTooPreciseError",
    "ServerTooBusyError",
    "SessionOf",
    "SessionProcess",
    "TimedOutError",
    "TransportFailureError",
    "TypeMismatchError",
    "Whose",
    "connect",
]

_HOMES = {
    "connect": "logonscope.app",
    "Class": "logonscope.cim.classes",
    "Instance": "logonscope.cim.instances",
    "Outcome": "logonscope.cim.instances",
    "Host": "logonscope.client",
} | dict.fromkeys(("Check", "LogonSession", "LogonTree", "SessionOf", "SessionProcess", "Whose"), "logonscope.answers")


def __getattr__(name: str) -> Any:
    """Import late: what is not asked for costs nothing (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'logonscope' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- see above

    return getattr(import_module(_HOMES.get(name, "logonscope.errors")), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
