"""Authentication of a request: takes its credentials and the peer, returns the caller or the schemes to offer.

Basic sends a password, Bearer a token: both are accepted only over TLS or from this machine. Negotiate authenticates a
connection; if others can read the connection, its messages must be encrypted. On a unix socket the kernel reports the
user, and credentials are ignored. A client certificate authenticates those requests that have no credentials.

Over a private connection (TLS, or from this machine) Negotiate is offered only if Kerberos is set up or at least one
user has an NT hash: otherwise, clients that prefer Negotiate to Basic would try Negotiate first and fail. Over other
connections, where a password must not be sent, Negotiate is offered unless the settings turn it off.

Wrong passwords delay further attempts, whatever the scheme. A ticket cannot be guessed, and is mostly rejected because
of a wrong clock or key. Therefore a rejected ticket delays no password, and an accepted ticket clears no failures.
"""

import logging
import struct
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Self

from logonscope.broker import Caller
from logonscope.dispatch.audit import Audit
from logonscope.errors import AccessDeniedError
from logonscope.server.auth.negotiate import KerberosSettings, Negotiation, NtlmLookup, claimed_user
from logonscope.server.auth.passwords import Passwords
from logonscope.server.auth.peer import Peer

BASIC, NEGOTIATE, KERBEROS = "Basic", "Negotiate", "Kerberos"
CERTIFICATE = "certificate"
"""The scheme of client certificates in the audit log."""

CERTIFICATE_SECONDS = 60.0
"""Seconds after which the user of a certificate is looked up again: the user may have been removed, or have expired."""

BEARER = "bearer"
"""The scheme of tokens (RFC 6750), in lower case. It is not offered: a client that has a token sends it anyway."""

SESSION = "session"
"""The scheme of the page: a cookie and a CSRF token. It is not offered: only the page uses it."""

REJECTED_TOKEN = "rejected token"  # noqa: S105 -- a state of a connection
"""The ``session`` of a peer whose token or page session was rejected. Rejections after this one are not audited."""

MAX_LOGGED_LENGTH = 500
"""Maximum number of characters of a user name or of a reason in the log."""

NEGOTIATED = {"negotiate": NEGOTIATE, "ntlm": "NTLM", "kerberos": KERBEROS}
"""The schemes of ``Negotiation``, in lower case and as WWW-Authenticate spells them.

Negotiate and NTLM carry NTLM or Kerberos tokens (RFC 4559; MS-NTHT 2.2.1). Kerberos carries Kerberos tokens only
(MS-WSMV 2.2.9.1.2).
"""

NTLM_USERS = (
    "NTLM is for users who were added with `logonscope user add --ntlm`; all others authenticate by Basic, over TLS or "
    "from the host itself"
)
"""Advice in the body of each 401 after NTLM or Kerberos failed. All users get it: it hides who has an NT hash."""

OTHER_NAMESPACES = (
    "authentication failed: the caller is in another user or pid namespace, where uids and pids have another meaning; "
    "read the container itself, with logonscope --direct"
)

_log = logging.getLogger(__name__)


class Credentials(NamedTuple):
    """The credentials of a request: the scheme in lower case, with a name and a password, or with a token.

    With the scheme SESSION, ``token`` is the cookie of the page, and ``password`` its CSRF token.
    """

    scheme: str
    name: str = ""
    password: str = ""
    token: bytes = b""

    @classmethod
    def of_token(cls, scheme: str, token: bytes) -> Self:
        """Return credentials with a token and the user that it names, if any; a malformed token is left out."""
        try:
            return cls(scheme, claimed_user(token)[0] if scheme in NEGOTIATED else "", token=token)
        except (ValueError, struct.error):
            return cls(scheme)


class Authentication(NamedTuple):
    """The result of an authentication: the caller, or the schemes to offer; with Negotiate also the next token."""

    caller: Caller | None
    offers: tuple[str, ...] = ()
    token: bytes = b""
    negotiation: Negotiation | None = None  # encrypts and decrypts the messages of the connection
    reason: str = ""  # why authentication failed, as text for the client


def _assume_ntlm_users() -> bool:
    return True


def _find_no_caller(_token: str) -> Caller | None:
    return None


def _find_no_session(_cookie: str, _csrf_token: str) -> Caller | None:
    return None


def _always() -> bool:
    return True


def _make_no_check(_caller: Caller) -> Callable[[], bool]:
    return _always


class CertificateLogin(NamedTuple):
    """The user of a client certificate, and the time (monotonic) from which the user must be looked up again."""

    caller: Caller
    end: float


class Authenticator:
    """Authenticates requests."""

    def __init__(
        self,
        passwords: Passwords,
        lookup: NtlmLookup | None,
        caller_of_uid: Callable[[int], Caller],
        audit: Audit | None = None,
        kerberos: KerberosSettings | None = None,
        *,
        requires_binding: bool = False,
        has_ntlm_users: Callable[[], bool] = _assume_ntlm_users,
        find_token: Callable[[str], Caller | None] = _find_no_caller,
        find_certificate_user: Callable[[str], Caller | None] = _find_no_caller,
        find_session: Callable[[str, str], Caller | None] = _find_no_session,
        make_check: Callable[[Caller], Callable[[], bool]] = _make_no_check,
    ) -> None:
        """Initialize with the functions that check each kind of credentials.

        Args:
            passwords: checks passwords and counts failures.
            lookup: returns the caller and NT hash of a user name; None: Negotiate is off.
            caller_of_uid: returns the caller of a uid of this machine.
            audit: records successful and failed authentications.
            kerberos: the services that accept Kerberos tickets, and the function that returns the caller of a ticket;
                None: no Kerberos.
            requires_binding: over TLS, Negotiate tokens must be bound to the TLS channel.
            has_ntlm_users: returns whether any user has an NT hash.
            find_token: returns the caller of a token; None: it does not exist, has expired, or is for other hosts.
            find_certificate_user: returns the caller of the user name in a client certificate; None: the user does not
                exist, or may not log in.
            find_session: returns the caller of a session of the page, by its cookie and its CSRF token; None: the
                session has ended, or the CSRF token is wrong.
            make_check: returns, for a caller who authenticates now, a function that later returns whether the caller
                may still get the rest of an answer.
        """
        self._make_check = make_check
        self._find_token, self._find_certificate_user = find_token, find_certificate_user
        self._find_session = find_session
        self._passwords, self._lookup, self._caller_of_uid, self._audit = passwords, lookup, caller_of_uid, audit
        self._kerberos, self._requires_binding = kerberos, requires_binding
        self._has_ntlm_users = has_ntlm_users

    def __repr__(self) -> str:
        return f"<Authenticator of {', '.join(self._offers(private=True))}>"

    @property
    def has_kerberos(self) -> bool:
        """Return whether Kerberos tickets are accepted."""
        return self._kerberos is not None

    def delay(self, peer: Peer, credentials: Credentials) -> float:
        """Return how many seconds to wait before ``authenticate``.

        Raises:
            ServerTooBusyError: too many attempts are waiting already.
        """
        return self._passwords.delay(credentials.name, peer.address) if _has_claim(peer, credentials) else 0.0

    def is_delayed(self, peer: Peer, credentials: Credentials) -> bool:
        """Return whether ``delay`` would return more than 0, or raise an error."""
        return _has_claim(peer, credentials) and self._passwords.is_delayed(credentials.name, peer.address)

    def is_quick(self, peer: Peer, credentials: Credentials | None) -> bool:
        """Return whether ``authenticate`` is probably quick.

        It is quick on a unix socket, for a request without password or ticket, and on a connection that sent a correct
        password before: this password is probably cached.
        """
        if peer.credentials is not None or credentials is None:
            return True
        return credentials.scheme in {BEARER, SESSION} or isinstance(peer.session, Caller)

    def check_of_validity(
        self, peer: Peer, credentials: Credentials | None, caller: Caller | None
    ) -> Callable[[], bool]:
        """Return a function to call between the parts of an answer: it returns whether the rest may still be sent.

        The function returns False once the token or the session of the page is no longer valid. With other credentials,
        it returns False once the user has been removed, or has other rights, or another password in the user file.
        """
        # The kernel reports the uid of a peer on the unix socket: there are no credentials that could become invalid.
        if peer.credentials is not None:
            return _always
        if credentials is not None and credentials.scheme in {BEARER, SESSION}:
            return partial(self._has_caller, credentials)
        return _always if caller is None else self._make_check(caller)

    def _has_caller(self, credentials: Credentials) -> bool:
        return self._caller_of_secret(credentials) is not None

    def is_known(self, peer: Peer, credentials: Credentials) -> bool:
        """Return whether the named user has authenticated from this address before."""
        return self._passwords.is_known(credentials.name, peer.address)

    def known_caller(self, peer: Peer) -> Caller | None:
        """Return the caller that authenticated before over this connection, without a new check; None if none did."""
        session = peer.session
        if isinstance(session, (Negotiation, CertificateLogin)):
            return session.caller
        return session if isinstance(session, Caller) else None

    def authenticate(self, peer: Peer, credentials: Credentials | None) -> Authentication:
        """Authenticate a request; blocks while a password is checked.

        Args:
            peer: the client; its ``session`` is set, for the next requests of the connection.
            credentials: None if the request has none.

        Raises:
            ServerTooBusyError: there were too many failed attempts; this one was not checked.
        """
        if peer.credentials is not None:
            if not peer.credentials.shares_namespaces:
                return Authentication(None, reason=OTHER_NAMESPACES)
            return Authentication(self._caller_of_uid(peer.credentials.uid))
        if credentials is None:
            return self._resume(peer)
        try:
            if credentials.scheme == SESSION or (credentials.scheme == BEARER and peer.is_private):
                return self._check_secret(peer, credentials)
            if credentials.scheme == "basic" and peer.is_private:
                return Authentication(self._check_password(peer, credentials))
            if credentials.scheme in NEGOTIATED and self._lookup is not None:
                return self._negotiate(peer, credentials, self._lookup)
        except AccessDeniedError as error:
            self._log_failure(peer, credentials, error)
            self._record(peer, credentials, None)
            peer.session = None
            reason = f"authentication failed; {NTLM_USERS}" if credentials.scheme != "basic" else ""
            return Authentication(None, self._offers(private=peer.is_private), reason=reason)
        # An unknown scheme, Negotiate while it is off, or a password or token over a connection that others can read:
        # nothing was checked.
        return Authentication(None, self._offers(private=peer.is_private))

    def _resume(self, peer: Peer) -> Authentication:
        """Authenticate a request without credentials by the negotiation or the certificate of its connection."""
        if peer.certificate_user is not None and not isinstance(peer.session, Negotiation):
            return self._check_certificate(peer, peer.certificate_user)
        session = peer.session
        # Only Negotiate authenticates a connection; with Basic every request has to send the password.
        if isinstance(session, Negotiation) and (caller := session.refresh()) is not None:
            return Authentication(caller, negotiation=session)
        return Authentication(None, self._offers(private=peer.is_private))

    def _offers(self, *, private: bool) -> tuple[str, ...]:
        """Return the schemes to offer: Basic last, and only over a connection that others cannot read."""
        negotiates = self._lookup is not None and (not private or self._kerberos is not None or self._has_ntlm_users())
        offers = [NEGOTIATE] if negotiates else []
        offers += [KERBEROS] if self._kerberos is not None else []
        return (*offers, BASIC) if private else tuple(offers)

    def _check_secret(self, peer: Peer, credentials: Credentials) -> Authentication:
        """Authenticate a request by its token or, only over TLS, by its session of the page."""
        is_session = credentials.scheme == SESSION
        caller = None if is_session and not peer.tls else self._caller_of_secret(credentials)
        session = REJECTED_TOKEN if caller is None else caller
        if peer.session != session:
            peer.session = session
            self._record(peer, credentials._replace(name="" if caller is None else caller.name), caller)
        if caller is not None:
            return Authentication(caller)
        # No schemes are offered to the page: otherwise, the browser itself would ask for a password.
        if is_session:
            return Authentication(None, reason="authentication failed: the session has ended")
        return Authentication(None, self._offers(private=True), reason="authentication failed: invalid token")

    def _caller_of_secret(self, credentials: Credentials) -> Caller | None:
        secret = credentials.token.decode("ascii", "replace")
        return (
            self._find_session(secret, credentials.password)
            if credentials.scheme == SESSION
            else self._find_token(secret)
        )

    def _check_certificate(self, peer: Peer, name: str) -> Authentication:
        """Authenticate a request by the certificate of its connection."""
        login = peer.session if isinstance(peer.session, CertificateLogin) else None
        if login is not None and time.monotonic() < login.end:
            return Authentication(login.caller)
        caller = self._find_certificate_user(name)
        peer.session = None if caller is None else CertificateLogin(caller, time.monotonic() + CERTIFICATE_SECONDS)
        if login is None or caller is None:
            self._record(peer, Credentials(CERTIFICATE, name), caller)
        if caller is None:
            reason = "authentication failed: the certificate names no user of this server"
            return Authentication(None, self._offers(private=True), reason=reason)
        return Authentication(caller)

    def _check_password(self, peer: Peer, credentials: Credentials) -> Caller:
        caller = self._passwords.verify(credentials.name, credentials.password, peer.address)
        if caller is None:
            raise AccessDeniedError("unknown user or wrong password")
        # Clients send the password with every request, but the audit log has one line for each connection.
        if peer.session != caller:
            peer.session = caller
            self._record(peer, credentials, caller)
        return caller

    def _negotiate(self, peer: Peer, credentials: Credentials, lookup: NtlmLookup) -> Authentication:
        if not credentials.token or (credentials.scheme == "kerberos" and self._kerberos is None):
            return Authentication(None, self._offers(private=peer.is_private))
        negotiation = peer.session
        if not isinstance(negotiation, Negotiation):
            negotiation = peer.session = Negotiation(
                lookup, peer.channel_binding, self._kerberos, requires_binding=self._requires_binding
            )
        # Only the last token of NTLM names a user. This token can be a guess of the password: it counts as an attempt.
        if credentials.name:
            self._passwords.begin(credentials.name, peer.address)
        answer = negotiation.step(credentials.token)
        if negotiation.caller is not None:
            if credentials.name:
                self._passwords.succeeded(credentials.name, peer.address)
            self._record(peer, credentials, negotiation.caller)
        return Authentication(negotiation.caller, token=answer or b"", negotiation=negotiation)

    def _record(self, peer: Peer, credentials: Credentials, caller: Caller | None) -> None:
        if self._audit is None:
            return
        scheme, name, session = credentials.scheme, credentials.name, peer.session
        if scheme in NEGOTIATED and isinstance(session, Negotiation) and session.principal:
            scheme, name = "kerberos", session.principal
        if (
            caller is None
            and scheme not in {"basic", BEARER, SESSION, CERTIFICATE}
            and credentials.name
            and not self._has_hash(credentials.name)
        ):
            # Only the logs show that the user has no NT hash: the client gets the same answer, after the same time, as
            # for a wrong password.
            self._audit.record_scheme_unavailable(peer.address, scheme, name)
        else:
            self._audit.record_authentication(peer.address, scheme, name, caller)

    def _log_failure(self, peer: Peer, credentials: Credentials, error: AccessDeniedError) -> None:
        """Log why an authentication failed; an NTLM attempt of a user without an NT hash is not logged as a failure."""
        name = credentials.name[:MAX_LOGGED_LENGTH]
        if credentials.scheme != "basic" and name and not self._has_hash(name):
            # No password was checked. Many clients try NTLM first and send a password next, which may be correct.
            _log.info(
                "NTLM is not possible for %r from %s: no user of that name has an NT hash; %s",
                name,
                peer.address,
                NTLM_USERS,
            )
        else:
            reason = str(error.__cause__ or error)[:MAX_LOGGED_LENGTH]
            _log.info("authentication failed for %r from %s: %s", name, peer.address, reason)

    def _has_hash(self, name: str) -> bool:
        return self._lookup is None or self._lookup(name) is not None


def _has_claim(peer: Peer, credentials: Credentials) -> bool:
    """Return whether credentials name a user whom they can authenticate: on a unix socket, credentials are ignored."""
    return bool(credentials.name) and peer.credentials is None
