"""How does a login stand? Maps what the login service and the leader say to one of five states."""

from logonscope.facts import Login
from logonscope.ownership.join import is_manager

LOGGED_OUT = "logged out"
_STATES = {"opening": "online", "online": "online", "active": "active", "closing": "closing", "lingering": "lingering"}


def state(login: Login | None) -> str | None:
    """Return active, online, closing, lingering or logged out; None where nobody vouches or nothing can be told.

    Logged out is the kernel's word, the leader is gone: the login service goes on listing a session whose scope is
    not empty, and those that it leaked.
    """
    if login is None:
        return None
    if login.gone:
        return LOGGED_OUT
    known = _STATES.get(login.state or "")
    return None if known == "lingering" and not is_manager(login) else known


def is_leftover(login: Login | None) -> bool | None:
    """Tell whether a process of this login is left over; None where that cannot be told."""
    return None if login is None else login.gone
