"""A subscriber: an HTTP server that gets the messages of WS-Eventing, and answers as a test says."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lxml import etree

from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ADDRESSING, SOAP
from logonscope.wire.xml import clark_name

Answer = tuple[int, str]
"""A status, and a body."""


class Received:
    """A message that came."""

    def __init__(self, path: str, body: bytes) -> None:
        self.path, self.root = path, etree.fromstring(body)

    def header(self, namespace: str, name: str) -> str | None:
        """Return the text of a header block."""
        return self.root.findtext(f"{clark_name(SOAP, 'Header')}/{clark_name(namespace, name)}")

    @property
    def action(self) -> str:
        """Return the last part of the action."""
        return (self.header(ADDRESSING, "Action") or "").rpartition("/")[2]

    @property
    def body(self) -> "list[etree._Element]":
        """Return the elements of the body."""
        body = self.root.find(clark_name(SOAP, "Body"))
        return [] if body is None else list(body)

    @property
    def logon_id(self) -> str | None:
        """Return the LogonId of an event."""
        return self.body[0].findtext("LogonId")


def acknowledge(message: Received) -> Answer:
    """Return the acknowledgement of a message (DSP0226 10.7)."""
    related = message.header(ADDRESSING, "MessageID")
    return 200, (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:a="{ADDRESSING}"><s:Header><a:Action>{names.ACK}</a:Action>'
        f"<a:RelatesTo>{related}</a:RelatesTo></s:Header><s:Body/></s:Envelope>"
    )


def accept(_: Received) -> Answer:
    """Return an empty answer."""
    return 202, ""


def refuse(_: Received) -> Answer:
    """Return the fault that refuses deliveries (DSP0226 10.8)."""
    return 500, (
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:w="{names.WSMAN}"><s:Header/><s:Body><s:Fault><s:Code><s:Value>s:Receiver'
        "</s:Value><s:Subcode><s:Value>w:DeliveryRefused</s:Value></s:Subcode></s:Code></s:Fault></s:Body></s:Envelope>"
    )


class Subscriber:
    """The server, and what it got."""

    def __init__(self, answer: Callable[[Received], Answer], context: ssl.SSLContext | None = None) -> None:
        self.messages = list[Received]()
        self.answer = answer
        subscriber = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                message = Received(self.path, self.rfile.read(int(self.headers["Content-Length"])))
                status, text = subscriber.answer(message)
                subscriber.messages.append(message)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self._scheme = "http" if context is None else "https"
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    @property
    def origin(self) -> str:
        """Return its URL without a path."""
        return f"{self._scheme}://127.0.0.1:{self.server.server_address[1]}"

    @property
    def actions(self) -> list[str]:
        """Return the actions of the messages."""
        return [message.action for message in self.messages]


@contextmanager
def subscriber(
    answer: Callable[[Received], Answer] = acknowledge, context: ssl.SSLContext | None = None
) -> Iterator[Subscriber]:
    """Run a subscriber; ``context``: over TLS."""
    running = Subscriber(answer, context)
    thread = threading.Thread(target=running.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield running
    finally:
        running.server.shutdown()
        thread.join()
        running.server.server_close()
