"""Server-sent events of the JSON door (text/event-stream, HTML 9.2): a JSON object for each event, with its cursor."""

from collections.abc import Iterator, Mapping
from typing import Any

from logonscope.answers.host_event import HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.cim.instances import Instance
from logonscope.dispatch.watches import Notices
from logonscope.wire.json.faults import write_error
from logonscope.wire.json.instances import write_event_instance
from logonscope.wire.json.text import write_line

EVENT_STREAM = "text/event-stream"
"""The content type of a watch."""

HEARTBEAT = b":\n\n"
"""A comment, which clients ignore."""

ERROR = "error"


def write_part(part: Notices, octets: int) -> bytes:
    """Return a part of the stream; without results, a heartbeat."""
    return b"".join(_events(part, octets)) or HEARTBEAT


def _events(part: Notices, octets: int) -> Iterator[bytes]:
    for cursor, result in part.notices:
        name = result.event if isinstance(result, HostEvent) else result.cim_class.name
        yield f"id: {cursor}\nevent: {name}\ndata: ".encode() + write_line(_as_object(result), octets) + b"\n"
    if part.error is not None:
        yield f"event: {ERROR}\ndata: ".encode() + write_line(write_error(part.error), octets) + b"\n"


def _as_object(result: HostEvent | Instance) -> Mapping[str, Any]:
    members: Mapping[str, Any] = jsonable(result) if isinstance(result, HostEvent) else write_event_instance(result)
    return members
