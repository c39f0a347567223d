"""URLs of remote hosts, as ``--host`` and ``connect`` take them."""

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from logonscope.errors import InvalidParameterError
from logonscope.wire.wsman.names import PORTS


class Url(NamedTuple):
    """The address of a remote host, and the user to authenticate as."""

    scheme: str
    host: str
    port: int
    user: str | None

    @property
    def is_private(self) -> bool:
        """Return whether a password cannot be read on the network: the connection is encrypted, or local."""
        return self.scheme == "https" or self.host in {"localhost", "127.0.0.1", "::1"}

    def with_user(self, user: str) -> str:
        """Return the URL with a user name; the default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{user}@{host}" + (f":{self.port}" if self.port != PORTS[self.scheme] else "")


def parse_url(text: str) -> Url:
    """Parse the URL of a host: ``https://user@host:port``; a password in it is rejected.

    Raises:
        InvalidParameterError: the text is not such a URL, or contains a password.
    """
    try:
        parts = urlsplit(text)
        port = parts.port  # None: no port is given; raises ValueError for a port that is not a number up to 65535
    except ValueError:
        raise InvalidParameterError(f"invalid URL '{_without_user(text)}'", "write https://user@host:5986") from None
    if parts.password is not None:
        hint = "leave it out, because other users can read arguments; you are prompted for it"
        raise InvalidParameterError("the URL contains a password", hint)
    is_server = parts.scheme in PORTS and port != 0 and parts.path in {"", "/", "/wsman"} and not parts.query
    if not is_server or not parts.hostname:
        raise InvalidParameterError(f"invalid URL '{_without_user(text)}' of a host", "write https://user@host:5986")
    return Url(parts.scheme, parts.hostname, port or PORTS[parts.scheme], unquote(parts.username or "") or None)


def _without_user(text: str) -> str:
    """Return the beginning of a URL for a message, without the user name and the password."""
    return re.sub(r"(?<=//).*@", "", text)[:200]
