"""Documents of events: the lines that file, syslog and webhook sinks write."""

import json
from collections.abc import Callable
from functools import partial

from logonscope.answers.host_event import HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.jsonable import jsonable
from logonscope.formats.ecs_event import ecs_event
from logonscope.formats.record import event_record, without_unknown

Encoder = Callable[[HostEvent], str]


def make_encoder(format_name: str, host: HostIdentity) -> Encoder:
    """Return the function that writes an event as one line of ASCII in a format."""
    return {"jsonl": partial(_jsonl, host), "ecs": partial(_ecs, host)}[format_name]


def _jsonl(host: HostIdentity, event: HostEvent) -> str:
    # the fields of `logonscope watch -o jsonl`, and the host
    row = {"host": host.name, "machine_id": host.machine_id, **jsonable(event)}
    return json.dumps(without_unknown(row))


def _ecs(host: HostIdentity, event: HostEvent) -> str:
    return json.dumps(ecs_event(event_record(host, event), event))
