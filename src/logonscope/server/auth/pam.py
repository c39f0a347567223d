"""Passwords of local accounts, checked by PAM with a service that has only auth and account lines.

An example is /etc/pam.d/logonscope on Debian: ``@include common-auth`` and ``@include common-account``. No session is
opened and no credentials are set: pam_loginuid would put the server itself into a login. The conversation answers one
prompt, for the password; accounts that need more prompts cannot authenticate. For an account that a ticket or a client
certificate has proved already, only the account lines are followed.

The calls block, so they run in a thread: modules of PAM may ask a server, and PAM itself waits after a failure, with
pam_unix about two seconds. PAM is called for unknown names, too. The modules decide whether a call for an unknown name
takes as long as a call for a known name.
"""

from logonscope.broker import Caller
from logonscope.errors import NotSupportedError
from logonscope.server.auth.local_accounts import ADMINISTRATORS, find_account

try:
    import pamela  # type: ignore[import-untyped]  # it has no types
except (ImportError, OSError, AttributeError, MemoryError) as missing:
    # AttributeError: there is no libpam; MemoryError: libffi may make no callbacks (MemoryDenyWriteExecute=)
    from logonscope.extras import install_command

    raise NotSupportedError("PAM is not available", f"install libpam, and run {install_command('server')}") from missing

MAX_NAME_LENGTH = 256
MAX_PASSWORD_LENGTH = 512
"""Maximum number of octets of a password: PAM_MAX_RESP_SIZE of security/_pam_types.h."""

DISALLOW_NULL_AUTHTOK = 0x0001
SILENT = 0x8000
"""Flags of pam_authenticate(3): reject accounts without a password; print nothing to the user."""


def verify(name: str, password: str, service: str, administrators: frozenset[str] = ADMINISTRATORS) -> Caller | None:
    """Return the account that a password belongs to; None: PAM rejects the password, or the account has no uid here.

    Args:
        name: the account's name; case matters.
        password: in clear.
        service: the file in /etc/pam.d whose lines are followed.
        administrators: groups whose members are administrators, besides root.
    """
    secret = _encode(password)
    # C reads a password up to its first NUL: without this check, the correct password with a NUL and any text after it
    # would be accepted.
    if not 0 < len(secret) <= MAX_PASSWORD_LENGTH or b"\0" in secret:
        return None
    return _find_caller(_ask_pam(name, service, secret), administrators)


def admit(name: str, service: str, administrators: frozenset[str] = ADMINISTRATORS) -> Caller | None:
    """Return an account that another method authenticated; None: the account is unknown, or may not log in.

    Only the service's account lines are followed, as sshd does after a key or a ticket. The arguments are those of
    ``verify``.
    """
    return _find_caller(_ask_pam(name, service), administrators)


def _ask_pam(name: str, service: str, password: bytes | None = None) -> str | None:
    """Run PAM and return the name of the accepted account, which a module may have changed; None: rejected.

    Without a password only the account lines are followed.
    """
    user = _encode(name)
    if not (0 < len(user) <= MAX_NAME_LENGTH and name.isprintable()):
        return None
    converse = pamela.new_simple_password_conv(() if password is None else (password,), "utf-8")
    try:
        handle = pamela.pam_start(service, user, conv_func=converse)
    except pamela.PAMError:
        return None
    flags = SILENT | DISALLOW_NULL_AUTHTOK
    status = pamela.PAM_SUCCESS if password is None else pamela.PAM_AUTHENTICATE(handle, flags)
    # PAM_SUCCESS is 0: the account lines are followed only if the password was correct, or needs no check.
    status = status or pamela.PAM_ACCT_MGMT(handle, flags)
    try:
        accepted_name: str | None = handle.get_item(pamela.PAM_USER) if status == pamela.PAM_SUCCESS else None
    except (pamela.PAMError, UnicodeDecodeError):
        return None
    finally:
        pamela.PAM_END(handle, status)
    return accepted_name


def _find_caller(name: str | None, administrators: frozenset[str]) -> Caller | None:
    # PAM may accept names that the name service cannot resolve: find_account() returns None for these.
    return None if name is None else find_account(name, administrators)


def _encode(text: str) -> bytes:
    """Return a text as bytes for C; empty if it has a lone surrogate, which UTF-8 cannot encode."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""
