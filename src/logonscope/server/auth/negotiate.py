"""Negotiate authentication of one connection: one user by NTLM (MS-NLMP), or one principal by Kerberos.

pyspnego implements the protocols. It reads NTLM users from the file that an environment variable names. This file is in
memory, so nothing is written to disk. Only while a token is checked, the file contains a user: the one that the token
names. Keytabs and principals are in kerberos.py.
"""

import os
import secrets
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import NamedTuple

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError

NtlmLookup = Callable[[str], tuple[Caller, bytes] | None]
"""Maps a user name to the caller and the NT hash; None if there is no such user, or no hash."""

MAX_TOKEN_LENGTH = 65_536
_NTLM = b"NTLMSSP\0"
_AUTHENTICATE = _NTLM + b"\x03\0\0\0"
_UNICODE = 1
"""NTLMSSP_NEGOTIATE_UNICODE (MS-NLMP 2.2.2.5)."""

_PROOF, _CLIENT_CHALLENGE = 16, 28
"""Bytes before the AV pairs of an NTLMv2_RESPONSE: NTProofStr, and the fixed fields (MS-NLMP 2.2.2.7, 2.2.2.8)."""

_CHANNEL_BINDINGS = 10
"""AvId of MsvAvChannelBindings (MS-NLMP 2.2.2.1)."""

_CHANNEL_BOUND = 0x800
"""GSS_C_CHANNEL_BOUND_FLAG of MIT krb5 1.19."""

_user_file_lock = threading.Lock()

_UNBOUND = 'the token is not bound to the TLS channel, as channel_binding = "required" demands'
_FAILED = "authentication failed: the token proves no user of this server"


class KerberosSettings(NamedTuple):
    """Settings for Kerberos: the services whose keys are tried, in order, and a function from principal to caller."""

    services: tuple[str, ...]
    find_caller: Callable[[str], Caller | None]


class Negotiation:
    """The security context of one connection: takes tokens until it is complete, then encrypts and decrypts."""

    def __init__(
        self,
        lookup: NtlmLookup,
        bindings: bytes | None = None,
        kerberos: KerberosSettings | None = None,
        *,
        requires_binding: bool = False,
    ) -> None:
        """Initialize without a caller.

        Args:
            lookup: the users of NTLM.
            bindings: the hash of the server's certificate; a token with channel bindings must have this hash in them.
                None: no TLS, or a certificate for which RFC 5929 defines no hash.
            kerberos: settings for Kerberos; None: no Kerberos.
            requires_binding: over TLS, reject tokens that are not bound to the channel. Windows accepts unbound tokens
                by default (CbtHardeningLevel Relaxed), since many clients, such as curl, send only unbound ones.
        """
        self.caller: Caller | None = None
        self.principal = ""
        """The principal that Kerberos has proved, whether or not it is a user here."""
        self._find_caller: Callable[[], Caller | None] = _no_caller
        self._lookup = lookup
        self._bindings = None
        if bindings is not None:
            self._bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + bindings)
        self._requires_binding = requires_binding and bindings is not None
        self._kerberos = kerberos
        self._context: spnego.ContextProxy | None = None
        self._lock = threading.Lock()
        _user_file()

    def step(self, token: bytes) -> bytes | None:
        """Take a token of the client, and return the next token for the client; None: there is none.

        After the last token ``caller`` is set.

        Raises:
            AccessDeniedError: the token is too long or malformed, or proves no user.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise AccessDeniedError(f"the token is longer than {MAX_TOKEN_LENGTH} bytes", "authenticate again")
        with self._lock:
            try:
                if self._context is None or self.caller is not None:
                    return self._begin(token)
                return self._continue(self._context, token)
            except Exception as error:  # a hostile token may raise any error in pyspnego's parsers
                self._context = None
                raise AccessDeniedError(_FAILED, "see `logonscope user add --ntlm`") from error

    def refresh(self) -> Caller | None:
        """Look the authenticated caller up again, and return it with its present rights; None: it has no access.

        A caller has no access before the last token, after its removal, and after a change of its NT hash.
        """
        if self.caller is not None:
            self.caller = self._find_caller()
        if self.caller is None:
            self._context = None
        return self.caller

    def _begin(self, token: bytes) -> bytes | None:
        """Take the first token: a ticket for one of the services, or NTLM's first message, which names no user yet."""
        self.caller, self.principal, self._context = None, "", None
        if self._kerberos is None or _NTLM in token:
            self._context = _new_context(spnego.NTLMHash(""), token)
            # NTLM's channel bindings come with its last token; see _continue.
            return self._context.step(token)
        failures: list[str] = []
        # A context accepts only the tickets of one service, so the services are tried in turn.
        for service in self._kerberos.services:
            context = _new_context(spnego.CredentialCache(service), token)
            try:
                answer = context.step(token, channel_bindings=self._bindings)
            except SpnegoError as error:
                failures.append(str(error))
            else:
                self._context = context
                self._finish(context, _no_caller)
                return answer
        raise ValueError("; ".join(failures))

    def _continue(self, context: spnego.ContextProxy, token: bytes) -> bytes | None:
        """Take a later token; NTLM's last token is checked with the hash of the user that it names."""
        name, domain = claimed_user(token)
        user = self._lookup(name) if name else None
        bindings = self._expected_bindings(token)
        # An unknown user gets a random hash, so that the check takes as long as for a wrong password.
        with _credentials(name, domain, user[1] if user else secrets.token_bytes(16)):
            answer = context.step(token, channel_bindings=bindings)
        self._finish(context, partial(self._find_ntlm_user, name, user))
        return answer

    def _finish(self, context: spnego.ContextProxy, find_caller: Callable[[], Caller | None]) -> None:
        """Set the caller if the context is complete; ``find_caller`` returns the user that NTLM's token named.

        Raises:
            ValueError: the ticket is not bound to the channel, but must be; or the user has no access.
        """
        if not context.complete:
            return
        if context.negotiated_protocol == "kerberos":
            if self._requires_binding and not _is_bound_ticket(context):
                raise ValueError(_UNBOUND)
            self.principal = context.client_principal or ""
            find_caller = self._find_ticket_holder
        self._find_caller, self.caller = find_caller, find_caller()
        if self.caller is None:
            raise ValueError(f"{self.principal or 'the user that the token names'} has no access to this server")

    def _find_ntlm_user(self, name: str, proved_user: tuple[Caller, bytes] | None) -> Caller | None:
        """Return the user that NTLM has proved; None once the user has been removed or has another hash."""
        user = self._lookup(name) if proved_user else None
        return user[0] if user and proved_user and user[1] == proved_user[1] else None

    def _find_ticket_holder(self) -> Caller | None:
        return self._kerberos.find_caller(self.principal) if self._kerberos else None

    def _expected_bindings(self, token: bytes) -> GssChannelBindings | None:
        """Return the bindings to check a token against; None: there are none, or the token has none and needs none.

        Raises:
            ValueError, struct.error: the token needs bindings and has none, or is malformed.
        """
        if self._bindings is None or _AUTHENTICATE not in token or is_bound(token):
            return self._bindings
        if self._requires_binding:
            raise ValueError(_UNBOUND)
        return None

    def decrypt(self, signature: bytes, sealed: bytes, length: int) -> bytes:
        """Decrypt a message; ``length`` is the length of its content, as the message gives it.

        Raises:
            AccessDeniedError: the connection is not authenticated, the client of this connection has not encrypted the
                message, or the length is wrong.
        """
        if self._context is None or self.caller is None:
            raise AccessDeniedError(
                "cannot decrypt the message: the connection is not authenticated", "authenticate first"
            )
        with self._lock:
            try:
                data = self._context.unwrap_winrm(signature, sealed)
            except Exception as error:  # a hostile message may raise any error here, too
                self.caller = self._context = None
                raise AccessDeniedError(
                    "cannot decrypt the message: it was changed on its way", "authenticate again"
                ) from error
        if len(data) != length:
            raise AccessDeniedError(
                f"invalid length {length} of the encrypted message: expected {len(data)}", "authenticate again"
            )
        return data

    def encrypt(self, data: bytes) -> tuple[bytes, bytes, int]:
        """Encrypt a message for the client; return signature, encrypted data, and the length after decryption."""
        assert self._context is not None  # noqa: S101 -- called only after a message was decrypted
        with self._lock:
            header, sealed, padding = self._context.wrap_winrm(data)
        return header, sealed, len(data) + padding


def _no_caller() -> Caller | None:
    return None


def _new_context(credential: spnego.CredentialCache | spnego.NTLMHash, token: bytes) -> spnego.ContextProxy:
    """Return a new context: a service's CredentialCache accepts Kerberos and NTLM, an NTLMHash accepts NTLM only."""
    return spnego.server(protocol="ntlm" if token.startswith(_NTLM) else "negotiate", credentials=credential)


def _is_bound_ticket(context: spnego.ContextProxy) -> bool:
    """Return whether a ticket came with correct channel bindings (RFC 2743 1.1.6): then MIT krb5 has set a flag."""
    # pyspnego does not publish the flag. Its Negotiate context contains a Kerberos context, which contains GSSAPI's.
    inner = getattr(context, "_context", None)
    while inner is not None and not hasattr(inner, "actual_flags"):
        inner = getattr(inner, "_context", None)
    return inner is not None and bool(int(inner.actual_flags) & _CHANNEL_BOUND)


def is_bound(token: bytes) -> bool:
    """Return whether an AUTHENTICATE_MESSAGE is bound to a channel by MsvAvChannelBindings (MS-NLMP 2.2.2.1).

    The user's key protects the response in the token. The bindings are a part of this response: an attacker who relays
    the token cannot remove them.

    Raises:
        ValueError, struct.error: the token is malformed, has no such message, or has two: one could be a decoy.
    """
    if token.count(_AUTHENTICATE) != 1:
        raise ValueError("invalid token: expected exactly one AUTHENTICATE_MESSAGE")
    response = _read_field(token[token.find(_AUTHENTICATE) :], 20)
    position = _PROOF + _CLIENT_CHALLENGE
    while position + 4 <= len(response):
        av_id, length = struct.unpack_from("<HH", response, position)
        if av_id == _CHANNEL_BINDINGS:
            # 16 zero bytes are "no bindings" (MS-NLMP 2.2.2.1, MsvAvChannelBindings).
            return any(response[position + 4 : position + 4 + length])
        if av_id == 0:  # MsvAvEOL
            break
        position += 4 + length
    return False


def claimed_user(token: bytes) -> tuple[str, str]:
    """Return the user and the domain that an AUTHENTICATE_MESSAGE names (MS-NLMP 2.2.1.3); "" for other messages.

    Raises:
        ValueError, struct.error: the message is malformed.
    """
    start = token.find(_AUTHENTICATE)
    if start < 0:
        return "", ""
    message = token[start:]
    (flags,) = struct.unpack_from("<I", message, 60)
    encoding = "utf-16-le" if flags & _UNICODE else "ascii"
    domain, user = (_read_field(message, offset).decode(encoding) for offset in (28, 36))
    return user, domain


def _read_field(message: bytes, offset: int) -> bytes:
    length, _, start = struct.unpack_from("<HHI", message, offset)
    if start + length > len(message):
        raise ValueError("invalid token: a field ends after the end of the token")
    return message[start : start + length]


@contextmanager
def _credentials(name: str, domain: str, nt_hash: bytes) -> Iterator[None]:
    """Let pyspnego know one user, by a line in the form of smbpasswd(5); no user if the name is empty."""
    qualified_name = f"{domain}\\{name}" if domain else name
    # These characters would end the line or the field, and so add a user of the client's choice.
    if any(character in name + domain for character in ":\r\n\\\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e"):
        raise ValueError("invalid user name: it has a colon, a backslash or the end of a line in it")
    # The whole process has one such environment variable, and so one file: tokens of NTLM are checked one after the
    # other.
    with _user_file_lock:
        try:
            _write_user_file(f"{qualified_name}:0:{'0' * 32}:{nt_hash.hex().upper()}:[U]:LCT-0\n" if name else "")
            yield
        finally:
            _write_user_file("")


def _write_user_file(text: str) -> None:
    os.ftruncate(_user_file(), 0)
    os.pwrite(_user_file(), text.encode(), 0)


@cache
def _user_file() -> int:
    """Create the file in memory once and return its descriptor; make pyspnego use it, and accept only NTLMv2."""
    file = os.memfd_create("ntlm")
    os.environ["NTLM_USER_FILE"] = f"/proc/self/fd/{file}"
    os.environ["LM_COMPAT_LEVEL"] = "5"
    return file
