"""Logonscope: which logon session does each process belong to?

::

    import logonscope

    host = logonscope.connect()
    host.whose(4312)[0].session.user
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logonscope.app import connect
    from logonscope.client import Host
    from logonscope.errors import (
        AccessDeniedError,
        InvalidParameterError,
        LogonscopeError,
        NotFoundError,
        NotSupportedError,
        RecordingError,
    )
    from logonscope.facts import Check, LogonSession, LogonTree, SessionOf, SessionProcess, Whose

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "Check",
    "Host",
    "InvalidParameterError",
    "LogonSession",
    "LogonTree",
    "LogonscopeError",
    "NotFoundError",
    "NotSupportedError",
    "RecordingError",
    "SessionOf",
    "SessionProcess",
    "Whose",
    "connect",
]

_HOMES = {"connect": "logonscope.app", "Host": "logonscope.client"} | dict.fromkeys(
    ("Check", "LogonSession", "LogonTree", "SessionOf", "SessionProcess", "Whose"), "logonscope.facts"
)


def __getattr__(name: str) -> Any:
    """Import late: what is not asked for costs nothing (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'logonscope' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 -- see above

    return getattr(import_module(_HOMES.get(name, "logonscope.errors")), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
