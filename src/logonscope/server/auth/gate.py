"""Who may come in? What a request shows, by which way that may come, and what to ask for where it does not suffice.

Basic shows a password, so it is taken where nobody else can read it: over TLS and within this machine. Negotiate holds
for its connection; where that can be read by others, its messages have to be sealed. On a unix socket the kernel says
who calls, and nothing else is asked.

Who guesses passwords waits, by whatever scheme. A ticket cannot be guessed: one that is refused, mostly for a clock or
a key that is wrong, makes nobody's password wait, and one that is taken makes up for no guess.
"""

import base64
import binascii
import logging
import struct
from collections.abc import Callable
from typing import NamedTuple

from logonscope.broker import Caller
from logonscope.errors import AccessDeniedError
from logonscope.server.audit import Audit
from logonscope.server.auth.negotiate import Lookup, Negotiation, Tickets, said
from logonscope.server.auth.passwords import Passwords
from logonscope.server.connection import Connection

LONGEST_HEADER = 90_000
REALM = 'Basic realm="Logonscope", charset="UTF-8"'
NEGOTIATE, KERBEROS = "Negotiate", "Kerberos"
LONGEST_REASON = 500
_NEGOTIATES = {"negotiate": NEGOTIATE, "ntlm": "NTLM", "kerberos": KERBEROS}
"""Negotiate and NTLM carry either kind of token (RFC 4559; MS-NTHT 2.2.1), Kerberos its own (MS-WSMV 2.2.9.1.2)."""

_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """What the gate says: who comes in, or with which WWW-Authenticate to come again."""

    caller: Caller | None
    challenges: tuple[str, ...] = ()
    negotiation: Negotiation | None = None  # whose messages are sealed


class Shown(NamedTuple):
    """What a request shows: a name with a password, or with a token."""

    scheme: str
    name: str = ""
    password: str = ""
    token: bytes = b""


class Gate:
    """Looks at what a request shows."""

    def __init__(
        self,
        passwords: Passwords,
        lookup: Lookup | None,
        local: Callable[[int], Caller],
        audit: Audit | None = None,
        tickets: Tickets | None = None,
    ) -> None:
        """Take what knows passwords, hashes (None: no Negotiate) and tickets (None: no Kerberos), and who is local."""
        self._passwords, self._lookup, self._local, self._audit = passwords, lookup, local, audit
        self._tickets = tickets

    def delay(self, connection: Connection, shown: Shown) -> float:
        """Return how many seconds to wait before ``enter``.

        Raises:
            ServerTooBusyError: too many wait already.
        """
        return self._passwords.delay(shown.name, connection.peer) if shown.name else 0.0

    def is_quick(self, connection: Connection, shown: Shown | None) -> bool:
        """Tell whether ``enter`` has nothing to look at for long: no password but by who came in with one before."""
        return shown is None or isinstance(connection.session, Caller)

    def enter(self, connection: Connection, shown: Shown | None) -> Entry:
        """Say who comes in; blocks while a password is looked at.

        Args:
            connection: by which the request comes; its ``session`` keeps a negotiation.
            shown: what the request shows; None: nothing.
        """
        if connection.peer_credentials is not None:
            return Entry(self._local(connection.peer_credentials.uid))
        if shown is None:
            return self._known(connection)
        try:
            if shown.scheme == "basic" and self._takes_basic(connection):
                return Entry(self._basic(connection, shown))
            if shown.scheme in _NEGOTIATES and self._lookup is not None:
                return self._negotiate(connection, shown, self._lookup)
        except AccessDeniedError:
            self._tell(connection, shown, None)
            connection.session = None
        return Entry(None, self._offered(connection))

    def _known(self, connection: Connection) -> Entry:
        """Return who came in before, by the same connection."""
        session = connection.session
        if isinstance(session, Negotiation) and (caller := session.anew()) is not None:
            return Entry(caller, negotiation=session)
        return Entry(None, self._offered(connection))

    def _takes_basic(self, connection: Connection) -> bool:
        return connection.tls or connection.loopback

    def _offered(self, connection: Connection) -> tuple[str, ...]:
        offered = [NEGOTIATE] if self._lookup is not None else []
        offered += [KERBEROS] if self._tickets is not None else []
        return (*offered, REALM) if self._takes_basic(connection) else tuple(offered)

    def _basic(self, connection: Connection, shown: Shown) -> Caller:
        caller = self._passwords.verify(shown.name, shown.password, connection.peer)
        if caller is None:
            raise AccessDeniedError("no such user, or another password", "see `logonscope user list`")
        if connection.session != caller:  # told once a connection, not with every request
            connection.session = caller
            self._tell(connection, shown, caller)
        return caller

    def _negotiate(self, connection: Connection, shown: Shown, lookup: Lookup) -> Entry:
        if not shown.token or (shown.scheme == "kerberos" and self._tickets is None):
            return Entry(None, self._offered(connection))
        negotiation = connection.session
        if not isinstance(negotiation, Negotiation):
            negotiation = connection.session = Negotiation(lookup, connection.channel_binding, self._tickets)
        try:
            answer = negotiation.step(shown.token)
        except AccessDeniedError as error:
            _log.info("%s did not come in: %s", connection.peer, str(error.__cause__ or error)[:LONGEST_REASON])
            self._count(connection, shown, None)
            raise
        if negotiation.caller is not None:
            self._count(connection, shown, negotiation.caller)
            self._tell(connection, shown, negotiation.caller)
        said_back = (f"{_NEGOTIATES[shown.scheme]} {base64.b64encode(answer).decode()}",) if answer else ()
        return Entry(negotiation.caller, said_back, negotiation)

    def _count(self, connection: Connection, shown: Shown, caller: Caller | None) -> None:
        if shown.name:  # else there was no password to guess
            self._passwords.count(shown.name, connection.peer, caller)

    def _tell(self, connection: Connection, shown: Shown, caller: Caller | None) -> None:
        scheme, name, session = shown.scheme, shown.name, connection.session
        if scheme in _NEGOTIATES and isinstance(session, Negotiation) and session.principal:
            scheme, name = "kerberos", session.principal
        if self._audit is None:
            return
        if caller is None and scheme != "basic" and shown.name and self._lookup and not self._lookup(shown.name):
            self._audit.unable(connection.peer, scheme, name)  # to the client, and in time, it is a failure like others
        else:
            self._audit.authentication(connection.peer, scheme, name, caller)


def shown_by(authorization: str | None) -> Shown | None:
    """Return what the header Authorization shows (RFC 7617, RFC 4559); None where there is none."""
    if authorization is None:
        return None
    scheme, _, rest = authorization.strip().partition(" ")
    scheme = scheme.lower()
    try:
        data = base64.b64decode(rest.strip() if len(rest) <= LONGEST_HEADER else "", validate=True)
        if scheme == "basic":
            name, _, password = data.decode().partition(":")
            return Shown(scheme, name, password)
        return Shown(scheme, said(data)[0] if scheme in _NEGOTIATES else "", token=data)
    except (binascii.Error, UnicodeDecodeError, ValueError, struct.error):
        return Shown(scheme)
