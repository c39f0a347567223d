"""The HTTP headers of authentication: credentials from Authorization or a cookie, challenges for WWW-Authenticate."""

import base64
import binascii
from collections.abc import Mapping

from logonscope.server.auth.authenticator import BASIC, BEARER, NEGOTIATED, SESSION, Authentication, Credentials

MAX_HEADER_LENGTH, MAX_TOKEN_LENGTH = 90_000, 200
"""Maximum characters of base64 in Authorization, and of a token, a cookie or a CSRF token.

A longer Authorization is rejected. A longer token, cookie or CSRF token is cut.
"""

BASIC_CHALLENGE = 'Basic realm="Logonscope", charset="UTF-8"'
"""The value of WWW-Authenticate for the scheme Basic (RFC 7617)."""

COOKIE = "__Host-logonscope"
"""The cookie of the page. Browsers accept this prefix only over TLS, from the host itself, and for all paths."""

CSRF_HEADER = "logonscope-csrf"
"""The header with the CSRF token of the page's session.

The page sends this header with each request, instead of Authorization; without a session, the header is empty.
"""

CERTIFICATE_PROFILE = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""The value of Authorization by which clients of WinRM refer to their certificate (a security profile of DSP0226)."""


def has_credentials(headers: Mapping[str, str]) -> bool:
    """Return whether a request has a header for credentials, whatever its value is."""
    return "authorization" in headers or CSRF_HEADER in headers


def request_credentials(headers: Mapping[str, str]) -> Credentials | None:
    """Return the credentials of a request, from Authorization, else those of the page; None: it has no credentials."""
    authorization, csrf_token = headers.get("authorization"), headers.get(CSRF_HEADER)
    if authorization is None and csrf_token is not None:
        return Credentials(SESSION, password=csrf_token[:MAX_TOKEN_LENGTH], token=session_cookie(headers).encode())
    return credentials_of(authorization)


def session_cookie(headers: Mapping[str, str]) -> str:
    """Return the cookie of the page (RFC 6265 5.4); "" if the request has no such cookie, or several."""
    pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
    values = [value for name, _, value in pairs if name == COOKIE]
    return values[0][:MAX_TOKEN_LENGTH] if len(values) == 1 else ""


def credentials_of(authorization: str | None) -> Credentials | None:
    """Return the credentials in an Authorization header (RFC 7617, RFC 4559); None: it has no credentials.

    A header that only says that a certificate authenticates the client has no credentials. If credentials cannot be
    decoded, their scheme is returned, so that they are not ignored and the authentication fails.
    """
    if authorization is None or authorization.strip().lower() == CERTIFICATE_PROFILE:
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
    return tuple(BASIC_CHALLENGE if scheme == BASIC else scheme for scheme in authentication.offers)
