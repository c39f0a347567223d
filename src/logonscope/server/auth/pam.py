"""Whose password is that on this machine? PAM says, of a service that has auth and account lines and nothing else.

As /etc/pam.d/logonscope on Debian: ``@include common-auth`` and ``@include common-account``. Neither a session is
opened nor are credentials set: pam_loginuid would put the server itself into a login. The conversation answers one
prompt, for the password; whoever needs more than that does not come in. Of somebody whom a ticket has proved already,
the account lines alone are asked.

It blocks, in a thread of its caller's: modules may ask a server, and PAM itself waits after a failure, for pam_unix
about two seconds. PAM is asked about every name alike; how long its modules take over one that does not exist is theirs
to hide.
"""

from logonscope.broker import Caller
from logonscope.errors import NotSupportedError
from logonscope.server.auth.local_accounts import ADMINISTRATORS, account

try:
    import pamela  # type: ignore[import-untyped]  # it has no types
except (ImportError, OSError, AttributeError, MemoryError) as missing:
    # AttributeError: there is no libpam; MemoryError: libffi may make no callbacks (MemoryDenyWriteExecute=)
    from logonscope.extras import install_command

    raise NotSupportedError(
        "PAM cannot be asked here", f"install libpam, and run {install_command('server')}"
    ) from missing

LONGEST_NAME = 256
LONGEST_PASSWORD = 512
"""Octets: PAM_MAX_RESP_SIZE of pam_conv(3)."""

DISALLOW_NULL_AUTHTOK = 0x0001
SILENT = 0x8000
"""Flags of pam_authenticate(3): an account without a password lets nobody in; nothing is told to the user."""


def verify(name: str, password: str, service: str, administrators: frozenset[str] = ADMINISTRATORS) -> Caller | None:
    """Return the account that comes in; None for nobody, another password, or an account that may not.

    Args:
        name: as the account's, in its case.
        password: in clear.
        service: whose lines in /etc/pam.d are followed.
        administrators: groups whose members are administrators, beside root.
    """
    secret = _octets(password)
    if not 0 < len(secret) <= LONGEST_PASSWORD or b"\0" in secret:  # C would take what stands before the NUL
        return None
    return _caller(_accepted(name, service, secret), administrators)


def admit(name: str, service: str, administrators: frozenset[str] = ADMINISTRATORS) -> Caller | None:
    """Return the account of somebody who was proved by other means, unless it may not come in; None for nobody.

    Only the service's account lines are followed, as sshd does after a key or a ticket. The arguments are those of
    ``verify``.
    """
    return _caller(_accepted(name, service), administrators)


def _accepted(name: str, service: str, password: bytes | None = None) -> str | None:
    """Return the account's name as PAM has it in the end: a module may have mapped it to another."""
    who = _octets(name)
    if not (0 < len(who) <= LONGEST_NAME and name.isprintable()):
        return None
    converse = pamela.new_simple_password_conv(() if password is None else (password,), "utf-8")
    try:
        handle = pamela.pam_start(service, who, conv_func=converse)
    except pamela.PAMError:
        return None
    flags = SILENT | DISALLOW_NULL_AUTHTOK
    status = pamela.PAM_SUCCESS if password is None else pamela.PAM_AUTHENTICATE(handle, flags)
    status = status or pamela.PAM_ACCT_MGMT(handle, flags)
    try:
        accepted: str | None = handle.get_item(pamela.PAM_USER) if status == pamela.PAM_SUCCESS else None
    except (pamela.PAMError, UnicodeDecodeError):
        return None
    finally:
        pamela.PAM_END(handle, status)
    return accepted


def _caller(name: str | None, administrators: frozenset[str]) -> Caller | None:
    return None if name is None else account(name, administrators)  # of whom PAM lets in, some are no accounts


def _octets(text: str) -> bytes:
    """Return what C would read; nothing where there is nothing that it could."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return b""
