"""The operations that tests ask a request for, by their names."""

from logonscope.broker.doctor import doctor
from logonscope.broker.recording_contents import recordable_snapshot
from logonscope.broker.session_processes import leftovers, processes, read_pairs
from logonscope.broker.sessions import sessions, tree
from logonscope.broker.whose import session_of, whose

__all__ = [
    "doctor",
    "leftovers",
    "processes",
    "read_pairs",
    "recordable_snapshot",
    "session_of",
    "sessions",
    "tree",
    "whose",
]  # fmt: skip
