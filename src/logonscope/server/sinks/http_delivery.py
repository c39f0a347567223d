"""Delivery by HTTP: webhooks with signatures, and OTLP logs as JSON.

A webhook gets requests with one JSON document a line, signed as the specification Standard Webhooks requires. The
headers are `webhook-id`, `webhook-timestamp` and `webhook-signature`. The signature is "v1,", followed by the base64 of
HMAC-SHA256 over "ID.TIMESTAMP.BODY". The key is the text of the secret file without white space at its ends; it is not
decoded from base64.
"""

import base64
import hmac
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from logonscope.answers.host_identity import HostIdentity
from logonscope.formats.otel_event import otel_export
from logonscope.server.client_tls import ClientTls
from logonscope.server.http_poster import HttpPoster, Origin, PostError
from logonscope.server.sinks.delivery import DeliveryError, Parcel, RejectedError, read_secret
from logonscope.server.sinks.documents import Encoder
from logonscope.server.sinks.settings import SinkSettings

_RETRIED = {408, 425, 429}
"""Status codes below 500 after which the same request can succeed later without a correction."""

_BODY_REFUSED = {400, 413, 422}
"""Status codes with which a target refuses a body: one long or unusual event can be the reason."""


class HttpDelivery(ABC):
    """Posts events to one URL, over one connection that is kept open."""

    content_type = ""

    def __init__(self, settings: SinkSettings) -> None:
        self._settings = settings
        target = settings.target
        origin = Origin(target.scheme, target.host, target.port)
        tls = ClientTls(settings.ca, settings.client_certificate)
        self._poster = HttpPoster(origin, settings.seconds, tls.make_context)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self._settings.target}>"

    @abstractmethod
    def body(self, parcel: Parcel) -> bytes:
        """Return the body of the request."""

    def headers(self, parcel: Parcel, body: bytes) -> Mapping[str, str]:
        """Return the headers that a request has in addition to those of every request."""
        del parcel, body
        return {}

    def check_response(self, body: bytes) -> None:  # noqa: B027 -- most targets say nothing in it
        """Check the body of a successful response; raise RejectedError if the body reports refused events."""

    def send(self, parcel: Parcel) -> None:
        """Post events."""
        body = self.body(parcel)
        headers = {"Content-Type": self.content_type, "User-Agent": "logonscope", **self.headers(parcel, body)}
        if self._settings.token_file:
            headers["Authorization"] = f"Bearer {read_secret(self._settings.token_file)}"
        try:
            response = self._poster.post(self._settings.target.path, body, headers)
        except PostError as error:
            raise DeliveryError(str(error)) from None
        if 200 <= response.status < 300:
            self.check_response(response.body)
            return
        reason = f"{self._settings.target} answered {response.status} {response.reason}"
        # The events wait until a secret (401, 403) or a path (404) is corrected.
        if 400 <= response.status < 500 and response.status not in _RETRIED | {401, 403, 404}:
            raise RejectedError(reason, retry_in_halves=response.status in _BODY_REFUSED)
        raise DeliveryError(reason)

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()


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
            partial_success = answer.get("partialSuccess") or {}
            rejected = int(partial_success.get("rejectedLogRecords", 0))
        except (ValueError, AttributeError, TypeError, OverflowError, RecursionError):
            return
        if rejected > 0:
            reason = f"{self._settings.target} refused {rejected} records: {partial_success.get('errorMessage')}"
            raise RejectedError(reason, rejected)
