"""Events as documents of the Elastic Common Schema."""

import json
import sys
from typing import TYPE_CHECKING

from logonscope.answers.host_event import HostEvent
from logonscope.errors import InvalidParameterError
from logonscope.faces.cli.event_writers import EventWriter
from logonscope.formats.ecs_event import ecs_event

if TYPE_CHECKING:
    from logonscope.answers.host_identity import HostIdentity
    from logonscope.cim.instances import Instance


class EcsWriter(EventWriter):
    """Prints events as documents, one a line."""

    def __init__(self, host: "HostIdentity") -> None:
        self._host = host

    def write(self, event: "HostEvent | Instance") -> None:
        """Print an event.

        Raises:
            InvalidParameterError: it is an instance of a WQL class.
        """
        if not isinstance(event, HostEvent):
            raise InvalidParameterError("cannot print the results of a query as ecs", "use -o jsonl")
        print(json.dumps(ecs_event(self._host, event), ensure_ascii=sys.stdout.isatty()), flush=True)
