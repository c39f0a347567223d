"""Conversations about events: what a client sends and gets, and what happens on the host between two turns."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from logonscope.broker import Caller
from logonscope.dispatch.dispatcher import Answer, Dispatcher, ReceivedRequest
from logonscope.dispatch.enumerations import Enumerations
from logonscope.dispatch.operation import Limits, Reply
from logonscope.dispatch.subscriptions import EventPull
from logonscope.machine import Deadline
from logonscope.ownership import LINUX
from logonscope.server.wsman import WsmanDoor
from logonscope.wire.wsman import names
from logonscope.wire.wsman.names import ENUMERATION, EVENTING, WMI, WSMAN
from logonscope.wire.xml import clark_name, escape
from tests.broker.ringed import Ringed
from tests.hosts import ROOT
from tests.providers.asked import SNAPSHOT
from tests.server.soap import envelope

LOGONS = "SELECT Event, LogonId, User FROM LS_LogonEvent"
LOGONSCOPE = f"{WMI}/root/logonscope/*"
PATIENCE = 30.0


class Message(NamedTuple):
    """An answer: its status, and its envelope."""

    status: int
    root: "etree._Element"

    def texts(self, namespace: str, name: str) -> list[str | None]:
        """Return the texts of elements."""
        return [element.text for element in self.root.iter(clark_name(namespace, name))]

    @property
    def context(self) -> str:
        """Return the id of the subscription."""
        return self.texts(ENUMERATION, "EnumerationContext")[0] or ""

    @property
    def items(self) -> "list[etree._Element]":
        """Return the items."""
        return [item for items in self.root.iter(clark_name(ENUMERATION, "Items")) for item in items]

    @property
    def logon_ids(self) -> list[str | None]:
        """Return the LogonIds of the events."""
        return [element.text for item in self.items for element in item if etree.QName(element).localname == "LogonId"]


class Events:
    """A host, and clients that subscribe to its events through the door."""

    def __init__(self, seconds: float = 60.0, subscription_seconds: float = 3600.0, host: Ringed | None = None) -> None:
        self.host = host or Ringed(SNAPSHOT)
        enumerations = Enumerations(20, 5, 60.0)
        self.dispatcher = Dispatcher(
            self.host, LINUX, enumerations, Limits(seconds=seconds), subscription_seconds=subscription_seconds
        )

    def answer(self, data: bytes, caller: Caller = ROOT) -> Answer:
        """Send a message; the answer of a pull without events is not there yet."""
        return self.dispatcher.answer(WsmanDoor(), ReceivedRequest(data, caller), Deadline())

    def say(self, data: bytes, caller: Caller = ROOT) -> Message:
        """Send a message, and wait for its answer."""
        answer = self.answer(data, caller)
        reply = wait(answer.rest) if isinstance(answer.rest, EventPull) else answer
        return Message(reply.status, etree.fromstring(reply.body))

    def subscribe(self, query: str = LOGONS, more: str = "", delivery: str = "", caller: Caller = ROOT) -> Message:
        """Subscribe."""
        return self.say(subscription(query, more, delivery), caller)

    def pull(self, context: str, most: int = 100, seconds: float = 0.05, caller: Caller = ROOT) -> Message:
        """Pull, for a short time."""
        return self.say(pull_request(context, most, seconds), caller)


def wait(pull: EventPull) -> Reply:
    """Look at a pull until it has its answer, as the event loop does."""
    deadline = time.monotonic() + PATIENCE
    while (reply := pull.next_reply()) is None:
        assert time.monotonic() < deadline
        time.sleep(min(0.01, pull.wait_seconds))
    return reply


def subscription(query: str, more: str = "", delivery: str = "", uri: str = LOGONSCOPE) -> bytes:
    """Return a Subscribe message."""
    filter_element = f'<w:Filter Dialect="{names.WQL}">{escape(query)}</w:Filter>' if query else ""
    body = f'<e:Delivery Mode="{names.PULL_MODE}">{delivery}</e:Delivery>{filter_element}{more}'
    return envelope(names.SUBSCRIBE, uri, f"<e:Subscribe>{body}</e:Subscribe>")


def pull_request(context: str, most: int, seconds: float, more: str = "") -> bytes:
    """Return a Pull message."""
    body = f"<n:EnumerationContext>{context}</n:EnumerationContext><n:MaxElements>{most}</n:MaxElements>"
    timeout = f"<w:OperationTimeout>PT{seconds:.3f}S</w:OperationTimeout>{more}"
    return envelope(names.PULL, LOGONSCOPE, f"<n:Pull>{body}</n:Pull>", more=timeout)


def about(verb: str, identifier: str, inner: str = "") -> bytes:
    """Return a message of WS-Eventing about a subscription."""
    header = f"<e:Identifier>{identifier}</e:Identifier>"
    return envelope(f"{EVENTING}/{verb}", "", f"<e:{verb}>{inner}</e:{verb}>", more=header)


def fault_of(message: Message) -> tuple[str, str]:
    """Return the subcode of a fault, and its number."""
    values = [element.text or "" for element in message.root.iter(clark_name(names.SOAP, "Value"))]
    fault = next(message.root.iter(clark_name(names.MICROSOFT_FAULT, "WSManFault")))
    return values[-1], f"0x{int(fault.get('Code') or 0):08X}"


def bookmarks(message: Message) -> Iterator[str]:
    """Yield the bookmarks of an answer."""
    yield from filter(None, message.texts(WSMAN, "Bookmark"))
