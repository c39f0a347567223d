"""The HTTP headers of authentication: credentials from Authorization, challenges for WWW-Authenticate."""

import base64
import binascii

from logonscope.server.auth.authenticator import BASIC, BEARER, NEGOTIATED, Authentication, Credentials

MAX_HEADER_LENGTH, MAX_TOKEN_LENGTH = 90_000, 200
REALM = 'Basic realm="Logonscope", charset="UTF-8"'


def credentials_of(authorization: str | None) -> Credentials | None:
    """Return the credentials in an Authorization header (RFC 7617, RFC 4559); None without a header.

    Credentials that cannot be decoded keep their scheme only: they fail authentication, and are not ignored.
    """
    if authorization is None:
        return None
    scheme, _, rest = authorization.strip().partition(" ")
    scheme = scheme.lower()
    if scheme == BEARER:
        return Credentials(scheme, token=rest.strip()[:MAX_TOKEN_LENGTH].encode())
    try:
        data = base64.b64decode(rest.strip() if len(rest) <= MAX_HEADER_LENGTH else "", validate=True)
        if scheme != "basic":
            return Credentials.of_token(scheme, data)
        name, _, password = data.decode().partition(":")
        return Credentials(scheme, name, password)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return Credentials(scheme)


def challenges(authentication: Authentication, credentials: Credentials | None) -> tuple[str, ...]:
    """Return the values of WWW-Authenticate: the next token of a negotiation, or the schemes that are offered."""
    if authentication.token and credentials is not None:
        return (f"{NEGOTIATED[credentials.scheme]} {base64.b64encode(authentication.token).decode()}",)
    return tuple(REALM if scheme == BASIC else scheme for scheme in authentication.offers)
