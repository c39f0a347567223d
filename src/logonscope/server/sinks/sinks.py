"""All sinks of a server, from the settings."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from logonscope.answers.check import Check
from logonscope.answers.host_identity import HostIdentity
from logonscope.broker import Request
from logonscope.broker.subscription import Subscription, WatchOptions, subscribe
from logonscope.server.sinks.checkpoint import Checkpoint
from logonscope.server.sinks.delivery import Delivery
from logonscope.server.sinks.documents import make_encoder
from logonscope.server.sinks.file_delivery import FileDelivery
from logonscope.server.sinks.http_delivery import OtlpDelivery, WebhookDelivery
from logonscope.server.sinks.settings import FILE, OTLP, WEBHOOK, SinkSettings
from logonscope.server.sinks.sink import Sink, SinkStatus
from logonscope.server.sinks.syslog_delivery import LocalLogDelivery, SyslogDelivery

STOP_SECONDS = 5.0
FOLDER = "sinks"
"""The folder of the checkpoints, below the directory of the setting `state`."""


class Sinks:
    """The sinks of one server."""

    def __init__(
        self, settings: Sequence[SinkSettings], state: str, host: HostIdentity, make_request: Callable[[], Request]
    ) -> None:
        """Create the sinks; nothing is sent yet.

        Args:
            settings: the settings of each sink.
            state: the directory of the server's state, in which FOLDER has the checkpoints.
            host: the identity of the host, which documents and syslog messages contain.
            make_request: returns a new broker request of an administrator.
        """
        self._sinks = [
            Sink(
                sink,
                partial(_subscribe, make_request, sink.events),
                make_delivery(sink, host),
                Checkpoint(os.path.join(state, FOLDER, f"{sink.name}.json")),
            )
            for sink in settings
        ]
        self._stop_deadline: float | None = None

    def __repr__(self) -> str:
        return f"<Sinks {self._sinks!r}>"

    def start(self) -> None:
        """Start all sinks."""
        for sink in self._sinks:
            sink.start()

    def begin_stop(self) -> None:
        """Signal all sinks to end, without waiting for them."""
        if self._stop_deadline is None:
            self._stop_deadline = time.monotonic() + STOP_SECONDS
            for sink in self._sinks:
                sink.begin_stop()

    def stop(self) -> None:
        """Stop all sinks; wait for their deliveries until STOP_SECONDS after the beginning of the stop."""
        self.begin_stop()
        deadline = self._stop_deadline or 0.0
        for sink in self._sinks:
            sink.stop(max(0.0, deadline - time.monotonic()))

    def statuses(self) -> list[SinkStatus]:
        """Return the status of each sink, for metrics."""
        return [sink.status for sink in self._sinks]

    def checks(self) -> Iterator[Check]:
        """Yield the check of each sink, for ``doctor``."""
        for sink in self._sinks:
            yield sink.check()


def make_delivery(settings: SinkSettings, host: HostIdentity) -> Delivery:
    """Return the delivery of a sink."""
    if settings.type == OTLP:
        return OtlpDelivery(settings, host)
    encode = make_encoder(settings.format, host)
    if settings.type == WEBHOOK:
        return WebhookDelivery(settings, encode)
    if settings.type == FILE:
        return FileDelivery(settings.target.path, encode, settings.max_bytes, settings.files)
    if settings.target.scheme == "unix":
        return LocalLogDelivery(settings.target.path, encode, settings.seconds)
    return SyslogDelivery(settings, encode, host.name or "-")


def _subscribe(make_request: Callable[[], Request], events: frozenset[str], since: str | None) -> Subscription:
    return subscribe(make_request(), WatchOptions(events=events, with_sessions=True, since=since))
