"""The check of Origin and Host: which web pages may use the server in a browser, and under which names of the server.

Any page can make a user's browser send a request to this server, with the user's credentials, even if the server
listens on loopback only. The browser sends the page's origin in Origin, and the request of a page whose origin is not
allowed is rejected. An origin with the name in Host is allowed, because the server's own page has this origin. But a
foreign page has such an origin, too, if the page's host name leads to an address of this machine (DNS rebinding).
Therefore, over HTTP, the name in Host must be a name of this server. Over HTTPS the browser compares the name with the
certificate.

A browser sends no Origin with a GET whose response the page cannot read, such as the GET of an image. Then
Sec-Fetch-Site shows whether the page is of another site, or of another origin of this site, such as another port.
"""

import ipaddress
import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from logonscope.errors import AccessDeniedError
from logonscope.server.auth.peer import Peer

MAX_CACHED_NAMES, MAX_ADDRESS_LENGTH = 64, 64
"""Maximum number of names in the cache of ``_is_address``, and of characters of an address (IPv6 with its zone)."""

_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
"""Values of Sec-Fetch-Site of requests from pages of other origins."""


class Admission(Protocol):
    """A check of the headers of a request, before its body is read."""

    def check(self, headers: Mapping[str, str], peer: Peer) -> None:
        """Check the headers.

        Raises:
            AccessDeniedError: the request is rejected.
        """


class OriginPolicy:
    """The names of the server and the origins of pages that are allowed."""

    def __init__(self, hosts: Iterable[str] | None, origins: Iterable[str]) -> None:
        """Keep what is allowed.

        Args:
            hosts: names of the server beside its own; None: every name is allowed.
            origins: origins of pages beside the server's own.
        """
        own_name = os.uname().nodename.lower()
        self._accepts_all_names = hosts is None
        self._hosts = {"localhost", own_name, own_name.partition(".")[0], *(name.lower() for name in hosts or ())}
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    def check(self, headers: Mapping[str, str], peer: Peer) -> None:
        """Check Origin, Sec-Fetch-Site and Host.

        Raises:
            AccessDeniedError: one of them is not allowed.
        """
        origin, host = headers.get("origin"), headers.get("host", "")
        own_origin = f"{'https' if peer.tls else 'http'}://{host}".lower()
        if origin is not None and origin.lower() not in {*self._origins, own_origin}:
            reason = f"requests from pages of '{origin[:100]}' are not allowed"
            raise AccessDeniedError(reason, "the server's administrator can allow them with the setting `origins`")
        if origin is None and headers.get("sec-fetch-site") in _FOREIGN_SITES:
            reason = "requests from pages of other origins are not allowed"
            raise AccessDeniedError(reason, "the server's administrator can allow them with the setting `origins`")
        if not (peer.tls or self._accepts_all_names) and host and not self._is_own(host):
            reason = f"'{host[:100]}' is not a name of this server"
            hint = "use its address, or ask the server's administrator to add the name to the setting `hosts`"
            raise AccessDeniedError(reason, hint)

    def _is_own(self, host: str) -> bool:
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        if name.lower().rstrip(".") in self._hosts:
            return True
        # DNS rebinding works only with a name, so an address is safe.
        return len(name) <= MAX_ADDRESS_LENGTH and _is_address(name)


@lru_cache(MAX_CACHED_NAMES)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
