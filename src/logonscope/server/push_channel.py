"""Messages of WS-Eventing to a subscriber's own address, over HTTP: Push, PushWithAck and Events (DSP0226 10.2.9)."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from logonscope.answers.host_event import HostEvent
from logonscope.broker.subscription import WatchResult
from logonscope.cim.instances import Instance
from logonscope.dispatch.pushes import Batch, Ending, PushError, origin_of
from logonscope.server.client_tls import ClientTls
from logonscope.server.http_poster import HttpPoster, Origin, PostedResponse, PostError
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import new_id
from logonscope.wire.wsman.event_messages import (
    EventSink,
    Message,
    event_batch,
    is_ack,
    is_refusal,
    subscription_end,
    write_message,
)
from logonscope.wire.wsman.render_events import EVENTS, EventRenderer, LostEvents
from logonscope.wire.wsman.row_cutter import ROW_OCTETS
from logonscope.wire.wsman.subscription_requests import Subscribe
from logonscope.wire.xml import escape, utf_8_octets

POST_SECONDS = 10.0
"""Timeout of a request."""

HEADERS = {"Content-Type": "application/soap+xml;charset=UTF-8", "User-Agent": "logonscope"}


class WsmanPushChannel:
    """The messages of one subscription; see ``dispatch.pushes.PushChannel``."""

    def __init__(
        self,
        identifier: str,
        message: Subscribe,
        renderer: EventRenderer,
        tls: ClientTls = ClientTls(),  # noqa: B008 -- a tuple
    ) -> None:
        """Create the channel; it connects when there is something to send.

        Args:
            identifier: the id of the subscription.
            message: the Subscribe message.
            renderer: renders the events.
            tls: the certificates for connections.
        """
        assert message.notify_to is not None  # noqa: S101 -- only a pushed subscription has a channel
        self._identifier, self._message, self._renderer = identifier, message, renderer
        self._tls = tls
        self._sink, self._end_sink = message.notify_to, message.end_to
        self._poster = self._make_poster(self._sink)

    def __repr__(self) -> str:
        return f"<WsmanPushChannel to {self.receiver}>"

    @property
    def receiver(self) -> str:
        """See ``PushChannel``."""
        return _origin(self._sink)

    @property
    def batch(self) -> Batch:
        """See ``PushChannel``."""
        message = self._message
        return Batch(message.max_elements, message.max_time) if self._is_batched else Batch()

    @property
    def _is_batched(self) -> bool:
        return self._message.mode == names.EVENTS_MODE

    def send(self, results: Sequence[WatchResult]) -> int:
        """See ``PushChannel``."""
        events = [self._render(results[0])]
        octets = utf_8_octets(events[0][1])
        # a message is not larger than one event may be, whatever the subscriber's limit is
        for result in results[1:]:
            event = self._render(result)
            octets += utf_8_octets(event[1])
            if octets > ROW_OCTETS:
                break
            events.append(event)
        cursor = results[len(events) - 1].cursor
        bookmark = f"<w:Bookmark>{escape(cursor)}</w:Bookmark>" if self._message.sends_bookmarks else ""
        if self._is_batched:
            self._post(event_batch(events, bookmark))
            return len(events)
        action, text = events[0]
        self._post(Message(action, text, bookmark, self._message.mode == names.PUSH_WITH_ACK_MODE))
        return 1

    def _render(self, result: WatchResult) -> tuple[str, str]:
        """Return the action and the body of an event; a body of more than ROW_OCTETS is shortened."""
        event = event_of(result)
        text = self._renderer.render(event)
        if utf_8_octets(text) > ROW_OCTETS:
            text = self._renderer.render_shortened(EVENTS, event, utf_8_octets)
        return names.DROPPED_EVENTS if isinstance(event, LostEvents) else names.EVENT, text

    def send_heartbeat(self) -> None:
        """Send a heartbeat."""
        # as Windows writes it: in the form of the delivery mode, but without events
        body = "<w:Events/>" if self._is_batched else ""
        self._post(Message(names.HEARTBEAT, body, needs_ack=self._message.mode != names.PUSH_MODE))

    @property
    def end_receiver(self) -> str | None:
        """See ``PushChannel``."""
        return None if self._end_sink is None else _origin(self._end_sink)

    def send_end(self, ending: Ending, seconds: float) -> None:
        """See ``PushChannel``. A subscription without EndTo gets no message (WS-Eventing 3.5)."""
        if self._end_sink is None:
            return
        # on a connection of its own: the server of EndTo may be another one, and answer when that of NotifyTo does not
        poster = self._make_poster(self._end_sink, min(seconds, POST_SECONDS))
        message = subscription_end(self._identifier, ending.status, ending.reason)
        try:
            _check_status(self._end_sink, self._post_to(poster, self._end_sink, message, new_id()))
        finally:
            poster.close()

    def interrupt(self) -> None:
        """See ``PushChannel``."""
        self._poster.interrupt()

    def close(self) -> None:
        """Close the connection."""
        self._poster.close()

    def _post(self, message: Message) -> None:
        """Send a message to the address for events.

        Raises:
            PushError: it is not certain that the message was delivered.
        """
        message_id = new_id()
        response = self._post_to(self._poster, self._sink, message, message_id)
        # Checked before the status: the fault by which a subscriber refuses events comes with the status of an error
        if is_refusal(response.body):
            raise PushError(f"{self.receiver} refuses events", is_final=True)
        _check_status(self._sink, response)
        if message.needs_ack and not is_ack(response.body, message_id):
            raise PushError(f"{self.receiver} did not acknowledge an event")

    def _post_to(self, poster: HttpPoster, sink: EventSink, message: Message, message_id: str) -> PostedResponse:
        try:
            return poster.post(_path(sink), write_message(sink, message, message_id), HEADERS)
        except PostError as error:
            raise PushError(str(error)) from None

    def _make_poster(self, sink: EventSink, seconds: float = POST_SECONDS) -> HttpPoster:
        return HttpPoster(Origin(*origin_of(sink.address)), seconds, self._tls.make_context)


def _check_status(sink: EventSink, response: PostedResponse) -> None:
    """Check that a subscriber has accepted a message.

    Raises:
        PushError: it has not.
    """
    if not 200 <= response.status < 300:
        raise PushError(f"{_origin(sink)} answered {response.status} {response.reason}")


def event_of(result: WatchResult) -> LostEvents | Instance:
    """Return the event to render: an instance that matches the query, or a notice that events were lost."""
    event = result.result
    return LostEvents(event.missed) if isinstance(event, HostEvent) else event


def _origin(sink: EventSink) -> str:
    """Return scheme, host and port of an address; they can be logged, while the path can be a secret."""
    return str(Origin(*origin_of(sink.address)))


def _path(sink: EventSink) -> str:
    parts = urlsplit(sink.address)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
