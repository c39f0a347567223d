"""The question itself: which logon session owns which process, on what evidence, and what that logon session is.

Everything here is a pure function of facts, so that a recording made years ago gets today's answer.
"""

from logonscope.ownership.join import Joined, join, login_of_cgroup, login_of_elogind, logon_id_of
from logonscope.ownership.owners import SYSTEM, SYSTEM_LOGON_ID, owners
from logonscope.ownership.sessions import described, desktops, earliest, login_uid, logon_session, moment, started_at
from logonscope.ownership.state import is_leftover, state
from logonscope.ownership.terminal import terminal_name

__all__ = [
    "SYSTEM",
    "SYSTEM_LOGON_ID",
    "Joined",
    "described",
    "desktops",
    "earliest",
    "is_leftover",
    "join",
    "login_of_cgroup",
    "login_of_elogind",
    "login_uid",
    "logon_id_of",
    "logon_session",
    "moment",
    "owners",
    "started_at",
    "state",
    "terminal_name",
]
