"""Server-sent events of the JSON door (text/event-stream, HTML 9.2): a JSON object for each event, with its cursor."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from logonscope.answers.host_event import HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.cim.instances import Instance
from logonscope.dispatch.watches import WatchResults
from logonscope.wire.json.faults import write_error
from logonscope.wire.json.instances import write_event_instance
from logonscope.wire.json.text import write_line, write_text

EVENT_STREAM = "text/event-stream"
"""The content type of a watch."""

HEARTBEAT = b":\n\n"
"""A comment, which clients ignore."""

ERROR = "error"


def query_body(query: Mapping[str, str]) -> bytes:
    """Return the arguments in the query of a URL as the body of a request; lists are separated by commas."""
    arguments: dict[str, Any] = dict(query)
    # a URL has texts only
    if "events" in arguments:
        arguments["events"] = [name for name in str(arguments["events"]).split(",") if name]
    if "with_sessions" in arguments:
        # any other word is rejected as every wrong argument is
        word = arguments["with_sessions"]
        arguments["with_sessions"] = {"true": True, "false": False}.get(word, word)
    return write_text(arguments).encode()


QUERIES: Mapping[str, Callable[[Mapping[str, str]], bytes]] = {"/v1/watch": query_body}
"""Paths that may be requested by GET."""


def write_part(part: WatchResults, octets: int) -> bytes:
    """Return a part of the stream; without results, a heartbeat."""
    return b"".join(_events(part, octets)) or HEARTBEAT


def _events(part: WatchResults, octets: int) -> Iterator[bytes]:
    for cursor, result in part.results:
        # EventSource of a browser passes events on by this name
        name = result.event if isinstance(result, HostEvent) else result.cim_class.name
        yield f"id: {cursor}\nevent: {name}\ndata: ".encode() + write_line(_as_object(result), octets) + b"\n"
    if part.error is not None:
        yield f"event: {ERROR}\ndata: ".encode() + write_line(write_error(part.error), octets) + b"\n"


def _as_object(result: HostEvent | Instance) -> Mapping[str, Any]:
    members: Mapping[str, Any] = jsonable(result) if isinstance(result, HostEvent) else write_event_instance(result)
    return members
