"""Whom does a Negotiate token prove? One user by NTLM (MS-NLMP) or one principal by Kerberos, for one connection.

All by pyspnego, which takes NTLM's users from a file that an environment variable names. That file is one in memory,
which holds the one user that the client says it is, for as long as one token is looked at: nothing is written to a
disk. What Kerberos needs is kerberos.py's.
"""

import os
import secrets
import struct
import threading
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError

Lookup = Callable[[str], tuple[Caller, bytes] | None]
"""From a user's name to who that is, and the NT hash."""

LONGEST_TOKEN = 65_536
_NTLM = b"NTLMSSP\0"
_AUTHENTICATE = _NTLM + b"\x03\0\0\0"
_UNICODE = 1
_PROOF, _CLIENT_CHALLENGE = 16, 28
"""Bytes before the AV pairs of an NTLMv2_RESPONSE: NTProofStr, and the head of the rest (MS-NLMP 2.2.2.7, 2.2.2.8)."""

_CHANNEL_BINDINGS = 10
_CHANNEL_BOUND = 0x800
"""GSS_C_CHANNEL_BOUND_FLAG of MIT krb5 1.19."""

_UNBOUND = 'the client binds no token to the TLS channel, which channel_binding = "required" demands'
_FAILED = "that is no user who may come in this way"


class Tickets(NamedTuple):
    """What Kerberos needs: the services whose keys are tried, in their order, and who a principal is."""

    services: tuple[str, ...]
    who: Callable[[str], Caller | None]


class Negotiation:
    """The security context of one connection: tokens until it is complete, then sealed messages."""

    def __init__(
        self,
        lookup: Lookup,
        bindings: bytes | None = None,
        tickets: Tickets | None = None,
        *,
        requires_binding: bool = False,
    ) -> None:
        """Take whom NTLM may prove, and how tokens are bound.

        Args:
            lookup: the users of NTLM.
            bindings: the hash of the certificate; a token that is bound has to be bound to it. None: no TLS.
            tickets: what Kerberos needs; None: no Kerberos.
            requires_binding: over TLS, reject tokens that are bound to no channel. Windows' default is not to
                (CbtHardeningLevel Relaxed), since many clients, curl among them, bind none.
        """
        self.caller: Caller | None = None
        self.principal = ""
        """Whom Kerberos has proved, whether or not that is anybody here."""
        self._anew: Callable[[], Caller | None] = lambda: None
        self._lookup = lookup
        self._bindings = None
        if bindings is not None:
            self._bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + bindings)
        self._requires_binding = requires_binding and bindings is not None
        self._tickets = tickets
        self._context: spnego.ContextProxy | None = None
        self._lock = threading.Lock()
        _file()

    def step(self, token: bytes) -> bytes | None:
        """Take a token and return the answer to it; ``caller`` is there once it is the last.

        Raises:
            AccessDeniedError: the token proves nobody.
        """
        if len(token) > LONGEST_TOKEN:
            raise AccessDeniedError("that token is too long", "authenticate anew")
        with self._lock:
            try:
                if self._context is None or self.caller is not None:
                    return self._begin(token)
                return self._go_on(self._context, token)
            except Exception as error:  # a stranger's token may do anything to pyspnego's parsers
                self._context = None
                raise AccessDeniedError(_FAILED, "see `logonscope user add --ntlm`") from error

    def anew(self) -> Caller | None:
        """Return who came in, as that one is by now; None: nobody any more."""
        if self.caller is not None:
            self.caller = self._anew()
        if self.caller is None:
            self._context = None
        return self.caller

    def _begin(self, token: bytes) -> bytes | None:
        """Take a first token: a ticket, for whichever service it is, or one of NTLM's, which names nobody yet."""
        self.caller, self.principal, self._context = None, "", None
        if self._tickets is None or _NTLM in token:
            self._context = _new_context(spnego.NTLMHash(""), token)
            return self._context.step(token)  # its bindings come with the last token
        refusals: list[str] = []
        for service in self._tickets.services:
            context = _new_context(spnego.CredentialCache(service), token)
            try:
                answer = context.step(token, channel_bindings=self._bindings)
            except SpnegoError as error:
                refusals.append(str(error))
            else:
                self._context = context
                self._finish(context, lambda: None)
                return answer
        raise ValueError("; ".join(refusals))

    def _go_on(self, context: spnego.ContextProxy, token: bytes) -> bytes | None:
        name, domain = said(token)
        found = self._lookup(name) if name else None
        bindings = self._expected_bindings(token)
        with _credentials(name, domain, found[1] if found else secrets.token_bytes(16)):
            answer = context.step(token, channel_bindings=bindings)
        self._finish(context, lambda: self._user(name, found))
        return answer

    def _finish(self, context: spnego.ContextProxy, who: Callable[[], Caller | None]) -> None:
        """Say who came in, where the context is complete; ``who`` tells whom NTLM's token named."""
        if not context.complete:
            return
        if context.negotiated_protocol == "kerberos":
            if self._requires_binding and not _is_bound_ticket(context):
                raise ValueError(_UNBOUND)
            self.principal = context.client_principal or ""
            who = self._ticket_holder
        self._anew, self.caller = who, who()
        if self.caller is None:
            raise ValueError(f"{self.principal or 'whom the token names'} may not come in")

    def _user(self, name: str, proved: tuple[Caller, bytes] | None) -> Caller | None:
        """Return whom NTLM has proved, as long as that user has the hash that was proved."""
        found = self._lookup(name) if proved else None
        return found[0] if found and proved and found[1] == proved[1] else None

    def _ticket_holder(self) -> Caller | None:
        return self._tickets.who(self.principal) if self._tickets else None

    def _expected_bindings(self, token: bytes) -> GssChannelBindings | None:
        """Return the bindings that a token has to have; None where it has none, and need not.

        Raises:
            ValueError: it has none, and has to.
        """
        if self._bindings is None or _AUTHENTICATE not in token or is_bound(token):
            return self._bindings
        if self._requires_binding:
            raise ValueError(_UNBOUND)
        return None

    def unseal(self, signature: bytes, sealed: bytes, length: int) -> bytes:
        """Return what is in a sealed message; ``length`` is what it says of its own.

        Raises:
            AccessDeniedError: it was not sealed by the other end of this context.
        """
        if self._context is None or self.caller is None:
            raise AccessDeniedError("nothing can be sealed yet", "authenticate first")
        with self._lock:
            try:
                data = self._context.unwrap_winrm(signature, sealed)
            except Exception as error:  # a stranger's message may do anything to them, too
                self.caller = self._context = None
                raise AccessDeniedError("the message was changed on its way", "authenticate anew") from error
        if len(data) != length:
            raise AccessDeniedError("the message is not as long as it says", "authenticate anew")
        return data

    def seal(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Return a message for the other end: its signature, the sealed data, and their length once they are open."""
        assert self._context is not None  # noqa: S101 -- only what came sealed is answered so
        with self._lock:
            header, sealed, padding = self._context.wrap_winrm(data)
        return header, sealed, len(data) + padding


def _new_context(credential: spnego.CredentialCache | spnego.NTLMHash, token: bytes) -> spnego.ContextProxy:
    """Return a context of Kerberos, by a service's keys, beside NTLM; an NTLMHash leaves only that."""
    return spnego.server(protocol="ntlm" if token.startswith(_NTLM) else "negotiate", credentials=credential)


def _is_bound_ticket(context: spnego.ContextProxy) -> bool:
    """Return whether a ticket came with channel bindings (RFC 2743 1.1.6; MIT's flag says that they were right)."""
    inner = getattr(context, "_context", None)  # of Negotiate that of Kerberos, and of that GSSAPI's
    while inner is not None and not hasattr(inner, "actual_flags"):
        inner = getattr(inner, "_context", None)
    return inner is not None and bool(int(inner.actual_flags) & _CHANNEL_BOUND)


def is_bound(token: bytes) -> bool:
    """Return whether an AUTHENTICATE_MESSAGE is bound to a channel: MsvAvChannelBindings (MS-NLMP 2.2.2.1).

    What it says is proved by its response, so whoever relays it cannot take it out.

    Raises:
        ValueError, struct.error: the token is malformed, or has two such messages, of which one may be a decoy.
    """
    if token.count(_AUTHENTICATE) != 1:
        raise ValueError("the token has more than one message")
    response = _field(token[token.find(_AUTHENTICATE) :], 20)
    at = _PROOF + _CLIENT_CHALLENGE
    while at + 4 <= len(response):
        kind, length = struct.unpack_from("<HH", response, at)
        if kind == _CHANNEL_BINDINGS:
            return any(response[at + 4 : at + 4 + length])
        if kind == 0:  # MsvAvEOL
            break
        at += 4 + length
    return False


def said(token: bytes) -> tuple[str, str]:
    """Return the user and the domain that an AUTHENTICATE_MESSAGE names (MS-NLMP 2.2.1.3); "" where it is none."""
    at = token.find(_AUTHENTICATE)
    if at < 0:
        return "", ""
    message = token[at:]
    (flags,) = struct.unpack_from("<I", message, 60)
    encoding = "utf-16-le" if flags & _UNICODE else "ascii"
    domain, user = (_field(message, offset).decode(encoding) for offset in (28, 36))
    return user, domain


def _field(message: bytes, offset: int) -> bytes:
    length, _, start = struct.unpack_from("<HHI", message, offset)
    if start + length > len(message):
        raise ValueError("a field lies beyond the token")
    return message[start : start + length]


class _credentials:  # noqa: N801 -- used as a word: with _credentials(...)
    """Lets pyspnego know one user, in the form of smbpasswd(5)."""

    _one_at_a_time = threading.Lock()

    def __init__(self, name: str, domain: str, nt_hash: bytes) -> None:
        qualified = f"{domain}\\{name}" if domain else name
        if any(character in name + domain for character in ":\r\n\\\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e"):
            raise ValueError("such a name cannot be")
        self._line = f"{qualified}:0:{'0' * 32}:{nt_hash.hex().upper()}:[U]:LCT-0\n" if name else ""

    def __enter__(self) -> None:
        self._one_at_a_time.acquire()
        _write(self._line)

    def __exit__(self, *_: object) -> None:
        _write("")
        self._one_at_a_time.release()


def _write(text: str) -> None:
    os.ftruncate(_file(), 0)
    os.pwrite(_file(), text.encode(), 0)


@cache
def _file() -> int:
    """Make the file in memory, and say where it is; of NTLM only the second version is taken."""
    file = os.memfd_create("ntlm")
    os.environ["NTLM_USER_FILE"] = f"/proc/self/fd/{file}"
    os.environ["LM_COMPAT_LEVEL"] = "5"
    return file
