"""Types that the modules of the WS-Management door share: calls of operations, requests, and parts of an answer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from logonscope.server.client_tls import ClientTls
from logonscope.wire.wsman.envelope import Envelope

Call = tuple[str, dict[str, Any]]
"""The name of an operation and its arguments."""


class SoapRequest(NamedTuple):
    """A request: the envelope, its message, and whether the client requests the number of items.

    ``message`` None: the envelope has no valid message, and the answer is a fault. ``push_tls``: the certificate files
    for connections to addresses of subscribers.
    """

    envelope: Envelope
    message: Any = None
    wants_count: bool = False
    push_tls: ClientTls = ClientTls()


class Body(NamedTuple):
    """The parts of an answer: its action, additional headers, and the body: ``inner``, ``items``, then ``rest``.

    ``items`` together contain ``rows`` rows.
    """

    action: str
    inner: str
    headers: str = ""
    items: Sequence[str] = ()
    rest: str = ""
    rows: int = 0
