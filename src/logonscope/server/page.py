"""The page: one HTML document with its program and its styles, which a content security policy names by their hashes.

The document is the same for every client and has nothing of the host in it, so that it needs no authentication.
"""

import base64
import gzip
import hashlib
import os
from html import escape
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

SCRIPT_FILE, STYLE_FILE = "page.js", "page.css"

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 26 26'%3E%3Cpath d='M7 8v10q0 3 3 3h8' "
    "fill='none' stroke='%23888' stroke-width='2.4'/%3E%3Ccircle cx='7' cy='6' r='3.4' fill='%23888'/%3E%3C/svg%3E"
)

_DOCUMENT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Logonscope</title>
<meta name="viewport" content="width=device-width,initial-scale=1,viewport-fit=cover">
<meta name="color-scheme" content="light dark"><link rel="icon" href="{icon}">
<style>{style}</style></head>
<body><noscript>This page needs JavaScript.</noscript><script>{script}</script></body></html>
"""

_POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)


class Page(NamedTuple):
    """The document, plain and compressed, and its headers."""

    document: bytes
    compressed: bytes
    headers: dict[str, str]

    async def answer(self, request: Request) -> Response:
        """Return the document, or 304 to a browser that has the current document already."""
        if request.headers.get("if-none-match") == self.headers["etag"]:
            return Response(status_code=304, headers=self.headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(self.compressed, headers={**self.headers, "content-encoding": "gzip"})
        return Response(self.document, headers=self.headers)


def load_page(folder: str) -> Page:
    """Return the page whose program and styles are in a folder."""
    script, style = (_read(os.path.join(folder, name)) for name in (SCRIPT_FILE, STYLE_FILE))
    document = _DOCUMENT.format(icon=escape(ICON), style=style, script=script).encode()
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": _POLICY.format(script=_hash(script), style=_hash(style)),
        "cache-control": "no-cache",
        "etag": f'"{hashlib.sha256(document).hexdigest()[:32]}"',
        "vary": "accept-encoding",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
    }
    return Page(document, gzip.compress(document, mtime=0), headers)


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
