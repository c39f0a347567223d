"""Kerberos tickets: maps a principal of the server's realms to a user of the user file or to a local account.

libkrb5 takes the keys from the keytab that KRB5_KTNAME names. The variable is set for the whole process, because
pyspnego's acceptor has no parameter for a keytab. The keytab is read again for every ticket, so a changed key is used
at once. Only the keys of SERVICES are used. The system's keytab has more keys, and a ticket that a client sends to sshd
(host/web1) must be of no use here to an attacker who relays it.

A principal is identified by its name alone. Therefore only a principal of one part is accepted, in a realm for which
the keytab has a key of SERVICES. Services, hosts, trusted realms and enterprise names are rejected, and neither
auth_to_local nor .k5login is read. An entry of the user file may have any name of one part, also that of root. A
principal without an entry in the user file never becomes root or a system account of the same name, because users of
the directory service may be able to create principals of any name (CVE-2020-25717).
"""

import os
import re
from collections.abc import Callable
from typing import NamedTuple

import spnego
from spnego.exceptions import FeatureMissingError, NegotiateOptions, SpnegoError

from logonscope.broker import Caller
from logonscope.errors import InvalidParameterError, NotSupportedError
from logonscope.server.auth import private_file
from logonscope.server.auth.negotiate import KerberosSettings
from logonscope.server.auth.user_line import User

try:
    import gssapi
    import krb5
except ImportError as missing:
    from logonscope.extras import install_command

    raise NotSupportedError(
        f"Kerberos is not available: {missing}", f"run {install_command('kerberos')}, or remove the setting keytab"
    ) from missing

SERVICES = ("HTTP", "WSMAN")
"""The services for which clients request tickets: HTTP/host (RFC 4559 4); some WinRM clients use WSMAN/host."""

MIN_PERSON_UID = 1000
TRANSIENT_UIDS = range(61184, 65536)
"""systemd's dynamic service users, `nobody`, and "no uid" in 16 bits (systemd, "Users, Groups, UIDs")."""

_PRINCIPAL = re.compile(r"([^/@\\]+)@([^/@\\]+)")
"""A principal with one part and a realm, as krb5_unparse_name writes it.

A name with a backslash does not match: krb5_unparse_name writes a backslash before special characters.
"""


class Keytab(NamedTuple):
    """The principals of SERVICES that have keys, such as HTTP/web1.corp.example@CORP.EXAMPLE."""

    principals: tuple[str, ...]

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services that have a key, in the order in which their keys are tried."""
        return tuple(service for service in SERVICES if any(name.startswith(f"{service}/") for name in self.principals))

    @property
    def realms(self) -> frozenset[str]:
        """Return the realms whose principals are accepted."""
        return frozenset(principal.rpartition("@")[2] for principal in self.principals)


def use_keytab(path: str) -> Keytab:
    """Let this process use a keytab for Kerberos tickets, and return its principals of SERVICES.

    Raises:
        AccessDeniedError: this process cannot read the file, other users have access to it, or its owner is neither
            root nor the user of this process.
        InvalidParameterError: the file is missing, is no keytab, or has no key for HTTP or WSMAN.
        NotSupportedError: the installed libraries cannot accept tickets, or cannot encrypt messages.
        QuotaViolationError: the file is too large.
    """
    if not os.path.exists(path):
        raise InvalidParameterError(
            f"keytab {path} does not exist", "see docs/users.md for how to create one, or remove the setting keytab"
        )
    private_file.read(path)
    server_keytab = Keytab(tuple(name for name in _read_principals(path) if name.partition("/")[0] in SERVICES))
    if not server_keytab.principals:
        raise InvalidParameterError(
            f"keytab {path} has no key for {SERVICES[0]}/host", "see docs/users.md for how to create one"
        )
    os.environ["KRB5_KTNAME"] = f"FILE:{path}"
    # Raise errors at once: by default gssapi defers them to the next step, and the log would miss why a ticket failed.
    setattr(gssapi.SecurityContext, "__DEFER_STEP_ERRORS__", False)  # noqa: B010 -- the attribute has no type
    # Try every service now, so that a missing library stops the start of the server and not the first client.
    for service in server_keytab.services:
        try:
            cache = spnego.CredentialCache(service)
            spnego.server(protocol="kerberos", credentials=cache, options=NegotiateOptions.wrapping_winrm)
        except (SpnegoError, FeatureMissingError) as error:
            raise NotSupportedError(
                f"cannot accept tickets for {service}: {error}", "remove the setting keytab"
            ) from error
    return server_keytab


def kerberos_settings(
    server_keytab: Keytab, find_user: Callable[[str], User | None], find_account: Callable[[str], Caller | None]
) -> KerberosSettings:
    """Return the services of a keytab, and the function that maps a principal to a user or an account.

    An entry of the user file has precedence over an account of the same name.
    """

    def find_caller(principal: str) -> Caller | None:
        match = _PRINCIPAL.fullmatch(principal)
        if match is None or match[2] not in server_keytab.realms:
            return None
        return _find_user(match[1], find_user) or _find_person(match[1], find_account)

    return KerberosSettings(server_keytab.services, find_caller)


def _find_user(name: str, find_user: Callable[[str], User | None]) -> Caller | None:
    """Return the caller of this name in the user file. ASCII names match in any case, other names exactly."""
    user = find_user(name)
    # Unicode case folding could map two principals to one user. With a password this does no harm, but a ticket proves
    # just the name.
    return user.caller if user is not None and (user.name == name or (user.name + name).isascii()) else None


def _find_person(name: str, find_account: Callable[[str], Caller | None]) -> Caller | None:
    """Return the caller of a person's account; None: no such account, a system account, or a name that ends in $."""
    # In Active Directory a name that ends in $ is the account of a computer.
    caller = None if name.endswith("$") else find_account(name)
    if caller is None or caller.uid is None or caller.uid < MIN_PERSON_UID or caller.uid in TRANSIENT_UIDS:
        return None
    return caller


def _read_principals(path: str) -> list[str]:
    """Return the principals that have keys in a keytab, each once."""
    try:
        entries = krb5.kt_resolve(krb5.init_context(), f"FILE:{path}".encode())
        names = [entry.principal.name or b"" for entry in entries]
    except krb5.Krb5Error as error:
        raise InvalidParameterError(f"invalid keytab {path}: {error}", "set keytab to another file") from None
    return list(dict.fromkeys(name.decode(errors="replace") for name in names))
