"""The owner of a process: a logon session, and the evidence for it."""

from typing import NamedTuple

from logonscope.facts import Login


class Owner(NamedTuple):
    """Which logon session a process belongs to, and how that is known."""

    logon: str | None  # LogonId; None only where the process could not be read (hidepid)
    evidence: str  # scope, audit, manager, none; unread
    login: Login | None = None  # the login service's word for it, where there is one
