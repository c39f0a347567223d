"""The messages of WS-Eventing in the door of WS-Management: their operations, and the rendering of their answers."""

from contextlib import suppress

from logonscope.dispatch.subscriptions import OpenSubscription
from logonscope.errors import AnswerTooLargeError, EnumerationNotFoundError, LogonscopeError
from logonscope.server.push_channel import WsmanPushChannel, event_of
from logonscope.server.soap_answer import Body, Call, SoapRequest
from logonscope.wire.wsman import names
from logonscope.wire.wsman.envelope import PLACEHOLDER_ID, context_element, free_octets, write_duration
from logonscope.wire.wsman.faults import (
    PULL_TIMED_OUT,
    UNABLE_TO_RENEW,
    UNKNOWN_SUBSCRIPTION,
    FaultError,
)
from logonscope.wire.wsman.render_events import EVENTS, EventRenderer
from logonscope.wire.wsman.render_items import render_batch
from logonscope.wire.wsman.requests import Pull
from logonscope.wire.wsman.resource import resource_uri
from logonscope.wire.wsman.subscription_requests import RenewSubscription, Subscribe, Unsubscribe
from logonscope.wire.xml import escape
from logonscope.wql.tree import Select
from logonscope.wql.write import write_statement

BATCH_EVENTS = 64
"""Maximum number of events that are taken and rendered at once."""

PLACEHOLDER_BOOKMARK = f"<w:Bookmark>{'0' * 43}</w:Bookmark>"
"""A bookmark of the maximum length, which is that of a cursor of the history; it reserves space in an answer."""


class Format:
    """How the events of a subscription are rendered; ``has_bookmarks``: answers have a bookmark."""

    def __init__(self, message: Subscribe) -> None:
        self.renderer, self.has_bookmarks = EventRenderer(message.resource), message.sends_bookmarks


def decode_subscribe(message: Subscribe) -> Call:
    """Return the operation of a Subscribe message."""
    query = message.query
    if query is None:
        query = write_statement(Select(None, message.resource.class_name))
    push_urls = tuple(target.address for target in (message.notify_to, message.end_to) if target is not None)
    return "subscribe", {
        "query": query, "push_urls": push_urls, "namespace": message.resource.namespace, "since": message.bookmark,
        "seconds": message.expires, "heartbeat_seconds": message.heartbeats,
        "mode": message.mode.rpartition("/")[2],
    }  # fmt: skip


def render_subscribe(request: SoapRequest, context: OpenSubscription, _octets: int) -> Body:
    """Return the answer to a Subscribe message (WS-Eventing 3.1), and set how the events of the subscription are sent.

    A client that pulls also gets a context (DSP0226 10.2).
    """
    message: Subscribe = request.message
    context.format = layout = Format(message)
    if message.notify_to is not None:
        context.channel = WsmanPushChannel(context.id, message, layout.renderer, request.push_tls)
    seconds = context.lifetime(message.expires or context.max_seconds)
    uri = resource_uri(message.resource.namespace)
    inner = (
        f"<e:SubscribeResponse><e:SubscriptionManager><a:Address>{names.ANONYMOUS}</a:Address><a:ReferenceParameters>"
        f"<w:ResourceURI>{escape(uri)}</w:ResourceURI><e:Identifier>{context.id}</e:Identifier>"
        f"</a:ReferenceParameters></e:SubscriptionManager><e:Expires>{write_duration(seconds)}</e:Expires>"
        f"{'' if message.notify_to else context_element(context.id)}</e:SubscribeResponse>"
    )
    return Body(f"{names.SUBSCRIBE}Response", inner)


def decode_unsubscribe(message: Unsubscribe) -> Call:
    """Return the operation of an Unsubscribe message."""
    return "release", {"enumeration_id": message.identifier}


def render_unsubscribe(_request: SoapRequest, _answer: None, _octets: int) -> Body:
    """Return the answer to an Unsubscribe message; the answer has an empty body."""
    return Body(f"{names.UNSUBSCRIBE}Response", "")


def decode_renew_subscription(message: RenewSubscription) -> Call:
    """Return the operation of a Renew or GetStatus message; a Renew without Expires asks for the maximum."""
    seconds = None if message.is_status else message.expires or float("inf")
    return "renew", {"enumeration_id": message.identifier, "seconds": seconds}


def render_renew_subscription(request: SoapRequest, seconds: float, _octets: int) -> Body:
    """Return the answer to a Renew or GetStatus message."""
    verb = "GetStatus" if request.message.is_status else "Renew"
    inner = f"<e:{verb}Response><e:Expires>{write_duration(seconds)}</e:Expires></e:{verb}Response>"
    return Body(f"{names.EVENTING}/{verb}Response", inner)


def render_events(request: SoapRequest, context: OpenSubscription, octets: int) -> Body:
    """Return the events that fit into an answer; without events, a heartbeat.

    Raises:
        FaultError: there are no events, and no heartbeat is due.
        AnswerTooLargeError: not even one event fits; the event is kept for a pull with a larger envelope.
    """
    if not (context.pending or context.is_heartbeat_due):
        raise FaultError(PULL_TIMED_OUT, "there were no events in time", "pull again")
    message: Pull = request.message
    layout: Format = context.format
    action, bookmark = f"{names.PULL}Response", PLACEHOLDER_BOOKMARK if layout.has_bookmarks else ""
    head = f"<n:PullResponse>{context_element(PLACEHOLDER_ID)}<n:Items>"
    tail = "</n:Items></n:PullResponse>"
    free = free_octets(request.envelope, action, f"{bookmark}{head}{tail}", octets)
    if message.max_characters is not None:
        free = min(free, message.max_characters)
    texts, count = list[str](), 0
    # in small batches: events that do not fit stay pending, and must be rendered again for the next answer
    while count < message.max_elements and context.pending:
        results = context.pending[: min(BATCH_EVENTS, message.max_elements - count)]
        items = iter([(EVENTS, event_of(result)) for result in results])
        batch = render_batch(layout.renderer, items, free, request.envelope.octets)
        if not count + batch.item_count:
            size = f"{batch.surplus_octets:,}"
            reason = f"an event of {size} octets does not fit into the {free:,} octets left for events"
            raise AnswerTooLargeError(reason, "ask for a larger envelope")
        context.remove_sent(batch.item_count)
        texts, count, free = texts + batch.texts, count + batch.item_count, batch.free
        if batch.surplus:
            break
        # a failure is kept: the next pull raises it, because the events before it must not be lost
        with suppress(LogonscopeError):
            context.read(message.max_elements - count)
    if layout.has_bookmarks:
        bookmark = f"<w:Bookmark>{context.bookmark}</w:Bookmark>" if context.bookmark else ""
    inner = f"<n:PullResponse>{context_element(context.id)}<n:Items>"
    return Body(action, inner, bookmark, texts, tail, count)


def subscription_fault(error: LogonscopeError, request: SoapRequest) -> LogonscopeError:
    """Return the error to report: if a subscription is unknown, a fault of WS-Eventing; otherwise ``error`` itself."""
    message = request.message
    if not (isinstance(error, EnumerationNotFoundError) and isinstance(message, Unsubscribe | RenewSubscription)):
        return error
    is_renewal = isinstance(message, RenewSubscription) and not message.is_status
    fault = UNABLE_TO_RENEW if is_renewal else UNKNOWN_SUBSCRIPTION
    return FaultError(fault, "unknown subscription: it has ended or expired", "subscribe again")
