"""Request targets as clients write them, before routing: absolute URIs, and paths in any case.

A server has to accept the absolute form (RFC 9112 3.2.2). WinRM compares its paths without case, and clients that were
only tried on Windows send /WSMAN.
"""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send


class RoutedPath:
    """Middleware that gives routing the path of every request in one spelling: origin form, in lower case."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the application that routes."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            scope = {**scope, "path": routed_path(scope["path"])}
        await self._app(scope, receive, send)


def routed_path(target: str) -> str:
    """Return the path of a request target in lower case."""
    if target.startswith("/"):
        return target.lower()
    try:
        found = urlsplit(target)
    except ValueError:  # malformed: no route has it
        return target
    return (found.path or "/").lower() if found.scheme in {"http", "https"} and found.netloc else target
