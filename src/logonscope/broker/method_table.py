"""Type of the tables of supported methods."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from logonscope.broker.request import Request
from logonscope.cim.binding import Target
from logonscope.cim.instances import Outcome
from logonscope.cim.types import Value


class SupportedMethod(NamedTuple):
    """A supported method.

    Attributes:
        function: runs the method.
        acts: whether the method changes something on the host.
        read_target: reads the target of a call.
    """

    function: Callable[[Any, Mapping[str, Value]], Outcome]
    acts: bool
    read_target: Callable[[Request, Target], Any]
