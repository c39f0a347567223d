"""Answers to ``whose``: the login that a process comes from."""

from typing import NamedTuple

from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.facts import Socket

__all__ = ["Socket", "Whose"]


class Whose(NamedTuple):
    """Whose a process is: the answer to ``whose``, for one target and one process."""

    target: str  # as it was asked
    pid: int
    logon_id: str
    evidence: str  # scope, audit, manager, none
    session: LogonSession
    process: SessionProcess
    chain: tuple[SessionProcess, ...]  # from the login to the process, itself included
    sockets: tuple[Socket, ...]  # where the target was a port
