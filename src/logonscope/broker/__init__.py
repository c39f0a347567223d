"""The operations: each asks a source for what it needs, decides ownership, and keeps what the caller may see."""

from logonscope.broker.access import Caller, local_caller
from logonscope.broker.doctor import doctor
from logonscope.broker.record import recordable
from logonscope.broker.session_processes import processes, session_processes
from logonscope.broker.sessions import sessions, tree
from logonscope.broker.view import Broker
from logonscope.broker.whose import session_of, whose

__all__ = [
    "Broker",
    "Caller",
    "doctor",
    "local_caller",
    "processes",
    "recordable",
    "session_of",
    "session_processes",
    "sessions",
    "tree",
    "whose",
]
