"""Delivery by HTTP: webhooks with signatures, and OTLP logs as JSON.

A webhook gets a request with one JSON document a line, signed as Standard Webhooks have it: headers `webhook-id`,
`webhook-timestamp` and `webhook-signature`, which is "v1," and the base64 of HMAC-SHA256 over "ID.TIMESTAMP.BODY".
"""

import base64
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from logonscope.answers.host_identity import HostIdentity
from logonscope.formats.otel_event import otel_export
from logonscope.server.sinks.delivery import DeliveryError, Parcel, RejectedError, read_secret
from logonscope.server.sinks.documents import Encoder
from logonscope.server.sinks.settings import SinkSettings
from logonscope.server.sinks.tls import sink_context

MAX_RESPONSE_BYTES = 65_536
_RETRIED = {408, 425, 429}
"""Status codes below 500 after which the same request can succeed later."""


class HttpDelivery(ABC):
    """Posts events to one URL, over one connection that is kept open."""

    content_type = ""

    def __init__(self, settings: SinkSettings) -> None:
        self._settings = settings
        self._connection: http.client.HTTPConnection | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self._settings.target}>"

    @abstractmethod
    def body(self, parcel: Parcel) -> bytes:
        """Return the body of the request."""

    def headers(self, parcel: Parcel, body: bytes) -> Mapping[str, str]:
        """Return headers of the request beside those that all have."""
        del parcel, body
        return {}

    def check_response(self, body: bytes) -> None:  # noqa: B027 -- most targets say nothing in it
        """Check the body of a successful response."""

    def send(self, parcel: Parcel) -> None:
        """Post events."""
        body = self.body(parcel)
        headers = {"Content-Type": self.content_type, "User-Agent": "logonscope", **self.headers(parcel, body)}
        if self._settings.token_file:
            headers["Authorization"] = f"Bearer {read_secret(self._settings.token_file)}"
        deadline = DeliveryDeadline(self._settings.seconds)
        try:
            response, content = self._post(body, headers, deadline)
            # http.client takes an answer that was cut off for a complete one
            if deadline.has_passed:
                raise TimeoutError
        except (OSError, http.client.HTTPException) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            if deadline.has_passed:
                reason = f"no answer within {self._settings.seconds} s"
            raise DeliveryError(f"cannot post to {self._settings.target}: {reason}") from None
        finally:
            deadline.end()
        if 200 <= response.status < 300:
            self.check_response(content)
            return
        reason = f"{self._settings.target} answered {response.status} {response.reason}"
        # 401 and 403: a secret may be corrected meanwhile, and 404: a path; the events wait for that
        if 400 <= response.status < 500 and response.status not in _RETRIED | {401, 403, 404}:
            raise RejectedError(reason)
        raise DeliveryError(reason)

    def _post(
        self, body: bytes, headers: Mapping[str, str], deadline: "DeliveryDeadline"
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Post once; on a kept connection that the target has closed meanwhile, again on a new one."""
        connection = self._connection
        # after an answer with "Connection: close" it has no socket
        if connection is not None and connection.sock is not None:
            deadline.watch(connection.sock)
            try:
                return self._exchange(connection, body, headers)
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError):
                # a target may close an idle connection at any time: that is no failure
                self.close()
                if deadline.has_passed:
                    raise
        return self._exchange(self._connect(deadline), body, headers)

    def _exchange(
        self, connection: http.client.HTTPConnection, body: bytes, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection.request("POST", self._settings.target.path, body, headers)
        response = connection.getresponse()
        content = response.read(MAX_RESPONSE_BYTES)
        if not response.isclosed():
            self.close()  # a longer response is not read to its end
        return response, content

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self, deadline: "DeliveryDeadline") -> http.client.HTTPConnection:
        target, seconds = self._settings.target, self._settings.seconds
        # the socket is connected here, because http.client gives it to nothing before the handshake has ended
        connection = http.client.HTTPConnection(target.host, target.port, timeout=seconds)
        plain = socket.create_connection((target.host, target.port), seconds)
        connection.sock = plain
        # http.client would connect again by itself, and without TLS
        connection.auto_open = 0
        self._connection = connection
        if target.scheme == "https":
            context = sink_context(self._settings)
            wrapped = context.wrap_socket(plain, do_handshake_on_connect=False, server_hostname=target.host)
            connection.sock = wrapped
            deadline.watch(wrapped)
            wrapped.do_handshake()
        else:
            deadline.watch(plain)
        return connection


class DeliveryDeadline:
    """The end of one delivery: each read and write has a timeout, but a target could answer byte by byte."""

    def __init__(self, seconds: float) -> None:
        self._socket: socket.socket | None = None
        self.has_passed = False
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def __repr__(self) -> str:
        return f"<DeliveryDeadline{', passed' if self.has_passed else ''}>"

    def watch(self, connected: socket.socket | None) -> None:
        """Shut this socket down when the time has passed."""
        self._socket = connected
        # it may have passed while the connection was made
        if self.has_passed:
            self._pass()

    def end(self) -> None:
        """End it: the delivery has ended."""
        self._timer.cancel()

    def _pass(self) -> None:
        self.has_passed = True
        if self._socket is not None:
            try:
                # a thread that reads or writes there returns at once
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
            except OSError:
                pass


class WebhookDelivery(HttpDelivery):
    """Posts one JSON document a line, signed."""

    content_type = "application/x-ndjson"

    def __init__(self, settings: SinkSettings, encode: Encoder) -> None:
        super().__init__(settings)
        self._encode = encode

    def body(self, parcel: Parcel) -> bytes:
        return "".join(f"{self._encode(event)}\n" for event in parcel.events).encode()

    def headers(self, parcel: Parcel, body: bytes) -> Mapping[str, str]:
        moment = str(int(time.time()))
        key = read_secret(self._settings.secret_file).encode()
        digest = hmac.digest(key, f"{parcel.id}.{moment}.".encode() + body, "sha256")
        signature = f"v1,{base64.b64encode(digest).decode()}"
        return {"webhook-id": parcel.id, "webhook-timestamp": moment, "webhook-signature": signature}


class OtlpDelivery(HttpDelivery):
    """Posts log records to a collector."""

    content_type = "application/json"

    def __init__(self, settings: SinkSettings, host: HostIdentity) -> None:
        super().__init__(settings)
        self._host = host

    def body(self, parcel: Parcel) -> bytes:
        return json.dumps(otel_export(self._host, parcel.events)).encode()

    def check_response(self, body: bytes) -> None:
        # "partial success": the collector took the request, but not all records (OTLP specification)
        try:
            answer: Any = json.loads(body) if body else {}
            partial = answer.get("partialSuccess") or {}
            rejected = int(partial.get("rejectedLogRecords", 0))
        except (ValueError, AttributeError, TypeError):
            return
        if rejected > 0:
            reason = f"{self._settings.target} refused {rejected} records: {partial.get('errorMessage')}"
            raise RejectedError(reason, rejected)
