"""Server-sent events of the JSON door (text/event-stream, HTML 9.2): a JSON object for each event, with its cursor."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from logonscope.answers.host_event import HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.dispatch.watches import WatchResults
from logonscope.server.json_host_events import HostEventWriter
from logonscope.wire.json.faults import write_error
from logonscope.wire.json.instances import write_event_instance
from logonscope.wire.json.text import write_line, write_text

EVENT_STREAM = "text/event-stream"
"""The content type of a watch."""

HEARTBEAT = b":\n\n"
"""A comment, which clients ignore."""

ERROR = "error"


def query_body(query: Mapping[str, str]) -> bytes:
    """Return the arguments in the query of a URL as the body of a request; commas separate the items of a list."""
    arguments: dict[str, Any] = dict(query)
    # A URL has only texts: lists and booleans are made from them here.
    if "events" in arguments:
        arguments["events"] = [name for name in str(arguments["events"]).split(",") if name]
    if "with_sessions" in arguments:
        # any other word is kept, and rejected later like every wrong argument
        word = arguments["with_sessions"]
        arguments["with_sessions"] = {"true": True, "false": False}.get(word, word)
    return write_text(arguments).encode()


QUERIES: Mapping[str, Callable[[Mapping[str, str]], bytes]] = {"/v1/watch": query_body}
"""Requests that a client can also send by GET, with arguments in the URL: path -> function that makes the body."""


def write_part(part: WatchResults, octets: int) -> bytes:
    """Return a part of the stream: its results and its error, or a heartbeat if it has neither."""
    # in one piece: a part is one write to the connection
    return "".join(_events(part, octets)).encode("ascii") or HEARTBEAT


def _events(part: WatchResults, octets: int) -> Iterator[str]:
    for cursor, result in part.results:
        if isinstance(result, HostEvent):
            line = _WRITER.write(result)
            if len(line) >= octets:
                line = _cut_line(jsonable(result), octets)
        else:
            line = _cut_line(write_event_instance(result), octets)
        # EventSource in a browser calls the listeners that are registered for this name
        name = result.event if isinstance(result, HostEvent) else result.cim_class.name
        yield f"id: {cursor}\nevent: {name}\ndata: {line}\n\n"
    if part.error is not None:
        yield f"event: {ERROR}\ndata: {_cut_line(write_error(part.error), octets)}\n\n"


def _cut_line(members: Mapping[str, Any], octets: int) -> str:
    """Return an object as a line of at most ``octets`` bytes, without the newline."""
    return write_line(members, octets).decode("ascii")[:-1]


_WRITER = HostEventWriter()
