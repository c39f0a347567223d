"""What the messages of WS-Management share: the options of an operation, and the parts of an answer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from logonscope.server.client_tls import ClientTls
from logonscope.wire.wsman.envelope import Envelope

Call = tuple[str, dict[str, Any]]
"""The name of an operation and its arguments."""


class SoapRequest(NamedTuple):
    """The door's options of an operation: the envelope, its message, and whether the client asks for a count.

    ``message`` None: the envelope has no valid message, and the answer is a fault. ``push_tls``: the files of
    certificates for connections to addresses of subscribers.
    """

    envelope: Envelope
    message: Any = None
    wants_count: bool = False
    push_tls: ClientTls = ClientTls()


class Body(NamedTuple):
    """The parts of an answer: its action, additional headers, and the body as ``inner``, ``items`` and ``rest``.

    ``items``: texts that together render ``rows`` rows.
    """

    action: str
    inner: str
    headers: str = ""
    items: Sequence[str] = ()
    rest: str = ""
    rows: int = 0
