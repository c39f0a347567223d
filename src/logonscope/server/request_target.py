"""Normalization of request targets before routing: absolute URIs, upper or lower case, and a slash at the end.

A server must accept the absolute form (RFC 9112 3.2.2). WinRM compares paths without case, so some clients send /WSMAN.
A redirect to the path without the slash would lose the request of most clients.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send


class PathNormalizer:
    """ASGI middleware that replaces the path of every request by its normal form."""

    def __init__(self, app: ASGIApp) -> None:
        """Create the middleware in front of an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, with the normalized path."""
        if scope["type"] == "http":
            scope = {**scope, "path": normalized_path(scope["path"])}
        await self._app(scope, receive, send)


def normalized_path(target: str) -> str:
    """Return the path of a target in lower case, without a slash at its end.

    A target that is neither a path nor an HTTP URL is returned unchanged.
    """
    if target.startswith("/"):
        return _without_slash(target)
    try:
        parts = urlsplit(target)
    except ValueError:  # malformed, such as http://[: no route matches it, so that the client gets 404
        return target
    return _without_slash(parts.path) if parts.scheme in {"http", "https"} and parts.netloc else target


def _without_slash(path: str) -> str:
    return path.removesuffix("/").lower() or "/"
