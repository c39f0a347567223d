"""Authentication of a request: credentials and the peer in, a caller or the schemes to offer out.

Basic sends a password, so it is accepted over TLS and from this machine alone. Negotiate holds for its connection;
where others can read the connection, its messages have to be encrypted. On a unix socket the kernel names the user, and
no credentials are looked at.

Negotiate with NTLM is offered as long as some user can authenticate by it: a client that prefers it to Basic would fail
by it first. Where a password cannot be sent it is offered always.

Wrong passwords make the next attempt wait, whatever the scheme. A ticket cannot be guessed: one that is rejected,
mostly for a clock or a key that is wrong, makes nobody's password wait, and one that is accepted makes up for no guess.
"""

import logging
import struct
from collections.abc import Callable
from typing import NamedTuple, Self

from logonscope.broker import Caller
from logonscope.dispatch.audit import Audit
from logonscope.errors import AccessDeniedError
from logonscope.server.auth.negotiate import Lookup, Negotiation, Tickets, said
from logonscope.server.auth.passwords import Passwords
from logonscope.server.auth.peer import Peer

BASIC, NEGOTIATE, KERBEROS = "Basic", "Negotiate", "Kerberos"
LONGEST_REASON = 500
NEGOTIATED = {"negotiate": NEGOTIATE, "ntlm": "NTLM", "kerberos": KERBEROS}
"""Negotiate and NTLM carry either kind of token (RFC 4559; MS-NTHT 2.2.1), Kerberos its own (MS-WSMV 2.2.9.1.2)."""

NTLM_USERS = (
    "NTLM is for users who were added with `logonscope user add --ntlm`; all others authenticate by Basic, over TLS or "
    "from the host itself"
)
"""What helps, in the body of every 401 after NTLM: alike for a wrong password, so that nobody learns who has a hash."""

_log = logging.getLogger(__name__)


class Credentials(NamedTuple):
    """What a client presents: the scheme in lower case, and a name with a password, or a token."""

    scheme: str
    name: str = ""
    password: str = ""
    token: bytes = b""

    @classmethod
    def of_token(cls, scheme: str, token: bytes) -> Self:
        """Return the credentials that a token is, with the user that it names; no token where it is malformed."""
        try:
            return cls(scheme, said(token)[0] if scheme in NEGOTIATED else "", token=token)
        except (ValueError, struct.error):
            return cls(scheme)


class Authentication(NamedTuple):
    """The result: the caller, or the schemes to offer; with Negotiate also the next token for the client."""

    caller: Caller | None
    offers: tuple[str, ...] = ()
    token: bytes = b""
    negotiation: Negotiation | None = None  # whose messages are encrypted
    reason: str = ""  # why there is no caller, in words for the client


class Authenticator:
    """Authenticates requests."""

    def __init__(
        self,
        passwords: Passwords,
        lookup: Lookup | None,
        local: Callable[[int], Caller],
        audit: Audit | None = None,
        tickets: Tickets | None = None,
        *,
        requires_binding: bool = False,
        has_ntlm_users: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take what checks passwords, hashes (None: no Negotiate) and tickets (None: no Kerberos).

        Args:
            passwords: checks them, and counts failures.
            lookup: the NT hash of a user.
            local: returns the caller of a uid of this machine.
            audit: writes down who authenticated, and who failed.
            tickets: checks them.
            requires_binding: over TLS, tokens of Negotiate have to be bound to the channel.
            has_ntlm_users: returns whether any user has an NT hash.
        """
        self._passwords, self._lookup, self._local, self._audit = passwords, lookup, local, audit
        self._tickets, self._requires_binding = tickets, requires_binding
        self._has_ntlm_users = has_ntlm_users

    def __repr__(self) -> str:
        return f"<Authenticator of {', '.join(self._offers(private=True))}>"

    def delay(self, peer: Peer, credentials: Credentials) -> float:
        """Return how many seconds to wait before ``authenticate``.

        Raises:
            ServerTooBusyError: too many attempts wait already.
        """
        return self._passwords.delay(credentials.name, peer.address) if credentials.name else 0.0

    def is_quick(self, peer: Peer, credentials: Credentials | None) -> bool:
        """Return whether ``authenticate`` takes no time: no password, or the peer authenticated with one before."""
        return credentials is None or isinstance(peer.session, Caller)

    def is_known(self, peer: Peer, credentials: Credentials) -> bool:
        """Return whether the user that is named has authenticated from this address before."""
        return self._passwords.is_known(credentials.name, peer.address)

    def presumed(self, peer: Peer) -> Caller | None:
        """Return the caller who authenticated before over this connection, without checking anything again."""
        session = peer.session
        return session.caller if isinstance(session, Negotiation) else session if isinstance(session, Caller) else None

    def authenticate(self, peer: Peer, credentials: Credentials | None) -> Authentication:
        """Authenticate a request; blocks while a password is checked.

        Args:
            peer: the client; its ``session`` keeps a negotiation.
            credentials: None where the request has none.
        """
        if peer.credentials is not None:
            return Authentication(self._local(peer.credentials.uid))
        if credentials is None:
            return self._continued(peer)
        try:
            if credentials.scheme == "basic" and peer.is_private:
                return Authentication(self._basic(peer, credentials))
            if credentials.scheme in NEGOTIATED and self._lookup is not None:
                return self._negotiate(peer, credentials, self._lookup)
        except AccessDeniedError:
            self._record(peer, credentials, None)
            peer.session = None
            reason = f"authentication failed; {NTLM_USERS}" if credentials.scheme != "basic" else ""
            return Authentication(None, self._offers(private=peer.is_private), reason=reason)
        return Authentication(None, self._offers(private=peer.is_private))

    def _continued(self, peer: Peer) -> Authentication:
        """Return the caller who authenticated before, over the same connection."""
        session = peer.session
        if isinstance(session, Negotiation) and (caller := session.anew()) is not None:
            return Authentication(caller, negotiation=session)
        return Authentication(None, self._offers(private=peer.is_private))

    def _offers(self, *, private: bool) -> tuple[str, ...]:
        negotiates = self._lookup is not None and (not private or self._tickets is not None or self._has_ntlm_users())
        offers = [NEGOTIATE] if negotiates else []
        offers += [KERBEROS] if self._tickets is not None else []
        return (*offers, BASIC) if private else tuple(offers)

    def _basic(self, peer: Peer, credentials: Credentials) -> Caller:
        caller = self._passwords.verify(credentials.name, credentials.password, peer.address)
        if caller is None:
            raise AccessDeniedError("no such user, or another password", "see `logonscope user list`")
        if peer.session != caller:  # recorded once a connection, not with every request
            peer.session = caller
            self._record(peer, credentials, caller)
        return caller

    def _negotiate(self, peer: Peer, credentials: Credentials, lookup: Lookup) -> Authentication:
        if not credentials.token or (credentials.scheme == "kerberos" and self._tickets is None):
            return Authentication(None, self._offers(private=peer.is_private))
        negotiation = peer.session
        if not isinstance(negotiation, Negotiation):
            negotiation = peer.session = Negotiation(
                lookup, peer.channel_binding, self._tickets, requires_binding=self._requires_binding
            )
        if credentials.name:  # else there is no password to guess
            self._passwords.begin(credentials.name, peer.address)
        try:
            answer = negotiation.step(credentials.token)
        except AccessDeniedError as error:
            self._log_failure(peer, credentials, error)
            raise
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
        if caller is None and scheme != "basic" and credentials.name and not self._has_hash(credentials.name):
            self._audit.unable(peer.address, scheme, name)  # to the client, and in time, it is a failure like others
        else:
            self._audit.authentication(peer.address, scheme, name, caller)

    def _log_failure(self, peer: Peer, credentials: Credentials, error: AccessDeniedError) -> None:
        """Log why a negotiation failed; without a hash no password was wrong, and the client may send one next."""
        name = credentials.name[:LONGEST_REASON]
        if name and not self._has_hash(name):
            _log.info(
                "NTLM is not possible for %r from %s: no user of that name has an NT hash; %s",
                name,
                peer.address,
                NTLM_USERS,
            )
        else:
            reason = str(error.__cause__ or error)[:LONGEST_REASON]
            _log.info("authentication failed for %r from %s: %s", name, peer.address, reason)

    def _has_hash(self, name: str) -> bool:
        return self._lookup is None or self._lookup(name) is not None
