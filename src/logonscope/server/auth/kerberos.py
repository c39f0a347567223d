"""Whom does a Kerberos ticket prove here? A principal of the keytab's realms, as a user of the file or an account.

libkrb5 takes the keys from the keytab that KRB5_KTNAME names: for the whole process, as pyspnego's acceptor can be told
of no other; and anew for every ticket, so that a changed key holds at once. Of it, only the keys of SERVICES count. The
system's keytab has more, and what a client says to sshd (host/web1) shall be of no use here to whoever relays it.

A principal is known to us by its name alone. So it is narrow whose name counts: one part, of a realm whose KDC gave us
a key. No service, no host, no realm that this one trusts, no enterprise name; neither auth_to_local nor .k5login is
looked at. The user file may name anybody, but nobody becomes root or an account that a package made by being called so
in a directory where others can create entries (CVE-2020-25717).
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
from logonscope.server.auth.negotiate import Tickets
from logonscope.server.auth.user_line import User

try:
    import gssapi
    import krb5
except ImportError as missing:
    from logonscope.extras import install_command

    raise NotSupportedError(
        f"Kerberos cannot be had here: {missing}", f"run {install_command('kerberos')}, or take keytab out"
    ) from missing

SERVICES = ("HTTP", "WSMAN")
"""Whom clients ask a ticket for: HTTP/host (RFC 4559 4), and those of WinRM also WSMAN/host."""

LEAST_UID = 1000
PASSING_UIDS = range(61184, 65536)
"""What systemd lends to services while they run, nobody, and "no uid" in 16 bits (systemd, "Users, Groups, UIDs")."""

_PRINCIPAL = re.compile(r"([^/@\\]+)@([^/@\\]+)")
"""As krb5_unparse_name writes it: what is a separator in a part, or a control character, has a backslash before it."""


class Keytab(NamedTuple):
    """Our principals that have keys, as HTTP/web1.corp.example@CORP.EXAMPLE."""

    principals: tuple[str, ...]

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services among them, in the order in which their keys are tried."""
        return tuple(service for service in SERVICES if any(one.startswith(f"{service}/") for one in self.principals))

    @property
    def realms(self) -> frozenset[str]:
        """Return whose principals may come in."""
        return frozenset(one.rpartition("@")[2] for one in self.principals)


def keytab(path: str) -> Keytab:
    """Take a keytab for this process, from now on.

    Raises:
        AccessDeniedError: others may read or write it, or it is neither root's nor ours.
        InvalidParameterError: it is none, or has no key for us.
        NotSupportedError: messages cannot be sealed with what is installed.
    """
    if not os.path.exists(path):
        raise InvalidParameterError(f"there is no keytab {path}", "docs/users.md says how to make one; or take it out")
    private_file.read(path)
    found = Keytab(tuple(one for one in _principals(path) if one.partition("/")[0] in SERVICES))
    if not found.principals:
        raise InvalidParameterError(f"{path} has no key of {SERVICES[0]}/host", "docs/users.md says how to make one")
    os.environ["KRB5_KTNAME"] = f"FILE:{path}"
    setattr(gssapi.SecurityContext, "__DEFER_STEP_ERRORS__", False)  # noqa: B010 -- so that a refusal says why; untyped
    for service in found.services:
        try:
            cache = spnego.CredentialCache(service)
            spnego.server(protocol="kerberos", credentials=cache, options=NegotiateOptions.wrapping_winrm)
        except (SpnegoError, FeatureMissingError) as error:
            raise NotSupportedError(f"no ticket for {service} can be taken: {error}", "take keytab out") from error
    return found


def tickets(found: Keytab, users: Callable[[str], User | None], accounts: Callable[[str], Caller | None]) -> Tickets:
    """Return what a negotiation needs: whoever is a user counts as that one, anybody else as the account."""

    def who(principal: str) -> Caller | None:
        parts = _PRINCIPAL.fullmatch(principal)
        if parts is None or parts[2] not in found.realms:
            return None
        return _user(parts[1], users) or _person(parts[1], accounts)

    return Tickets(found.services, who)


def _user(name: str, users: Callable[[str], User | None]) -> Caller | None:
    """Return a user; no password speaks for who is called nearly so, and more letters have two cases than ASCII's."""
    user = users(name)
    return user.caller if user is not None and (user.name == name or (user.name + name).isascii()) else None


def _person(name: str, accounts: Callable[[str], Caller | None]) -> Caller | None:
    """Return an account that is somebody's; one that ends in $ is a computer's in Active Directory."""
    caller = None if name.endswith("$") else accounts(name)
    if caller is None or caller.uid is None or caller.uid < LEAST_UID or caller.uid in PASSING_UIDS:
        return None
    return caller


def _principals(path: str) -> list[str]:
    """Return whose keys a keytab has, each once."""
    try:
        entries = krb5.kt_resolve(krb5.init_context(), f"FILE:{path}".encode())
        names = [entry.principal.name or b"" for entry in entries]
    except krb5.Krb5Error as error:
        raise InvalidParameterError(f"{path} is no keytab: {error}", "give another one") from None
    return list(dict.fromkeys(name.decode(errors="replace") for name in names))
