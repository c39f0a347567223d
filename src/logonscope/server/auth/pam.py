"""Whose password is that on this machine? PAM says, of a service that has auth and account lines and nothing else.

As /etc/pam.d/logonscope on Debian: ``@include common-auth`` and ``@include common-account``. Neither a session is
opened nor are credentials set: pam_loginuid would put the server itself into a login. The conversation answers one
prompt, for the password; whoever needs more than that does not come in.

It blocks, in a thread of its caller's: modules may ask a server, and PAM itself waits after a failure, for pam_unix
about two seconds. PAM is asked about every name alike; how long its modules take over one that does not exist is theirs
to hide.
"""

import grp
import os
import pwd

from logonscope.broker import Caller
from logonscope.errors import NotSupportedError

try:
    import pamela  # type: ignore[import-untyped]  # it has no types
except (ImportError, OSError, AttributeError, MemoryError) as missing:
    # AttributeError: there is no libpam; MemoryError: libffi may make no callbacks (MemoryDenyWriteExecute=)
    raise NotSupportedError("PAM cannot be asked here", "install libpam and logonscope[server]") from missing

ADMINISTRATORS = frozenset({"sudo", "wheel"})
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
    try:
        who, secret = name.encode(), password.encode()
    except UnicodeEncodeError:
        return None
    if not (0 < len(who) <= LONGEST_NAME and name.isprintable()):
        return None
    if not 0 < len(secret) <= LONGEST_PASSWORD or b"\0" in secret:  # C would take what stands before the NUL
        return None
    account = _authenticated(who, secret, service)
    return None if account is None else _caller(account, administrators)


def _authenticated(name: bytes, password: bytes, service: str) -> str | None:
    """Return the account's name as PAM has it in the end: a module may have mapped it to another."""
    converse = pamela.new_simple_password_conv((password,), "utf-8")
    try:
        handle = pamela.pam_start(service, name, conv_func=converse)
    except pamela.PAMError:
        return None
    flags = SILENT | DISALLOW_NULL_AUTHTOK
    status = pamela.PAM_AUTHENTICATE(handle, flags) or pamela.PAM_ACCT_MGMT(handle, flags)
    try:
        account: str | None = handle.get_item(pamela.PAM_USER) if status == pamela.PAM_SUCCESS else None
    except (pamela.PAMError, UnicodeDecodeError):
        return None
    finally:
        pamela.PAM_END(handle, status)
    return account


def _caller(name: str, administrators: frozenset[str]) -> Caller | None:
    try:
        account = pwd.getpwnam(name)
    except KeyError:  # PAM lets somebody in of whom the name service does not know a uid
        return None
    groups = {_group(gid) for gid in os.getgrouplist(account.pw_name, account.pw_gid)}
    administrator = account.pw_uid == 0 or not groups.isdisjoint(administrators)
    return Caller(account.pw_name, account.pw_uid, administrator, remote=True)


def _group(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None
