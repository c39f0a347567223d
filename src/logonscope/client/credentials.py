"""By which password does one come in on another machine? Never an argument, which others could read.

In this order: the environment, the keyring where the module keyring is installed, a terminal to ask at; else none, and
what Kerberos knows is tried.
"""

import os
from collections.abc import Callable
from typing import Any

USER, PASSWORD, CERTIFICATE = "LOGONSCOPE_USER", "LOGONSCOPE_PASSWORD", "LOGONSCOPE_CA"
"""Of the environment."""

SERVICE = "logonscope"
"""Under which the keyring keeps it: ``keyring set logonscope user@host``."""

Ask = Callable[[str], str]


def user_of(given: str | None) -> str | None:
    """Return as whom to come, as it was given or as the environment says."""
    return given or os.environ.get(USER) or None


def password_of(user: str | None, host: str, ask: Ask | None) -> str | None:
    """Return the password of a user on a host; None: there is none to be had, or nobody was named."""
    if user is None:
        return None
    if given := os.environ.get(PASSWORD):
        return given
    kept = _kept(f"{user}@{host}")
    if kept is not None or ask is None:
        return kept
    try:
        return ask(f"password of {user} on {host}: ") or None
    except EOFError:
        return None


def _kept(name: str) -> str | None:
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 -- where it is installed
    except ImportError:
        return None
    try:
        found: Any = keyring.get_password(SERVICE, name)
    except keyring.errors.KeyringError:  # it is locked, or there is none behind it
        return None
    return None if found is None else str(found)
