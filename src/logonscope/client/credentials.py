"""User name and password for a remote host. A password is never a command line argument, which other users could read.

The password comes from the environment, from the keyring if the module keyring is installed, or from a prompt, in this
order. Without a password, Kerberos is used.
"""

import os
from collections.abc import Callable
from typing import Any

USER, PASSWORD, CERTIFICATE = "LOGONSCOPE_USER", "LOGONSCOPE_PASSWORD", "LOGONSCOPE_CA"
TOKEN = "LOGONSCOPE_TOKEN"  # noqa: S105 -- the name of a variable
"""Names of environment variables."""

SERVICE = "logonscope"
"""Service name of the password in the keyring: ``keyring set logonscope user@host``."""

PasswordPrompt = Callable[[str], str]
"""Shows a prompt and returns the text that the user entered; raises EOFError if no text can be entered."""


def find_user(user: str | None) -> str | None:
    """Return the user to authenticate as: the argument, or else the variable LOGONSCOPE_USER; None: neither is set."""
    return user or os.environ.get(USER) or None


def find_password(user: str | None, host: str, prompt: PasswordPrompt | None) -> str | None:
    """Return the password of a user on a host; None if no password is found, or ``user`` is None."""
    if user is None:
        return None
    if password := os.environ.get(PASSWORD):
        return password
    stored_password = _read_keyring(f"{user}@{host}")
    if stored_password is not None or prompt is None:
        return stored_password
    try:
        return prompt(f"password of {user} on {host}: ") or None
    except EOFError:
        return None


def _read_keyring(name: str) -> str | None:
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 -- it may not be installed
    except ImportError:
        return None
    try:
        password: Any = keyring.get_password(SERVICE, name)
    except keyring.errors.KeyringError:  # the keyring is locked, or has no backend
        return None
    return None if password is None else str(password)
